package sqlstore

import (
	"context"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// share divides the room of lanes that have several queues, so that the oldest of all
// come first. Such lanes are rare; all others already have their share.
func (s *Store) share(ctx context.Context, c webhook.Claim, asks []ask) error {
	for i := 0; i < len(asks); {
		n := 1
		for i+n < len(asks) && asks[i+n].lane == asks[i].lane {
			n++
		}
		if n > 1 {
			if err := s.divide(ctx, c, asks[i:i+n]); err != nil {
				return err
			}
		}
		i += n
	}
	return nil
}

func (s *Store) divide(ctx context.Context, c webhook.Claim, asks []ask) error {
	type head struct {
		at  position
		ask int
	}
	var heads []head
	room := asks[0].room
	for i := range asks {
		a := &asks[i]
		a.room, a.empty = 0, true
		rows := `queue = $1 AND state = 0 AND NOT held AND (due, seq) > ($2, $3) AND due <= $4`
		if a.queue.held {
			rows = `queue = $1 AND state = 0 AND held AND (due + 0) <= $4 AND (due, seq) > ($2, $3)`
		}
		err := s.each(ctx, s.reader(), `SELECT due, seq FROM {p}delivery WHERE `+rows+`
 AND (SELECT active AND (expires = 0 OR expires > $4) FROM {p}webhook WHERE id = $5)
 ORDER BY due, seq LIMIT $6`, []any{a.queue.queue, a.low.due, a.low.seq, micros(c.Now), a.queue.webhook, int64(room)},
			func(r Rows) error {
				h := head{ask: i}
				a.empty = false
				err := r.Scan(&h.at.due, &h.at.seq)
				heads = append(heads, h)
				return err
			})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(heads, func(a, b head) int {
		if a.at.less(b.at) {
			return -1
		}
		return 1
	})
	for _, h := range heads[:min(room, len(heads))] {
		asks[h.ask].room++
	}
	return nil
}
