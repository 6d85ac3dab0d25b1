-- Times are microseconds since 1970 in UTC, 0 where there is none.

CREATE TABLE {p}meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- data holds what may be read by anyone with access to the database; secret
-- holds the URL, the secrets and the headers, encrypted if sealed says so.
CREATE TABLE {p}webhook (
  id      TEXT NOT NULL PRIMARY KEY,
  scope   TEXT NOT NULL,
  created INTEGER NOT NULL,
  active  INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  version INTEGER NOT NULL,
  data    TEXT NOT NULL,
  sealed  INTEGER NOT NULL,
  secret  BLOB NOT NULL
) STRICT;
CREATE INDEX {p}webhook_scope ON {p}webhook (scope, created, id);

-- queue is the webhook, a slash and the lane, or the webhook alone where it is
-- also the lane: what is claimed in order, and switched on and off, as one.
-- attempts holds one line of JSON for each attempt, oldest first.
CREATE TABLE {p}delivery (
  seq           INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  scope         TEXT NOT NULL,
  event         TEXT NOT NULL,
  webhook       TEXT NOT NULL,
  queue         TEXT NOT NULL,
  type          TEXT NOT NULL,
  body          BLOB NOT NULL,
  extra         TEXT NOT NULL DEFAULT '',
  state         INTEGER NOT NULL DEFAULT 0,
  due           INTEGER NOT NULL,
  lease         INTEGER NOT NULL DEFAULT 0,
  held          INTEGER NOT NULL DEFAULT 0,
  tries         INTEGER NOT NULL DEFAULT 0,
  interrupted   INTEGER NOT NULL DEFAULT 0,
  first_failure INTEGER NOT NULL DEFAULT 0,
  created       INTEGER NOT NULL,
  queued        INTEGER NOT NULL,
  finished      INTEGER NOT NULL DEFAULT 0,
  code          TEXT NOT NULL DEFAULT '',
  exhausted     INTEGER NOT NULL DEFAULT 0,
  attempts      TEXT NOT NULL DEFAULT '',
  UNIQUE (scope, event, webhook)
) STRICT;

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
  scope TEXT NOT NULL,
  key   TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;

CREATE TABLE {p}health (
  webhook       TEXT NOT NULL PRIMARY KEY,
  scope         TEXT NOT NULL,
  failing_since INTEGER NOT NULL,
  failures      INTEGER NOT NULL,
  paused_until  INTEGER NOT NULL,
  open_until    INTEGER NOT NULL,
  opened        INTEGER NOT NULL
) STRICT;

-- schema is the version of these tables; compat the oldest version of the code
-- that can still work with them.
INSERT INTO {p}meta (key, value) VALUES ('schema', '1'), ('compat', '1');
