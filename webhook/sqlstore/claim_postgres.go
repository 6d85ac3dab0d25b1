package sqlstore

import (
	"context"
	"slices"
)

// claimPostgres takes rows with one statement.
func (s *Store) claimPostgres(ctx context.Context, conn Conn, t *taking) error {
	t.reset()
	lanes, untils, places := make(arrays, 5), make(arrays, 1), make(arrays, 2)
	from := make([]position, len(t.Lanes))
	for i := range t.Lanes {
		l := &t.Lanes[i]
		from[i] = s.places.of(l.Lane)
		places.add(from[i].created, from[i].seq)
		lanes.add(hookOf(l.Scope, l.WebhookID), l.Scope, l.WebhookID, l.Class, int64(l.Most))
	}
	for _, until := range t.untils {
		untils.add(until)
	}
	args := lanes.args(append(untils.args(), t.now, t.until, t.Lease, int64(t.MaxBytes), s.leases.from())...)
	args = append(args, places.args()...)
	oldest := int64(0)
	err := s.each(ctx, conn, claimPostgres, args, func(r Rows) error {
		var kind, turn int64
		var hook stored
		var body []byte
		d, err := scanDelivery(prefix{r, []any{&kind, &turn, &hook.data, &hook.sealed, &hook.secret}}, &body)
		if err != nil {
			return err
		}
		switch kind {
		case 0:
			d.Body = body
			t.add(d)
		case 1:
			t.hooks[int(turn-1)] = hook
		case 2:
			t.short = append(t.short, t.Lanes[turn-1].Lane)
		case 3:
			oldest = turn
		}
		return nil
	})
	if err == nil {
		s.leases.seen(t.now, oldest)
		s.leases.given(t.until)
		s.notePlaces(t, from)
	}
	return err
}

// notePlaces remembers how far lanes were taken. A lane that was not read from its head, and
// brought less than was asked for, may have more.
func (s *Store) notePlaces(t *taking, from []position) {
	for i, l := range t.Lanes {
		full := len(t.rows[i]) == l.Most && !t.repeated
		s.places.note(l.Lane, from[i], t.rows[i], full)
		if !full && from[i] != head && !slices.Contains(t.short, l.Lane) {
			t.short = append(t.short, l.Lane)
		}
	}
}

// prefix scans columns that precede those of the reader.
type prefix struct {
	Rows
	first []any
}

func (p prefix) Scan(dest ...any) error { return p.Rows.Scan(append(p.first, dest...)...) }
