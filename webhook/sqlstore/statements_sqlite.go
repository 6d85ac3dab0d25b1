package sqlstore

// Statements for SQLite. A transaction runs short ones that are prepared once, because SQLite
// keeps a journal for a statement with RETURNING, or for an UPDATE of many rows with values for
// each.

// enqueueSQLite has parameters without numbers, which drivers bind fastest.
const enqueueSQLite = `INSERT INTO {p}delivery (id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held, key, expires, until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// enqueueKeyedSQLite parks a row behind others of its key.
const enqueueKeyedSQLite = `INSERT INTO {p}delivery (id, name, hook, scope, event, webhook, class, type, extra, body, due, was, created, queued, lease, held, key, expires, until, begun)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN p.park THEN ` + parkedSQL + ` ELSE $11 END, CASE WHEN p.park THEN $11 ELSE $12 END,
 $13, $14, $15, $16, $17, $18, $19, $16
FROM (SELECT NOT $16 AND EXISTS (SELECT 1 FROM {p}delivery o WHERE o.hook = $3 AND o.key = $17 AND o.key <> '' AND o.state = 0) AS park) p
WHERE true ON CONFLICT (id) DO NOTHING`

// Rows that a claim may take of a lane: rows that wait, rows whose lease has ended, and rows that
// the same claim leased before. SQLite prepares a statement again at each use if its LIMIT is a
// parameter alone, because the planner reads its value; hence the + 0.
const (
	waitingSQLite = `SELECT ` + claimColumns + `, ` + stateColumns + `, body FROM {p}delivery d
WHERE state = 0 AND (NOT held OR until <= $5 OR lease = $7) AND hook = $1 AND class = $2 AND scope = $3 AND webhook = $4 AND due <= $5`
	inTurnSQLite = ` ORDER BY due, seq LIMIT $6 + 0`

	claimWaitingSQLite  = waitingSQLite + inTurnSQLite
	claimHeadsSQLite    = waitingSQLite + ` AND (key = '' OR alone OR ` + keyHasNoOlder + ` AND ` + keyHasNoTurn + `)` + inTurnSQLite
	claimRepeatedSQLite = `SELECT ` + claimColumns + `, ` + stateColumns + `, body FROM {p}delivery WHERE seq IN (SELECT seq FROM (SELECT seq, held, lease, until FROM {p}delivery
 WHERE state = 0 AND hook = $1 AND class = $2 AND scope = $3 AND webhook = $4 AND due <= $5 ORDER BY due, seq LIMIT ` + repeatedRows + `)
 WHERE held AND lease = $6 AND until > $5)`

	// A lease of rows without a key changes no index. OR ROLLBACK avoids the journal of the
	// statement: an error rolls the transaction back anyway.
	leaseSQLite = `UPDATE OR ROLLBACK {p}delivery SET was = CASE WHEN held THEN until ELSE due END, until = $1, lease = max(lease + 1, $2),
 interrupted = interrupted + held, held = 1 WHERE seq IN (SELECT value FROM json_each($3))`
	leaseKeyedSQLite = `UPDATE OR ROLLBACK {p}delivery SET was = CASE WHEN held THEN until WHEN due = ` + parkedSQL + ` THEN was ELSE due END, until = $1, lease = max(lease + 1, $2),
 interrupted = interrupted + held, held = 1, begun = 1, due = min(due, $3), alone = $4 WHERE seq IN (SELECT value FROM json_each($5))`
	prolongSQLite = `UPDATE OR ROLLBACK {p}delivery SET until = $1 WHERE seq IN (SELECT value FROM json_each($2))`
)

const settleHeldSQLite = `UPDATE {p}delivery SET state = $4, held = 0, until = 0, alone = 0,
 due = CASE WHEN $5 = 0 THEN max(was, queued) ELSE $5 END,
 finished = CASE WHEN $4 = 0 THEN 0 WHEN $5 = 0 THEN max(was, queued) ELSE $5 END,
 exhausted = $7, tries = tries + $8, code = CASE WHEN $6 <> '' OR $4 = 1 THEN $6 ELSE code END,
 first_failure = CASE WHEN first_failure = 0 THEN $9 ELSE first_failure END, attempts = attempts || $10
WHERE id = $1 AND scope = $2 AND state = 0 AND held AND lease = $3 AND length(attempts) < ` + appendableAttempts

var settleSQLite = `WITH v(id, scope, lease, state, due, code, exhausted, tries, failed, attempt) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
` + settleStatement("instr", "length", "char(10)", "max", `FROM v`, `1, id, lease, state, due, hook, key`)

// lanesSQLite is lanesPostgres. It finds the lane after another in two steps, because SQLite
// would read all rows of a lane to find a greater (hook, class).
var lanesSQLite = `WITH RECURSIVE p(n, seq) AS (
 SELECT 1, ` + nextLaneSQLite("$3", "$4") + `
 UNION ALL
 SELECT p.n + 1, ` + nextLaneSQLite("c.hook", "c.class") + ` FROM p JOIN {p}delivery c ON c.seq = p.seq WHERE p.n < $2),
l AS (SELECT p.n, d.hook, d.class, d.scope, d.webhook, d.due FROM p CROSS JOIN {p}delivery d ON d.seq = p.seq)`

func nextLaneSQLite(hook, class string) string {
	const first = `SELECT d.seq FROM {p}delivery d WHERE d.state = 0 AND d.hook `
	return `coalesce(
  (` + first + `= ` + hook + ` AND d.hook <= $5 AND d.class > ` + class + ` ORDER BY d.class, d.due, d.seq LIMIT 1),
  (` + first + `> ` + hook + ` AND d.hook <= $5 ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1))`
}

const laneNextDueSQLite = laneNextDuePostgres

const orphansSQLite = `WITH RECURSIVE p(n, seq) AS (
 SELECT 1, (SELECT d.seq FROM {p}delivery d WHERE d.state = 0 AND d.hook > $1 ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 UNION ALL
 SELECT p.n + 1, (SELECT d.seq FROM {p}delivery d WHERE d.state = 0 AND d.hook > c.hook ORDER BY d.hook, d.class, d.due, d.seq LIMIT 1)
 FROM p JOIN {p}delivery c ON c.seq = p.seq WHERE p.n < $2),
l AS (SELECT p.n, d.hook, d.scope, d.webhook FROM p CROSS JOIN {p}delivery d ON d.seq = p.seq)`
