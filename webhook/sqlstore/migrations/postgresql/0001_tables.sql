-- Times are microseconds since 1970 in UTC, 0 where there is none.

CREATE TABLE {p}meta (
  key   text PRIMARY KEY,
  value text NOT NULL
);

-- data holds what may be read by anyone with access to the database; secret
-- holds the URL, the secrets and the headers, encrypted if sealed says so.
CREATE TABLE {p}webhook (
  id      text COLLATE "C" PRIMARY KEY,
  scope   text COLLATE "C" NOT NULL,
  created bigint  NOT NULL,
  active  boolean NOT NULL,
  expires bigint  NOT NULL,
  version bigint  NOT NULL,
  data    text    NOT NULL,
  sealed  boolean NOT NULL,
  secret  bytea   NOT NULL
);
CREATE INDEX {p}webhook_scope ON {p}webhook (scope, created, id);

CREATE SEQUENCE {p}delivery_seq;

-- queue is the webhook, a slash and the lane, or the webhook alone where it is
-- also the lane: what is claimed in order, and switched on and off, as one.
-- attempts holds one line of JSON for each attempt, oldest first.
CREATE TABLE {p}delivery (
  seq           bigint   NOT NULL DEFAULT nextval('{p}delivery_seq'),
  id            text COLLATE "C" PRIMARY KEY,
  scope         text COLLATE "C" NOT NULL,
  event         text COLLATE "C" NOT NULL,
  webhook       text COLLATE "C" NOT NULL,
  queue         text COLLATE "C" NOT NULL,
  type          text     NOT NULL,
  body          bytea    NOT NULL,
  extra         text     NOT NULL DEFAULT '',
  state         smallint NOT NULL DEFAULT 0,
  due           bigint   NOT NULL,
  lease         bigint   NOT NULL DEFAULT 0,
  held          boolean  NOT NULL DEFAULT false,
  tries         int      NOT NULL DEFAULT 0,
  interrupted   int      NOT NULL DEFAULT 0,
  first_failure bigint   NOT NULL DEFAULT 0,
  created       bigint   NOT NULL,
  queued        bigint   NOT NULL,
  finished      bigint   NOT NULL DEFAULT 0,
  code          text     NOT NULL DEFAULT '',
  exhausted     boolean  NOT NULL DEFAULT false,
  attempts      text     NOT NULL DEFAULT '',
  UNIQUE (scope, event, webhook)
);

-- What waits in a queue, in the order in which it is claimed.
CREATE INDEX {p}turn ON {p}delivery (queue, due, seq) WHERE state = 0 AND NOT held;
-- What waits, by the time at which it becomes due. The expression keeps the planner
-- from taking this index for the work of the one above.
CREATE INDEX {p}time ON {p}delivery ((due + 0), queue) WHERE state = 0 AND NOT held;
-- What is being sent, by the end of the lease. It is an index of its own because it is
-- small and busy: a lease does not touch the large ones again until it is settled.
CREATE INDEX {p}lease ON {p}delivery ((due + 0), queue) WHERE state = 0 AND held;
-- What may be pruned.
CREATE INDEX {p}done ON {p}delivery (finished) WHERE state > 0;
-- The delivery log of a scope.
CREATE INDEX {p}log ON {p}delivery (scope, created, seq);

CREATE TABLE {p}mark (
  scope text COLLATE "C" NOT NULL,
  key   text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE TABLE {p}health (
  webhook       text COLLATE "C" PRIMARY KEY,
  scope         text COLLATE "C" NOT NULL,
  failing_since bigint NOT NULL,
  failures      bigint NOT NULL,
  paused_until  bigint NOT NULL,
  open_until    bigint NOT NULL,
  opened        bigint NOT NULL
);

-- schema is the version of these tables; compat the oldest version of the code
-- that can still work with them.
INSERT INTO {p}meta (key, value) VALUES ('schema', '1'), ('compat', '1');
