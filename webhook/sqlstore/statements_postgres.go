package sqlstore

// Statements for PostgreSQL. Each is fast under a generic plan, whatever the statistics of the
// tables: expressions such as (due + 0) reserve an index for its queries, and rows to change are
// found by their ctid. (SELECT $1::text) hides a value from the planner. Otherwise it makes a new
// plan for a list of one row at each call, because a plan for any list seems to cost more; the
// planning takes longer than the work.

// enqueuePostgres numbers the rows in the order of the list. It inserts them in an order that
// depends on their IDs alone, so that two transactions with common rows cannot deadlock; of rows with one
// ID the first in the list is stored, and the caller reports that one as added. IDs of events
// begin with their time as a rule, so rows that are due together are in the same pages. A row with an
// empty id means that webhooks of a scope have changed.
const enqueuePostgres = `WITH stale AS MATERIALIZED (
 SELECT 1 FROM unnest((SELECT $21::text)::text[], $22::text::int8[]) AS u(scope, seen) LEFT JOIN {p}scope s ON s.scope = u.scope
 WHERE s.seen IS DISTINCT FROM u.seen),
v AS MATERIALIZED (
 SELECT nextval('{p}delivery_seq') AS seq, u.*
 FROM unnest((SELECT $1::text)::text[], $2::text::text[], $3::text::int8[], $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[],
  $8::text::text[], $9::text::text[], $10::text::bytea[], $11::text::int8[], $12::text::int8[], $13::text::int8[], $14::text::int8[],
  $15::text::int8[], $16::text::bool[], $17::text::text[], $18::text::int8[], $19::text::int8[], $20::text::bool[])
  AS u(id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held, key, expires, until, behind)),
i AS (
 INSERT INTO {p}delivery (seq, id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held, key, expires, until, begun)
 SELECT seq, id, name, hook, scope, event, webhook, class, type, extra, body, CASE WHEN park THEN ` + parkedSQL + ` ELSE due END,
  CASE WHEN park THEN due ELSE was END, created, queued, lease, held, key, expires, until, held AND key <> ''
 FROM (SELECT v.*, CASE WHEN v.key = '' OR v.held THEN false ELSE v.behind OR (SELECT o.seq FROM {p}delivery o
   WHERE o.hook = v.hook AND o.key = v.key AND o.key <> '' AND o.state = 0 AND o.seq < v.seq ORDER BY o.hook DESC, o.key DESC, o.seq DESC LIMIT 1) IS NOT NULL END AS park
  FROM v) v WHERE NOT EXISTS (SELECT 1 FROM stale) ORDER BY event COLLATE "C", id COLLATE "C", seq
 ON CONFLICT (id) DO NOTHING RETURNING id, due = ` + parkedSQL + ` AS parked, until, hook, class, scope, webhook),
l AS (INSERT INTO {p}lease (until, hook, class, scope, webhook) SELECT DISTINCT until, hook, class, scope, webhook FROM i WHERE until > 0)
SELECT id, parked FROM i UNION ALL SELECT '', false FROM stale`

// noClaim fills claimColumns in rows of other kinds.
const noClaim = `0::int8, '', '', '', '', '', 0::int8, 0::int8, 0::int8, 0, 0, 0, 0::int8, 0::int8, 0::int8, '', false, '', 0::int8`

// settleHeldPostgres writes outcomes of leases that are still held, nearly all. It returns their
// number, and their IDs if some are missing. The CASE in the condition keeps the planner from the
// indexes of pending rows: for a condition on state it might read a whole index for each outcome.
const settleHeldPostgres = `WITH u AS (
 UPDATE {p}delivery AS d SET state = v.state, held = false, until = 0, alone = false,
  due = CASE WHEN v.due = 0 THEN greatest(d.was, d.queued) ELSE v.due END,
  finished = CASE WHEN v.state = 0 THEN 0 WHEN v.due = 0 THEN greatest(d.was, d.queued) ELSE v.due END,
  exhausted = v.exhausted, tries = d.tries + v.tries,
  code = CASE WHEN v.code <> '' OR v.state = 1 THEN v.code ELSE d.code END,
  first_failure = CASE WHEN d.first_failure = 0 THEN v.failed ELSE d.first_failure END, attempts = d.attempts || v.attempt
 FROM unnest((SELECT $1::text)::text[], $2::text::text[], $3::text::int8[], $4::text::int2[], $5::text::int8[], $6::text::text[], $7::text::bool[],
  $8::text::int4[], $9::text::int8[], $10::text::text[]) AS v(id, scope, lease, state, due, code, exhausted, tries, failed, attempt)
 WHERE d.id = v.id AND d.scope = v.scope AND CASE WHEN d.held AND d.state = 0 THEN d.lease ELSE -1 END = v.lease AND octet_length(d.attempts) < ` + appendableAttempts + `
 RETURNING d.id, d.hook, d.key, d.state)
SELECT count(*), CASE WHEN count(*) < $11 THEN coalesce(string_agg(id, ' '), '') ELSE '' END FROM u
UNION ALL SELECT DISTINCT hook, key FROM u WHERE key <> '' AND state > 0`

var settlePostgres = settleStatement("strpos", "octet_length", "chr(10)", "greatest", `FROM unnest($1::text::text[], $2::text::text[], $3::text::int8[], $4::text::int2[], $5::text::int8[], $6::text::text[], $7::text::bool[],
  $8::text::int4[], $9::text::int8[], $10::text::text[]) WITH ORDINALITY AS v(id, scope, lease, state, due, code, exhausted, tries, failed, attempt, n)`,
	`v.n, d.id, d.lease, d.state, d.due, d.hook, d.key`)

// lanesPostgres walks from lane to lane along the turn index and reads one row of each: $1 is
// the time, $2 the number of lanes, $3 and $4 are the lane before, $5 is the last hook.
const lanesPostgres = `WITH RECURSIVE l AS (
 (SELECT 1 AS n, d.hook, d.class, d.scope, d.webhook, d.due FROM {p}delivery d
  WHERE d.state = 0 AND (d.hook, d.class) > ($3, $4) AND d.hook <= $5 ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 UNION ALL
 SELECT l.n + 1, x.* FROM l CROSS JOIN LATERAL (
  SELECT d.hook, d.class, d.scope, d.webhook, d.due FROM {p}delivery d
  WHERE d.state = 0 AND (d.hook, d.class) > (l.hook, l.class) AND d.hook <= $5
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1) x
 WHERE l.n < $2)`

// laneNextDuePostgres is the due time of a lane's first row that is not due yet.
const laneNextDuePostgres = `(SELECT d.due FROM {p}delivery d WHERE d.state = 0 AND NOT d.held AND d.hook = l.hook AND d.class = l.class AND d.due > $1
 ORDER BY d.due, d.seq LIMIT 1)`

// orphansPostgres walks from webhook to webhook as lanesPostgres does from lane to lane.
const orphansPostgres = `WITH RECURSIVE l AS (
 (SELECT 1 AS n, d.hook, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND d.hook > $1
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 UNION ALL
 SELECT l.n + 1, x.* FROM l CROSS JOIN LATERAL (
  SELECT d.hook, d.scope, d.webhook FROM {p}delivery d WHERE d.state = 0 AND d.hook > l.hook
  ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1) x
 WHERE l.n < $2)`
