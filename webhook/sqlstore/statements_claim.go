package sqlstore

import (
	"strconv"
	"strings"
)

// claimPlainPostgres takes rows of lanes with TakeAny in one statement, which is a transaction. For
// each lane it reads the turn index up to the lane's limit and skips held rows. It reads the webhook
// once for each lane, outside of that scan, and skips rows that another host is claiming. The UPDATE
// checks a row's state again, because a row that was changed meanwhile is found by its former ctid.
// For rows without a key it changes no indexed column, so that their new versions stay in their
// pages. The statement is short because each connection plans it several times before it keeps a plan.
//
// Kinds of rows: 0 a delivery, 1 a lane's webhook, 2 a lane with rows that MaxBytes kept back. The
// columns beside claimColumns are, in this order: of a delivery hook, class, superseded and body; of
// a webhook turn, data, sealed and secret; of a lane turn.
const claimPlainPostgres = claimLanes + `,
t AS MATERIALIZED (
 SELECT r.turn, x.* FROM r CROSS JOIN LATERAL (SELECT x.* FROM (
  SELECT d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND ` + inLane + `
   AND d.state = 0 AND ` + claimable + ` AND (d.due, d.seq) > (r.due, r.seq) AND d.due <= $9
  ORDER BY d.due, d.seq LIMIT ` + laneMost + ` FOR UPDATE OF d SKIP LOCKED) x LIMIT r.most) x),
f AS MATERIALIZED (
 SELECT turn, place, $12::int8 = 0 OR sum(size) OVER w <= $12 OR row_number() OVER w = 1 AS fits FROM t WINDOW w AS (ORDER BY turn, due, seq)),
c AS (
 UPDATE {p}delivery d SET ` + leaseSet + `, alone = false, was = CASE WHEN NOT d.held THEN d.due WHEN d.until > $9 THEN d.was ELSE d.until END
` + leaseWhere + `),
` + claimLeases + `
SELECT 0, hook, class, ` + claimColumns + `, false, body FROM c` + claimRest

// claimPostgres also takes rows of lanes that keep an order, and finds the rows that this Store
// leased before if it repeats the claim.
var claimPostgres = claimStatement(waitingPostgres, aloneHeads, `false`)

// claimStatement builds the statement for lanes with one way to select rows. waiting is the part
// that selects them, as t. alone is the condition that a row gets the turn of its key, superseded
// that a later row of its unit replaces it. If this Store repeats the claim ($13), the rows that
// it leased before come first, from h.
func claimStatement(waiting, alone, superseded string) string {
	return strings.NewReplacer("<waiting>", waiting, "<alone>", alone, "<superseded>", superseded).Replace(claimLanes + `,
h AS MATERIALIZED (
 SELECT r.turn, true AS again, d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size, <alone> AS alone, <superseded> AS superseded
 FROM {p}delivery d JOIN r ON r.hook = d.hook + 0 AND r.class = d.class AND r.scope = d.scope AND r.webhook = d.webhook
 WHERE d.ctid = ANY(ARRAY(SELECT x.place FROM r CROSS JOIN LATERAL (SELECT o.ctid AS place, o.held, o.lease, o.until FROM {p}delivery o
   WHERE o.hook = r.hook AND o.class = r.class AND o.state = 0 AND o.due <= $9 ORDER BY o.due, o.seq LIMIT ` + repeatedRows + `) x
  WHERE (SELECT $13::bool) AND x.held AND x.lease = $11 AND x.until > $9)) AND CASE WHEN d.held THEN d.state ELSE 1 END = 0
 FOR UPDATE OF d SKIP LOCKED),
<waiting>,
n AS (
 SELECT *, row_number() OVER (PARTITION BY turn, superseded ORDER BY again DESC, due, seq) AS rank
 FROM (SELECT * FROM h UNION ALL SELECT * FROM t) x),
f AS MATERIALIZED (
 SELECT n.turn, n.place, n.seq, n.alone, n.superseded, $12::int8 = 0 OR sum(size) OVER (ORDER BY n.turn, n.rank) <= $12 OR row_number() OVER (ORDER BY n.turn, n.rank) = 1 AS fits
 FROM n JOIN r ON r.turn = n.turn WHERE n.superseded OR n.rank <= r.most),
c AS (
 UPDATE {p}delivery d SET ` + leaseSet + `, due = least(d.due, $9),
  was = CASE WHEN NOT d.held THEN CASE WHEN d.due = ` + parkedSQL + ` THEN d.was ELSE d.due END WHEN d.until > $9 THEN d.was ELSE d.until END,
  alone = CASE WHEN d.key = '' THEN false ELSE d.ctid = ANY(ARRAY(SELECT place FROM f WHERE fits AND alone)) END
` + leaseWhere + `),
` + claimLeases + `
SELECT 0, hook, class, ` + claimColumns + `, x.superseded, CASE WHEN x.superseded THEN ''::bytea ELSE x.body END
FROM (SELECT c.*, c.seq = ANY(ARRAY(SELECT seq FROM f WHERE superseded)) AS superseded FROM c) x` + claimRest)
}

// Parts of all claim statements: r are the lanes with their webhooks, f the ctids of the selected
// rows. The rows with fits are leased.
const (
	claimLanes = `WITH r AS MATERIALIZED (
 SELECT u.*, w.id IS NOT NULL AS found, w.data, w.sealed, w.secret
 FROM unnest((SELECT $1::text)::int8[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::int4[], $6::text::int8[], $7::text::int8[], $8::text::int4[])
  WITH ORDINALITY AS u(hook, scope, webhook, class, most, due, seq, take, turn)
 LEFT JOIN LATERAL (SELECT * FROM {p}webhook w WHERE w.id = u.webhook AND w.scope = u.scope LIMIT 1) w ON true
 WHERE (SELECT pg_advisory_xact_lock_shared($11::int8)) IS NOT NULL AND (w.id IS NULL OR w.active AND (w.expires = 0 OR w.expires > $9)))`

	leaseSet = `until = $10, held = true, begun = d.key <> '', lease = CASE WHEN d.held AND d.until > $9 THEN d.lease ELSE greatest(d.lease + 1, $11) END,
  interrupted = d.interrupted + CASE WHEN d.held AND d.until <= $9 THEN 1 ELSE 0 END`
	leaseWhere = ` WHERE d.ctid = ANY(ARRAY(SELECT place FROM f WHERE fits)) AND d.state = 0 AND (NOT d.held OR d.until <= $9 OR d.lease = $11)
 RETURNING hook, class, ` + claimColumns + `, body`

	claimLeases = `l AS (INSERT INTO {p}lease (until, hook, class, scope, webhook) SELECT $10, r.hook, r.class, r.scope, r.webhook FROM r WHERE EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND f.fits))`

	claimRest = `
UNION ALL
SELECT 1, r.turn, r.data, ` + noClaim + `, r.sealed, r.secret FROM r WHERE r.found AND EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND f.fits)
UNION ALL
SELECT 2, r.turn, '', ` + noClaim + `, false, ''::bytea FROM r WHERE EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND NOT f.fits)`
)

// repeatedRows is how many rows of a lane a repeated claim reads to find the rows that it leased
// before. They were the first of the lane then.
const repeatedRows = laneMost

// maxLane bounds the rows that a claim takes of a lane. A lane at the bound is listed as short, so
// that it is claimed again.
const (
	maxLane  = 1000
	laneMost = "1000"
)

const (
	// claimable: the row is not held, or another Store holds it under this claim's number.
	claimable = `(NOT d.held OR d.until <= $9 OR NOT $13 AND d.lease = $11)`

	// inLane compares the names whose hash is hook. Without the CASE the planner expects a single
	// row, and reads and sorts all rows of a lane by way of the log of its scope.
	inLane = `CASE WHEN d.scope = r.scope AND d.webhook = r.webhook THEN true ELSE false END`

	aloneHeads  = `(d.key <> '' AND r.take <> 0)`
	aloneNewest = `(d.key <> '' AND ` + laterOfUnit + ` IS NULL)`
)

// waitingPostgres reads the turn index. A lease that has ended keeps the turn of its key. The
// planner assumes a tenth of a lane for a limit that it does not know, and then compiles the query
// to machine code at each execution. The constant limit of the inner query prevents that.
const waitingPostgres = `t AS MATERIALIZED (
 SELECT r.turn, x.* FROM r CROSS JOIN LATERAL (SELECT x.* FROM (
  SELECT d.held AND d.until > $9 AS again, d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size, ` + aloneHeads + ` AS alone, false AS superseded FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND ` + inLane + `
   AND d.state = 0 AND ` + claimable + ` AND (d.due, d.seq) > (r.due, r.seq) AND d.due <= $9
   AND (r.take = 0 OR d.key = '' OR d.alone OR ` + keyHasNoOlder + ` AND ` + keyHasNoTurn + `)
  ORDER BY d.due, d.seq LIMIT ` + laneMost + ` FOR UPDATE OF d SKIP LOCKED) x LIMIT r.most) x)`

// newestPostgres selects the rows to take in the place of the due rows of each key. g are the due
// rows, u adds the later row of the unit that supersedes each, p are the ctids of the rows to take.
// q are rows whose lease has ended: they are taken themselves, before waiting rows.
var newestPostgres = strings.NewReplacer("<most>", strconv.Itoa(maxSuperseded), "<lane>", laneMost).Replace(`g AS MATERIALIZED (
 SELECT r.turn, r.class AS of_class, x.* FROM r CROSS JOIN LATERAL (SELECT x.* FROM (
  SELECT d.hook, d.key, d.type, d.class, d.ctid AS place, d.seq, d.held, d.alone FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND d.scope = r.scope AND d.webhook = r.webhook AND d.state = 0 AND ` + claimable + ` AND d.due <= $9
  ORDER BY d.due, d.seq LIMIT <lane>) x LIMIT r.most + 64) x),
u AS MATERIALIZED (
 SELECT d.*, row_number() OVER (PARTITION BY d.hook, d.key, d.held, d.taken IS NULL ORDER BY d.seq) AS nth
 FROM (SELECT d.*, CASE WHEN d.key <> '' THEN ` + laterOfUnit + ` END AS taken FROM g d) d),
q AS MATERIALIZED (
 SELECT d.* FROM u d WHERE d.key <> '' AND d.held AND (d.alone OR d.taken IS NOT NULL OR ` + keyHasNoOlder + ` AND ` + keyHasNoTurn + `)),
p AS MATERIALIZED (
 SELECT u.turn, u.place, false AS alone, false AS superseded FROM u WHERE u.key = ''
 UNION
 SELECT q.turn, q.place, q.taken IS NULL, q.taken IS NOT NULL FROM q
 UNION
 SELECT u.turn, x.place, false, true FROM u CROSS JOIN LATERAL (SELECT d.ctid AS place FROM {p}delivery d
  WHERE d.hook = u.hook AND d.key = u.key AND d.key <> '' AND CASE WHEN d.type = u.type AND d.class = u.class THEN NOT d.held ELSE false END AND d.state = 0 AND d.seq < u.taken
  ORDER BY d.hook, d.key, d.seq LIMIT <most>) x WHERE u.taken IS NOT NULL
 UNION
 SELECT d.turn, x.place, true, false FROM u d CROSS JOIN LATERAL (SELECT o.ctid AS place, o.held FROM {p}delivery o
  WHERE o.hook = d.hook AND o.key = d.key AND o.key <> '' AND (o.type || '') = d.type AND o.class = d.class AND o.state = 0
  ORDER BY o.hook DESC, o.key DESC, o.seq DESC LIMIT 1) x WHERE d.key <> '' AND NOT d.held AND d.taken IS NULL AND d.nth = 1 AND NOT x.held AND ` + keyHasNoTurn + `
  AND NOT EXISTS (SELECT 1 FROM q WHERE q.hook = d.hook AND q.key = d.key AND q.taken IS NULL)),
t AS MATERIALIZED (
 SELECT p.turn, d.held AND d.until > $9 AS again, d.ctid AS place, d.due, d.seq, CASE WHEN p.superseded THEN 0 ELSE octet_length(d.body) END AS size, p.alone, p.superseded
 FROM {p}delivery d JOIN p ON p.place = d.ctid WHERE d.ctid = ANY(ARRAY(SELECT place FROM p)) AND d.state = 0 AND ` + claimable + `
 FOR UPDATE OF d SKIP LOCKED)`)

var claimNewestPostgres = claimStatement(newestPostgres, aloneNewest, `(d.key <> '' AND `+laterOfUnit+` IS NOT NULL)`)
