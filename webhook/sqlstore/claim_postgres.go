package sqlstore

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// claimPostgres takes rows with one statement, either of the lanes that take the newest or of the others.
func (s *Store) claimPostgres(ctx context.Context, conn Conn, t *claimRun, statement string, newest bool) error {
	lanes := make(arrays, 8)
	from := make([]lanePlace, len(t.Lanes))
	var selected []int // indexes in t.Lanes
	for i := range t.Lanes {
		l := &t.Lanes[i]
		if (l.Take == webhook.TakeNewest) != newest {
			continue
		}
		if from[i] = laneHead; l.Take == webhook.TakeAny && !t.repeated {
			from[i] = s.watermarks.start(l.Lane)
		}
		selected = append(selected, i)
		lanes.add(hookOf(l.Scope, l.WebhookID), l.Scope, l.WebhookID, l.Class, int64(min(l.Most, maxLane)), from[i].due, from[i].seq, int64(l.Take))
	}
	if len(selected) == 0 {
		return nil
	}
	args := lanes.args(t.now, t.until, t.Lease, int64(t.MaxBytes), t.repeated)
	err := s.each(ctx, conn, statement, args, func(r Rows) error {
		var kind, turn int64
		var hook webhookRow
		var body []byte
		d, err := scanDelivery(prefixRows{r, []any{&kind, &turn, &hook.data, &hook.sealed, &hook.secret}}, &body)
		if err != nil {
			return err
		}
		switch kind {
		case 0:
			d.Body, d.Superseded = body, hook.sealed
			t.add(d)
		case 1:
			t.webhooks[selected[turn-1]] = hook
		case 2:
			t.short = append(t.short, t.Lanes[selected[turn-1]].Lane)
		}
		return nil
	})
	if err == nil && !newest {
		s.moveWatermarks(t, from)
	}
	for _, i := range selected {
		if l := &t.Lanes[i]; l.Most > maxLane && len(t.rows[i]) >= maxLane {
			t.markShort(l.Lane)
		}
	}
	return err
}

// markShort records that a lane may have more rows.
func (t *claimRun) markShort(l webhook.Lane) {
	if !slices.Contains(t.short, l) {
		t.short = append(t.short, l)
	}
}

// moveWatermarks records up to which row lanes were taken. A lane that was not read from its head
// and gave fewer rows than requested may have more.
func (s *Store) moveWatermarks(t *claimRun, from []lanePlace) {
	for i, l := range t.Lanes {
		if l.Take != webhook.TakeAny {
			continue // the claim skips rows that wait for others of their key
		}
		full := len(t.rows[i]) >= min(l.Most, maxLane) && !t.repeated
		s.watermarks.move(l.Lane, from[i], t.rows[i], full)
		if !full && from[i] != laneHead {
			t.markShort(l.Lane)
		}
	}
}

// prefixRows scans columns that precede those of the reader.
type prefixRows struct {
	Rows
	first []any
}

func (p prefixRows) Scan(dest ...any) error { return p.Rows.Scan(append(p.first, dest...)...) }
