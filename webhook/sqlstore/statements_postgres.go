package sqlstore

// Statements for PostgreSQL. Each holds under a generic plan, whatever the statistics of the
// tables say: expressions such as (due + 0) keep an index for its own work, and rows to be
// changed are found by their place.

// enqueuePostgres numbers the rows in the order of the list. It inserts them in the order
// of their keys, so that two transactions with common rows cannot deadlock. An empty id
// says that webhooks of a scope have changed.
const enqueuePostgres = `WITH stale AS MATERIALIZED (
 SELECT 1 FROM unnest($17::text::text[], $18::text::int8[]) AS u(scope, seen) LEFT JOIN {p}scope s ON s.scope = u.scope
 WHERE s.seen IS DISTINCT FROM u.seen),
v AS MATERIALIZED (
 SELECT nextval('{p}delivery_seq') AS seq, u.*
 FROM unnest($1::text::text[], $2::text::text[], $3::text::int8[], $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[],
  $8::text::text[], $9::text::text[], $10::text::bytea[], $11::text::int8[], $12::text::int8[], $13::text::int8[], $14::text::int8[],
  $15::text::int8[], $16::text::bool[])
  AS u(id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held)),
i AS (
 INSERT INTO {p}delivery (seq, id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held)
 SELECT seq, id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held
 FROM v WHERE NOT EXISTS (SELECT 1 FROM stale) ORDER BY id
 ON CONFLICT (id) DO NOTHING RETURNING id)
SELECT id FROM i UNION ALL SELECT '' FROM stale`

// claimPostgres takes rows with one statement, which is a transaction. For each lane it
// goes down the index of turns as far as the lane's room; the webhook is looked at once for
// each lane, outside of that scan. Rows that another host is claiming are skipped. Leases
// that have ended, and those of an earlier answer to this very claim, are few and are
// found by the end of the lease. The UPDATE looks again, because a row that was changed
// between the two is found by its former place.
//
// The index of leases keeps the entries of those that were settled until it is cleaned up, so
// it is read from $11, before which nothing is held.
//
// Kinds of rows: 0 a delivery, 1 a lane's webhook, 2 a lane of which something was kept back,
// 3 the end of the oldest lease that has ended.
const claimPostgres = `WITH r AS MATERIALIZED (
 SELECT u.*, w.id IS NOT NULL AS found, w.data, w.sealed, w.secret
 FROM unnest($1::text::int8[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::int4[], $12::text::int8[], $13::text::int8[])
  WITH ORDINALITY AS u(hook, scope, webhook, class, most, due, seq, turn)
 LEFT JOIN LATERAL (SELECT * FROM {p}webhook w WHERE w.id = u.webhook AND w.scope = u.scope LIMIT 1) w ON true
 WHERE w.id IS NULL OR w.active AND (w.expires = 0 OR w.expires > $7)),
h AS MATERIALIZED (
 SELECT r.turn, d.due > $7 AS again, d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size
 FROM {p}delivery d JOIN r ON r.hook = d.hook + 0 AND r.class = d.class AND r.scope = d.scope AND r.webhook = d.webhook
 WHERE d.ctid = ANY(ARRAY(SELECT x.ctid FROM (
   (SELECT ctid FROM {p}delivery WHERE state = 0 AND held AND (due + 0) > $11 AND (due + 0) <= $7 AND (hook + 0) IN (SELECT hook FROM r)
    ORDER BY (due + 0) LIMIT 10000)
   UNION ALL SELECT ctid FROM {p}delivery WHERE state = 0 AND held AND (due + 0) = ANY($6::text::int8[]) AND (due + 0) > $7 AND lease = $9) x))
  AND CASE WHEN d.held THEN d.state ELSE 1 END = 0
 FOR UPDATE OF d SKIP LOCKED),
t AS MATERIALIZED (
 SELECT r.turn, false AS again, x.* FROM r CROSS JOIN LATERAL (
  SELECT d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND d.scope = r.scope AND d.webhook = r.webhook
   AND d.state = 0 AND NOT d.held AND (d.due, d.seq) > (r.due, r.seq) AND d.due <= $7
  ORDER BY d.due, d.seq LIMIT r.most FOR UPDATE OF d SKIP LOCKED) x),
n AS (
 SELECT *, row_number() OVER (PARTITION BY turn ORDER BY again DESC, due, seq) AS rank
 FROM (SELECT * FROM h UNION ALL SELECT * FROM t) x),
f AS MATERIALIZED (
 SELECT n.turn, n.place, $10::int8 = 0 OR sum(size) OVER (ORDER BY n.turn, n.rank) <= $10 OR row_number() OVER (ORDER BY n.turn, n.rank) = 1 AS fits
 FROM n JOIN r ON r.turn = n.turn WHERE n.rank <= r.most),
c AS (
 UPDATE {p}delivery d SET due = $8,
  was = CASE WHEN d.held AND d.due > $7 THEN d.was ELSE d.due END,
  lease = CASE WHEN d.held AND d.due > $7 THEN d.lease ELSE greatest(d.lease + 1, $9) END,
  interrupted = d.interrupted + CASE WHEN d.held AND d.due <= $7 THEN 1 ELSE 0 END, held = true
 WHERE d.ctid = ANY(ARRAY(SELECT place FROM f WHERE fits)) AND d.state = 0 AND (NOT d.held OR d.due <= $7 OR d.lease = $9)
 RETURNING ` + columns + `, body)
SELECT 0, 0::int8, '', false, ''::bytea, c.* FROM c
UNION ALL
SELECT 1, r.turn, r.data, r.sealed, r.secret, ` + emptyRow + ` FROM r WHERE r.found AND EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND f.fits)
UNION ALL
SELECT 2, r.turn, '', false, ''::bytea, ` + emptyRow + ` FROM r WHERE EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND NOT f.fits)
UNION ALL
SELECT 3, coalesce(min(due), 0), '', false, ''::bytea, ` + emptyRow + ` FROM {p}delivery WHERE state = 0 AND held AND (due + 0) > $11 AND (due + 0) <= $7`

// emptyRow stands for columns and a body.
const emptyRow = `0::int8, '', '', '', '', '', '', '', '', 0::int2, 0::int8, 0::int8, 0::int8, false, 0, 0, 0, 0::int8, 0::int8, 0::int8, 0::int8, '', false, ''::bytea`

// plainPostgres writes outcomes of leases that are still held, which is nearly always so. It
// counts them, and names them where some are missing. The CASE in the condition keeps the
// planner from the index of leases: on held and state it would take it, and read all of it
// for each outcome.
const plainPostgres = `WITH u AS (
 UPDATE {p}delivery AS d SET state = v.state, held = false,
  due = CASE WHEN v.due = 0 THEN greatest(d.was, d.queued) ELSE v.due END,
  finished = CASE WHEN v.state = 0 THEN 0 WHEN v.due = 0 THEN greatest(d.was, d.queued) ELSE v.due END,
  exhausted = v.exhausted, tries = d.tries + v.tries,
  code = CASE WHEN v.code <> '' OR v.state = 1 THEN v.code ELSE d.code END,
  first_failure = CASE WHEN d.first_failure = 0 THEN v.failed ELSE d.first_failure END, attempts = d.attempts || v.attempt
 FROM unnest($1::text::text[], $2::text::text[], $3::text::int8[], $4::text::int2[], $5::text::int8[], $6::text::text[], $7::text::bool[],
  $8::text::int4[], $9::text::int8[], $10::text::text[]) AS v(id, scope, lease, state, due, code, exhausted, tries, failed, attempt)
 WHERE d.id = v.id AND d.scope = v.scope AND CASE WHEN d.held AND d.state = 0 THEN d.lease ELSE -1 END = v.lease AND octet_length(d.attempts) < ` + plainAttempts + `
 RETURNING d.id)
SELECT count(*), CASE WHEN count(*) < $11 THEN coalesce(string_agg(id, ' '), '') ELSE '' END FROM u`

var settlePostgres = settleStatement("strpos", "octet_length", "chr(10)", "greatest", "d.", `FROM unnest($1::text::text[], $2::text::text[], $3::text::int8[], $4::text::int2[], $5::text::int8[], $6::text::text[], $7::text::bool[],
  $8::text::int4[], $9::text::int8[], $10::text::text[]) AS v(id, scope, lease, state, due, code, exhausted, tries, failed, attempt)
WHERE d.id = v.id AND d.scope = v.scope`)

// lanesPostgres goes from lane to lane down the index of turns, without reading what waits
// in one: $1 is the time, $2 how many lanes, $3 and $4 the lane before, $5 the last hook.
const lanesPostgres = `WITH RECURSIVE l AS (
 (SELECT 1 AS n, d.hook, d.class, d.scope, d.webhook, d.due FROM {p}delivery d
  WHERE d.state = 0 AND NOT d.held AND (d.hook, d.class) > ($3, $4) AND d.hook <= $5 ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 UNION ALL
 SELECT l.n + 1, x.* FROM l CROSS JOIN LATERAL (
  SELECT d.hook, d.class, d.scope, d.webhook, d.due FROM {p}delivery d
  WHERE d.state = 0 AND NOT d.held AND (d.hook, d.class) > (l.hook, l.class) AND d.hook <= $5
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1) x
 WHERE l.n < $2)`

// laterPostgres is when a lane's next row becomes due that is not due yet.
const laterPostgres = `(SELECT d.due FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook = l.hook AND d.class = l.class AND d.due > $1
 ORDER BY d.due, d.seq LIMIT 1)`

// orphansPostgres goes from webhook to webhook as lanesPostgres does from lane to lane.
const orphansPostgres = `WITH RECURSIVE l AS (
 (SELECT 1 AS n, d.hook, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook > $1
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 UNION ALL
 SELECT l.n + 1, x.* FROM l CROSS JOIN LATERAL (
  SELECT d.hook, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook > l.hook
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1) x
 WHERE l.n < $2)`

// prunePostgres goes from scope to scope down the log, to those whose oldest delivery was
// created before $1.
const oldScopesPostgres = `WITH RECURSIVE s AS (
 (SELECT d.scope, d.created FROM {p}delivery d ORDER BY d.scope, d.created, d.seq LIMIT 1)
 UNION ALL
 SELECT x.* FROM s CROSS JOIN LATERAL (
  SELECT d.scope, d.created FROM {p}delivery d WHERE d.scope > s.scope ORDER BY d.scope, d.created, d.seq LIMIT 1) x)
SELECT scope FROM s WHERE created < $1`
