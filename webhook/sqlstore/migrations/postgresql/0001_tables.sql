-- Times are microseconds since 1970 in UTC, 0 where there is none.

CREATE TABLE {p}meta (
  key   text PRIMARY KEY,
  value text NOT NULL
);

-- data holds the part of a webhook that is stored in clear; secret holds the URL,
-- the secrets, the headers and the credentials, encrypted if sealed is true.
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

-- seen changes with every change of a scope's webhooks, also one that is made in SQL,
-- and never repeats a value. Enqueue compares it with the value at the match.
CREATE SEQUENCE {p}seen_seq;
CREATE TABLE {p}scope (
  scope text COLLATE "C" PRIMARY KEY,
  seen  bigint NOT NULL
);
CREATE FUNCTION {p}webhook_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF TG_OP <> 'INSERT' THEN
      INSERT INTO {p}scope AS s (scope, seen) VALUES (OLD.scope, nextval('{p}seen_seq'))
       ON CONFLICT (scope) DO UPDATE SET seen = excluded.seen;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO {p}scope AS s (scope, seen) VALUES (NEW.scope, nextval('{p}seen_seq'))
       ON CONFLICT (scope) DO UPDATE SET seen = excluded.seen;
    END IF;
    RETURN NULL;
  END
$$;
CREATE TRIGGER {p}webhook_changed AFTER INSERT OR UPDATE OR DELETE ON {p}webhook FOR EACH ROW
EXECUTE FUNCTION {p}webhook_changed();

CREATE SEQUENCE {p}delivery_seq;

-- id is made of scope, event and webhook; name is the delivery's own ID if it has another
-- one. hook is a hash of scope and webhook. until is the end of the lease while the row is
-- held, and was is the due time before the lease. begun is true if a row with a key was
-- leased once. earlier counts the tries before the latest redelivery. attempts
-- holds one line of JSON for each attempt, oldest first. The write-ahead log holds an update from
-- the first byte that changes to the last, so the columns that a lease and a delivery change stand
-- together, from was to attempts. fillfactor keeps room in a page: a lease changes no indexed
-- column (was, lease, until, held, interrupted), so the new version of the row stays in its page.
CREATE TABLE {p}delivery (
  seq           bigint   NOT NULL DEFAULT nextval('{p}delivery_seq'),
  hook          bigint   NOT NULL,
  created       bigint   NOT NULL,
  queued        bigint   NOT NULL,
  expires       bigint   NOT NULL DEFAULT 0,
  first_failure bigint   NOT NULL DEFAULT 0,
  earlier       int      NOT NULL DEFAULT 0,
  interrupted   int      NOT NULL DEFAULT 0,
  was           bigint   NOT NULL DEFAULT 0,
  lease         bigint   NOT NULL DEFAULT 0,
  until         bigint   NOT NULL DEFAULT 0,
  held          boolean  NOT NULL DEFAULT false,
  exhausted     boolean  NOT NULL DEFAULT false,
  alone         boolean  NOT NULL DEFAULT false,
  begun         boolean  NOT NULL DEFAULT false,
  tries         int      NOT NULL DEFAULT 0,
  due           bigint   NOT NULL,
  finished      bigint   NOT NULL DEFAULT 0,
  state         smallint NOT NULL DEFAULT 0,
  code          text     NOT NULL DEFAULT '',
  attempts      text     NOT NULL DEFAULT '',
  id            text COLLATE "C" PRIMARY KEY,
  name          text COLLATE "C" NOT NULL DEFAULT '',
  scope         text COLLATE "C" NOT NULL,
  event         text COLLATE "C" NOT NULL,
  webhook       text COLLATE "C" NOT NULL,
  class         text COLLATE "C" NOT NULL DEFAULT '',
  key           text COLLATE "C" NOT NULL DEFAULT '',
  type          text     NOT NULL,
  extra         text     NOT NULL DEFAULT '',
  body          bytea    NOT NULL
) WITH (fillfactor = 50);

-- The pending rows of a lane, in the order in which they are claimed. No index has the
-- column held: a claim skips the few held rows, and a lease adds no index entry.
CREATE INDEX {p}turn ON {p}delivery (hook, class, due, seq) WHERE state = 0;
-- The pending rows by due time. The expression keeps the planner from using this index for
-- the queries of the one above.
CREATE INDEX {p}time ON {p}delivery ((due + 0), seq) WHERE state = 0;
-- The pending rows that are due later than they were queued, by age: they were tried, wait behind
-- another one of their key, or could not leave the host. Others are as old as their due time says.
CREATE INDEX {p}age ON {p}delivery (queued) WHERE state = 0 AND due > queued;
-- The pending rows that were tried, to count them.
CREATE INDEX {p}retry ON {p}delivery (tries) WHERE state = 0 AND tries > 0;
-- The delivery log of a scope, and that of a webhook, with an expression as above.
CREATE INDEX {p}log ON {p}delivery (scope, created, seq);
CREATE INDEX {p}webhook_log ON {p}delivery ((-hook), created, seq);
-- The failed deliveries of both, a few among many, which users look for.
CREATE INDEX {p}failed ON {p}delivery (scope, created, seq) WHERE state = 2;
CREATE INDEX {p}webhook_failed ON {p}delivery ((-hook), created, seq) WHERE state = 2;
-- The pending rows of a key, in its order. Rows behind the head are parked: due is later than
-- any time in a query, and was holds the due time.
CREATE INDEX {p}key ON {p}delivery (hook, key, seq) WHERE state = 0 AND key <> '';
-- The rows of a key that were leased once or have ended: an older row of the same type is superseded.
CREATE INDEX {p}unit ON {p}delivery (hook, key, type, seq) WHERE key <> '' AND (state <> 0 OR begun);
-- A key has one request at a time: a claim sets alone on the row that gets the key's turn.
CREATE UNIQUE INDEX {p}busy ON {p}delivery (hook, key) WHERE state = 0 AND alone;
-- The rows that wait for a person, and the rows with an expiry time.
CREATE INDEX {p}heldback ON {p}delivery (hook, seq) WHERE state = 0 AND exhausted;
CREATE INDEX {p}expiry ON {p}delivery (expires) WHERE state = 0 AND expires > 0;
-- Deliveries with a name, usually none.
CREATE UNIQUE INDEX {p}name ON {p}delivery (scope, name) WHERE name <> '';

-- Lanes with a lease, by the end of the lease: the lanes to read for deliveries of a host that
-- has died. A row stays for a while after the end, whether the lease was settled or not.
CREATE TABLE {p}lease (
  until   bigint NOT NULL,
  hook    bigint NOT NULL,
  class   text COLLATE "C" NOT NULL,
  scope   text COLLATE "C" NOT NULL,
  webhook text COLLATE "C" NOT NULL
);
CREATE INDEX {p}lease_until ON {p}lease (until);

CREATE TABLE {p}mark (
  scope text COLLATE "C" NOT NULL,
  key   text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX {p}mark_until ON {p}mark (until);

CREATE TABLE {p}health (
  webhook       text COLLATE "C" PRIMARY KEY,
  scope         text COLLATE "C" NOT NULL,
  failing_since bigint NOT NULL,
  failures      bigint NOT NULL,
  paused_until  bigint NOT NULL,
  open_until    bigint NOT NULL,
  opened        bigint NOT NULL
);
CREATE INDEX {p}health_scope ON {p}health (scope);

-- The results of the attempts of a webhook that ended in an hour. took is the sum of their
-- durations and slowest the longest one, in microseconds. An hour has several rows, one for each slot.
CREATE TABLE {p}count (
  scope    text COLLATE "C" NOT NULL,
  webhook  text COLLATE "C" NOT NULL,
  hour     bigint NOT NULL,
  slot     smallint NOT NULL,
  accepted bigint NOT NULL,
  failed   bigint NOT NULL,
  took     bigint NOT NULL,
  slowest  bigint NOT NULL,
  PRIMARY KEY (scope, webhook, hour, slot)
);
CREATE INDEX {p}count_hour ON {p}count (hour);

-- schema is the version of these tables; compat the oldest version of the code
-- that can still work with them.
INSERT INTO {p}meta (key, value) VALUES ('schema', '1'), ('compat', '1');
