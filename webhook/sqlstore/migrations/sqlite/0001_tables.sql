-- Times are microseconds since 1970 in UTC, 0 where there is none.

CREATE TABLE {p}meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- data holds the part of a webhook that is stored in clear; secret holds the URL,
-- the secrets, the headers and the credentials, encrypted if sealed is true.
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

-- seen changes with every change of a scope's webhooks, also one that is made in SQL,
-- and never repeats a value. Enqueue compares it with the value at the match.
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

-- id is made of scope, event and webhook; name is the delivery's own ID if it has another
-- one. hook is a hash of scope and webhook. until is the end of the lease while the row is
-- held, and was is the due time before the lease. begun is true if a row with a key was
-- leased once. earlier counts the tries before the latest redelivery. attempts
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
CREATE INDEX {p}mark_until ON {p}mark (until);

CREATE TABLE {p}health (
  webhook       TEXT NOT NULL PRIMARY KEY,
  scope         TEXT NOT NULL,
  failing_since INTEGER NOT NULL,
  failures      INTEGER NOT NULL,
  paused_until  INTEGER NOT NULL,
  open_until    INTEGER NOT NULL,
  opened        INTEGER NOT NULL
) STRICT;
CREATE INDEX {p}health_scope ON {p}health (scope);

-- The results of the attempts of a webhook that ended in an hour. took is the sum of their
-- durations and slowest the longest one, in microseconds. An hour has several rows, one for each slot.
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
CREATE INDEX {p}count_hour ON {p}count (hour);

-- schema is the version of these tables; compat the oldest version of the code
-- that can still work with them.
INSERT INTO {p}meta (key, value) VALUES ('schema', '1'), ('compat', '1');
