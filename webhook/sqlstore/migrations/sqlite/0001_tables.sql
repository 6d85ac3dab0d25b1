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

-- seen changes with every change of a scope's webhooks, also with one that is made in
-- SQL, and never takes a value again. Remembered webhooks are checked against it.
CREATE TABLE {p}scope (
  scope TEXT NOT NULL PRIMARY KEY,
  seen  INTEGER NOT NULL
) STRICT;
CREATE TABLE {p}seen (
  last INTEGER NOT NULL
) STRICT;
INSERT INTO {p}seen (last) VALUES (0);
CREATE TRIGGER {p}webhook_added AFTER INSERT ON {p}webhook BEGIN
  UPDATE {p}seen SET last = last + 1;
  INSERT INTO {p}scope (scope, seen) SELECT NEW.scope, last FROM {p}seen WHERE true
   ON CONFLICT (scope) DO UPDATE SET seen = excluded.seen;
END;
CREATE TRIGGER {p}webhook_changed AFTER UPDATE ON {p}webhook BEGIN
  UPDATE {p}seen SET last = last + 1;
  INSERT INTO {p}scope (scope, seen) SELECT NEW.scope, last FROM {p}seen WHERE true
   ON CONFLICT (scope) DO UPDATE SET seen = excluded.seen;
  UPDATE {p}scope SET seen = (SELECT last FROM {p}seen) WHERE scope = OLD.scope;
END;
CREATE TRIGGER {p}webhook_removed AFTER DELETE ON {p}webhook BEGIN
  UPDATE {p}seen SET last = last + 1;
  UPDATE {p}scope SET seen = (SELECT last FROM {p}seen) WHERE scope = OLD.scope;
END;

-- id is made of scope, event and webhook; name is the ID that the delivery was given
-- where that is another one. hook is a hash of scope and webhook. until is the end of the
-- lease where the row is held, and was the due time before the lease. begun is whether a row
-- with a key was leased once. earlier counts the tries before the latest redelivery. attempts
-- holds one line of JSON for each attempt, oldest first.
CREATE TABLE {p}delivery (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  hook          INTEGER NOT NULL,
  created       INTEGER NOT NULL,
  queued        INTEGER NOT NULL,
  due           INTEGER NOT NULL,
  was           INTEGER NOT NULL DEFAULT 0,
  until         INTEGER NOT NULL DEFAULT 0,
  lease         INTEGER NOT NULL DEFAULT 0,
  first_failure INTEGER NOT NULL DEFAULT 0,
  finished      INTEGER NOT NULL DEFAULT 0,
  tries         INTEGER NOT NULL DEFAULT 0,
  earlier       INTEGER NOT NULL DEFAULT 0,
  interrupted   INTEGER NOT NULL DEFAULT 0,
  state         INTEGER NOT NULL DEFAULT 0,
  held          INTEGER NOT NULL DEFAULT 0,
  exhausted     INTEGER NOT NULL DEFAULT 0,
  alone         INTEGER NOT NULL DEFAULT 0,
  begun         INTEGER NOT NULL DEFAULT 0,
  expires       INTEGER NOT NULL DEFAULT 0,
  code          TEXT NOT NULL DEFAULT '',
  attempts      TEXT NOT NULL DEFAULT '',
  id            TEXT NOT NULL UNIQUE,
  name          TEXT NOT NULL DEFAULT '',
  scope         TEXT NOT NULL,
  event         TEXT NOT NULL,
  webhook       TEXT NOT NULL,
  class         TEXT NOT NULL DEFAULT '',
  key           TEXT NOT NULL DEFAULT '',
  type          TEXT NOT NULL,
  extra         TEXT NOT NULL DEFAULT '',
  body          BLOB NOT NULL
) STRICT;

-- What is pending in a lane, in the order in which it is claimed. No index knows what is
-- held: a claim passes over the few rows that are, and a lease costs no index an entry.
CREATE INDEX {p}turn ON {p}delivery (hook, class, due, seq) WHERE state = 0;
-- What is pending, by the time at which it becomes due. The expression keeps the planner
-- from taking this index for the work of the one above.
CREATE INDEX {p}time ON {p}delivery ((due + 0), seq) WHERE state = 0;
-- What was tried and is pending, to be counted.
CREATE INDEX {p}retry ON {p}delivery (tries) WHERE state = 0 AND tries > 0;
-- The delivery log of a scope, and that of a webhook, with an expression as above.
CREATE INDEX {p}log ON {p}delivery (scope, created, seq);
CREATE INDEX {p}webhook_log ON {p}delivery ((-hook), created, seq);
-- What is pending of a key, in its order. Rows behind the head are parked: due is at the
-- end of time, and was holds the due time.
CREATE INDEX {p}key ON {p}delivery (hook, key, seq) WHERE state = 0 AND key <> '';
-- What was leased of a key once, or has ended: an older row of the same type is superseded.
CREATE INDEX {p}unit ON {p}delivery (hook, key, type, seq) WHERE key <> '' AND (state <> 0 OR begun);
-- A key has one request at a time: alone is set where a claim gave the key's turn.
CREATE UNIQUE INDEX {p}busy ON {p}delivery (hook, key) WHERE state = 0 AND alone;
-- What waits for a person, and what has an end.
CREATE INDEX {p}heldback ON {p}delivery (hook, seq) WHERE state = 0 AND exhausted;
CREATE INDEX {p}expiry ON {p}delivery (expires) WHERE state = 0 AND expires > 0;
-- Deliveries with a name of their own, as a rule none.
CREATE UNIQUE INDEX {p}name ON {p}delivery (scope, name) WHERE name <> '';

-- Lanes of which something was leased, by the end of the lease: where to look for deliveries
-- of a host that has died. A line stays for a while after the end, whatever became of the lease.
CREATE TABLE {p}lease (
  until   INTEGER NOT NULL,
  hook    INTEGER NOT NULL,
  class   TEXT NOT NULL,
  scope   TEXT NOT NULL,
  webhook TEXT NOT NULL
) STRICT;
CREATE INDEX {p}lease_until ON {p}lease (until);

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

-- What became of the attempts of a webhook that ended in an hour; took is their sum and slowest
-- the longest one, in microseconds. The rows of an hour, told apart by slot, belong together.
CREATE TABLE {p}count (
  scope    TEXT NOT NULL,
  webhook  TEXT NOT NULL,
  hour     INTEGER NOT NULL,
  slot     INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  failed   INTEGER NOT NULL,
  took     INTEGER NOT NULL,
  slowest  INTEGER NOT NULL,
  PRIMARY KEY (scope, webhook, hour, slot)
) STRICT;

-- schema is the version of these tables; compat the oldest version of the code
-- that can still work with them.
INSERT INTO {p}meta (key, value) VALUES ('schema', '1'), ('compat', '1');
