package sqlstore

import (
	"strconv"
	"strings"
)

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
var claimPostgres = claimStatement(waitingPostgres, aloneHeads, `false`)

// claimStatement puts together the statement for lanes that take what waits in one way. waiting is
// the part that finds it, as t; alone is whether a row gets the turn of its key, superseded whether
// a later row of its unit took its place.
func claimStatement(waiting, alone, superseded string) string {
	return strings.NewReplacer("<waiting>", waiting, "<alone>", alone, "<superseded>", superseded).Replace(`WITH r AS MATERIALIZED (
 SELECT u.*, w.id IS NOT NULL AS found, w.data, w.sealed, w.secret
 FROM unnest($1::text::int8[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::int4[], $12::text::int8[], $13::text::int8[], $14::text::int4[])
  WITH ORDINALITY AS u(hook, scope, webhook, class, most, due, seq, take, turn)
 LEFT JOIN LATERAL (SELECT * FROM {p}webhook w WHERE w.id = u.webhook AND w.scope = u.scope LIMIT 1) w ON true
 WHERE w.id IS NULL OR w.active AND (w.expires = 0 OR w.expires > $7)),
h AS MATERIALIZED (
 SELECT r.turn, d.due > $7 AS again, d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size, <alone> AS alone, <superseded> AS superseded
 FROM {p}delivery d JOIN r ON r.hook = d.hook + 0 AND r.class = d.class AND r.scope = d.scope AND r.webhook = d.webhook
 WHERE d.ctid = ANY(ARRAY(SELECT x.ctid FROM (
   (SELECT ctid FROM {p}delivery WHERE state = 0 AND held AND (due + 0) > $11 AND (due + 0) <= $7 AND (hook + 0) IN (SELECT hook FROM r)
    ORDER BY (due + 0) LIMIT 10000)
   UNION ALL SELECT ctid FROM {p}delivery WHERE state = 0 AND held AND (due + 0) = ANY($6::text::int8[]) AND (due + 0) > $7 AND lease = $9) x))
  AND CASE WHEN d.held THEN d.state ELSE 1 END = 0 AND (r.take = 0 OR d.key = '' OR d.alone OR d.due > $7 OR <superseded> OR ` + isHead + ` AND ` + isFree + `)
 FOR UPDATE OF d SKIP LOCKED),
<waiting>,
n AS (
 SELECT *, row_number() OVER (PARTITION BY turn, superseded ORDER BY again DESC, due, seq) AS rank
 FROM (SELECT * FROM h UNION ALL SELECT * FROM t) x),
f AS MATERIALIZED (
 SELECT n.turn, n.place, n.seq, n.alone, n.superseded, $10::int8 = 0 OR sum(size) OVER (ORDER BY n.turn, n.rank) <= $10 OR row_number() OVER (ORDER BY n.turn, n.rank) = 1 AS fits
 FROM n JOIN r ON r.turn = n.turn WHERE n.superseded OR n.rank <= r.most),
c AS (
 UPDATE {p}delivery d SET due = $8,
  was = CASE WHEN d.held AND d.due > $7 OR d.due = ` + parkedSQL + ` THEN d.was ELSE d.due END, alone = d.ctid = ANY(ARRAY(SELECT place FROM f WHERE fits AND alone)),
  lease = CASE WHEN d.held AND d.due > $7 THEN d.lease ELSE greatest(d.lease + 1, $9) END,
  interrupted = d.interrupted + CASE WHEN d.held AND d.due <= $7 THEN 1 ELSE 0 END, held = true
 WHERE d.ctid = ANY(ARRAY(SELECT place FROM f WHERE fits)) AND d.state = 0 AND (NOT d.held OR d.due <= $7 OR d.lease = $9)
 RETURNING ` + columns + `, body)
SELECT 0, 0::int8, '', x.superseded, ''::bytea, ` + columns + `, CASE WHEN x.superseded THEN ''::bytea ELSE x.body END
FROM (SELECT c.*, c.seq = ANY(ARRAY(SELECT seq FROM f WHERE superseded)) AS superseded FROM c) x
UNION ALL
SELECT 1, r.turn, r.data, r.sealed, r.secret, ` + emptyRow + ` FROM r WHERE r.found AND EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND f.fits)
UNION ALL
SELECT 2, r.turn, '', false, ''::bytea, ` + emptyRow + ` FROM r WHERE EXISTS (SELECT 1 FROM f WHERE f.turn = r.turn AND NOT f.fits)
UNION ALL
SELECT 3, coalesce(min(due), 0), '', false, ''::bytea, ` + emptyRow + ` FROM {p}delivery WHERE state = 0 AND held AND (due + 0) > $11 AND (due + 0) <= $7`)
}

const (
	aloneHeads  = `(d.key <> '' AND r.take <> 0)`
	aloneNewest = `(d.key <> '' AND ` + later + ` IS NULL)`
)

// waitingPostgres goes down the index of turns.
const waitingPostgres = `t AS MATERIALIZED (
 SELECT r.turn, false AS again, x.* FROM r CROSS JOIN LATERAL (
  SELECT d.ctid AS place, d.due, d.seq, octet_length(d.body) AS size, ` + aloneHeads + ` AS alone, false AS superseded FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND d.scope = r.scope AND d.webhook = r.webhook
   AND d.state = 0 AND NOT d.held AND (d.due, d.seq) > (r.due, r.seq) AND d.due <= $7
   AND (r.take = 0 OR d.key = '' OR ` + isHead + ` AND ` + isFree + `)
  ORDER BY d.due, d.seq LIMIT r.most FOR UPDATE OF d SKIP LOCKED) x)`

// newestPostgres finds, for what is due of each key, what is taken in its place: g is what is due,
// u adds the row of the unit that supersedes it, p are the places of what is taken.
var newestPostgres = strings.ReplaceAll(`g AS MATERIALIZED (
 SELECT r.turn, r.class AS of_class, x.* FROM r CROSS JOIN LATERAL (
  SELECT d.hook, d.key, d.type, d.class, d.ctid AS place, d.seq FROM {p}delivery d
  WHERE d.hook = r.hook AND d.class = r.class AND d.scope = r.scope AND d.webhook = r.webhook AND d.state = 0 AND NOT d.held AND d.due <= $7
  ORDER BY d.due, d.seq LIMIT r.most + 64) x),
u AS MATERIALIZED (
 SELECT d.*, row_number() OVER (PARTITION BY d.hook, d.key, d.taken IS NULL ORDER BY d.seq) AS nth
 FROM (SELECT d.*, CASE WHEN d.key <> '' THEN `+later+` END AS taken FROM g d) d),
p AS MATERIALIZED (
 SELECT u.turn, u.place, false AS alone, false AS superseded FROM u WHERE u.key = ''
 UNION
 SELECT u.turn, x.place, false, true FROM u CROSS JOIN LATERAL (SELECT d.ctid AS place FROM {p}delivery d
  WHERE d.hook = u.hook AND d.key = u.key AND d.key <> '' AND (d.type || '') = u.type AND d.class = u.class AND d.state = 0 AND NOT d.held AND d.seq < u.taken
  ORDER BY d.hook, d.key, d.seq LIMIT <most>) x WHERE u.taken IS NOT NULL
 UNION
 SELECT d.turn, x.place, true, false FROM u d CROSS JOIN LATERAL (SELECT o.ctid AS place, o.held FROM {p}delivery o
  WHERE o.hook = d.hook AND o.key = d.key AND o.key <> '' AND (o.type || '') = d.type AND o.class = d.class AND o.state = 0
  ORDER BY o.hook DESC, o.key DESC, o.seq DESC LIMIT 1) x WHERE d.key <> '' AND d.taken IS NULL AND d.nth = 1 AND NOT x.held AND `+isFree+`),
t AS MATERIALIZED (
 SELECT p.turn, false AS again, d.ctid AS place, d.due, d.seq, CASE WHEN p.superseded THEN 0 ELSE octet_length(d.body) END AS size, p.alone, p.superseded
 FROM {p}delivery d JOIN p ON p.place = d.ctid WHERE d.ctid = ANY(ARRAY(SELECT place FROM p)) AND d.state = 0 AND NOT d.held
 FOR UPDATE OF d SKIP LOCKED)`, "<most>", strconv.Itoa(maxSuperseded))

var claimNewestPostgres = claimStatement(newestPostgres, aloneNewest, `(d.key <> '' AND `+later+` IS NOT NULL)`)
