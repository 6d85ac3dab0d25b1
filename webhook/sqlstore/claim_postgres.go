package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// claimPostgres takes rows with one statement, either of the lanes that take the newest or of the others.
func (s *Store) claimPostgres(ctx context.Context, conn Conn, t *claimRun, statement string, newest bool) error {
	lanes := make(arrays, 8)
	from := make([]lanePlace, len(t.Lanes))
	var selected []int                                 // indexes in t.Lanes
	places := make(map[lanePosition]int, len(t.Lanes)) // in t.Lanes
	for i := range t.Lanes {
		l := &t.Lanes[i]
		if (l.Take == webhook.TakeNewest) != newest {
			continue
		}
		if from[i] = laneHead; l.Take == webhook.TakeAny && !t.repeated {
			from[i] = s.watermarks.start(l.Lane)
		}
		at := lanePosition{hookOf(l.Scope, l.WebhookID), l.Class}
		if _, taken := places[at]; taken {
			t.markShort(l.Lane) // two webhooks with one hash: another claim takes the second
			continue
		}
		places[at] = i
		selected = append(selected, i)
		lanes.add(at.hook, l.Scope, l.WebhookID, l.Class, int64(min(l.Most, maxLane)), from[i].due, from[i].seq, int64(l.Take))
	}
	if len(selected) == 0 {
		return nil
	}
	var kind, number int64 // number is a hook or a turn
	var text string        // a class or the data of a webhook
	in := newClaimReader(&kind, &number, &text)
	in.dest = append(in.dest, &in.d.Superseded, &in.d.Body) // or the columns sealed and secret of a webhook
	began := time.Now()
	err := s.each(ctx, conn, statement, lanes.args(t.now, t.until, t.Lease, int64(t.MaxBytes), t.repeated), func(r Rows) error {
		d, err := in.read(r)
		if err != nil {
			return err
		}
		switch kind {
		case 0:
			d.Held = true
			t.add(places[lanePosition{number, text}], d)
		case 1:
			t.webhooks[selected[number-1]] = webhookRow{text, d.Superseded, d.Body}
		case 2:
			t.short = append(t.short, t.Lanes[selected[number-1]].Lane)
		}
		return nil
	})
	if err == nil && !newest {
		s.moveWatermarks(t, from, time.Since(began))
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
func (s *Store) moveWatermarks(t *claimRun, from []lanePlace, took time.Duration) {
	for i, l := range t.Lanes {
		if l.Take != webhook.TakeAny {
			continue // the claim skips rows that wait for others of their key
		}
		full := len(t.rows[i]) >= min(l.Most, maxLane) && !t.repeated
		s.watermarks.move(l.Lane, from[i], t.rows[i], full, took)
		if !full && from[i] != laneHead {
			t.markShort(l.Lane)
		}
	}
}
