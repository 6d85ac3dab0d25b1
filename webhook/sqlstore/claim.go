package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

const (
	lookEvery = 100 * time.Millisecond // while the ring has enough for a claim
	// maxRounds bounds one claim: a round that brings less than it asked for takes lanes
	// out of the ring, so a few are enough unless somebody keeps filling it.
	maxRounds = 100
)

// taken is a row that a claim leased, with its former due time and place.
type taken struct {
	webhook.Delivery
	was   position
	extra string
}

// answer is what a round brought: rows of each ask, and the webhooks of the asks.
type answer struct {
	rows  [][]taken // by ask, oldest due first
	hooks map[string]stored
}

// Claim implements [webhook.Store]. One claim of a Store is under way at a time.
func (s *Store) Claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	if c.Limit < 1 {
		return b, fmt.Errorf("sqlstore: claim: Limit is %d, must be at least 1", c.Limit)
	}
	if err := s.ready(ctx); err != nil {
		return b, err
	}
	select {
	case s.claiming <- struct{}{}:
		defer func() { <-s.claiming }()
	case <-ctx.Done():
		return b, ctx.Err()
	}
	s.tell(c.Now)
	if b, err = s.claim(ctx, c); err != nil {
		// A claim whose answer was lost may have taken rows, and a look may be incomplete.
		s.ring.forget()
		return webhook.Batch{}, s.fail("claim", "", err)
	}
	return b, nil
}

func (s *Store) claim(ctx context.Context, c webhook.Claim) (b webhook.Batch, err error) {
	now := micros(c.Now)
	looked := !s.ring.fresh(now) || !s.ring.fills(c)
	if looked {
		if err := s.look(ctx, now); err != nil {
			return b, err
		}
	}
	perLane := make(map[string]int)
	oldest := int64(0)
	for round := 0; len(b.Deliveries) < c.Limit && round < maxRounds; round++ {
		asks := s.ring.plan(c, c.Limit-len(b.Deliveries), perLane)
		if len(asks) == 0 {
			if looked {
				break
			}
			looked = true
			if err := s.look(ctx, now); err != nil {
				return b, err
			}
			continue
		}
		got, err := s.round(ctx, c, asks)
		if err != nil {
			return b, err
		}
		for i, rows := range got.rows {
			perLane[asks[i].lane.name] += len(rows)
			if len(rows) > 0 && (oldest == 0 || rows[0].was.due < oldest) {
				oldest = rows[0].was.due
			}
		}
		if err := s.hand(ctx, c, asks, got, &b); err != nil {
			return b, err
		}
	}
	b.Oldest = fromMicros(oldest)
	if len(b.Deliveries) > 0 {
		s.ring.leased(now, micros(c.Until))
	}
	b.Next = fromMicros(s.ring.nextAfter(now))
	return b, nil
}

// round claims what was asked for, and tells the ring.
func (s *Store) round(ctx context.Context, c webhook.Claim, asks []ask) (a answer, err error) {
	if err := s.share(ctx, c, asks); err != nil {
		return a, err
	}
	if s.dialect == PostgreSQL {
		a, err = s.claimPostgres(ctx, c, asks)
	} else {
		err = s.write(ctx, func(conn Conn) (err error) {
			a, err = s.claimSQLite(ctx, conn, c, asks)
			return err
		})
	}
	if err != nil {
		return a, err
	}
	got, last := make([]int, len(asks)), make([]position, len(asks))
	var orphans []string
	for i, rows := range a.rows {
		if got[i] = len(rows); got[i] > 0 {
			last[i] = rows[got[i]-1].was
		}
		if _, ok := a.hooks[asks[i].queue.webhook]; !ok {
			orphans = append(orphans, asks[i].queue.queue)
		}
	}
	s.ring.note(asks, got, last)
	return a, s.endOrphans(ctx, orphans, micros(c.Now))
}

// hand puts rows into the batch, one of each lane after the other. Rows that cannot be
// read, or whose webhook cannot, end as failed.
func (s *Store) hand(ctx context.Context, c webhook.Claim, asks []ask, a answer, b *webhook.Batch) error {
	var broken, foreign []string
	lanes := byLane(asks, a.rows)
	hooks := make(map[string]*webhook.Webhook, len(a.hooks))
	listed := make(map[string]bool, len(b.Webhooks))
	for i := range b.Webhooks {
		listed[b.Webhooks[i].ID] = true
	}
	for i := 0; ; i++ {
		more := false
		for _, rows := range lanes {
			if i >= len(rows) {
				continue
			}
			more = true
			row := rows[i]
			w, known := hooks[row.WebhookID]
			if !known {
				if one, err := s.decodeWebhook(row.WebhookID, a.hooks[row.WebhookID]); err == nil {
					w = &one
				}
				hooks[row.WebhookID] = w
			}
			switch {
			case w == nil || decodeExtra(row.extra, &row.Delivery) != nil:
				broken = append(broken, row.ID)
			case w.Scope != row.Scope: // there is no such webhook in the delivery's scope
				foreign = append(foreign, row.ID)
			default:
				b.Deliveries = append(b.Deliveries, row.Delivery)
				if !listed[w.ID] {
					listed[w.ID] = true
					b.Webhooks = append(b.Webhooks, *w)
				}
			}
		}
		if !more {
			break
		}
	}
	err := s.end(ctx, broken, webhook.CodeConfig, micros(c.Now))
	if err == nil {
		err = s.end(ctx, foreign, webhook.CodeCancelled, micros(c.Now))
	}
	return err
}

// byLane merges the rows of each lane's queues by age.
func byLane(asks []ask, rows [][]taken) (lanes [][]taken) {
	for i := 0; i < len(asks); {
		merged, n := rows[i], 1
		for ; i+n < len(asks) && asks[i+n].lane == asks[i].lane; n++ {
			merged = append(merged, rows[i+n]...)
		}
		if n > 1 {
			slices.SortFunc(merged, oldestFirst)
		}
		lanes = append(lanes, merged)
		i += n
	}
	return lanes
}

func oldestFirst(a, b taken) int {
	switch {
	case a.was.less(b.was):
		return -1
	case b.was.less(a.was):
		return 1
	}
	return 0
}
