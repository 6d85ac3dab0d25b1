package sqlstore

import (
	"context"

	"github.com/postrider/postrider/webhook"
)

// end ends rows that a claim took and that cannot be sent.
func (s *Store) end(ctx context.Context, ids []string, code webhook.Code, now int64) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := s.list(ids)
	if err != nil {
		return err
	}
	return s.write(ctx, func(c Conn) error {
		return s.exec(ctx, c, `UPDATE {p}delivery SET state = 2, held = false, code = $1, finished = $2
 WHERE state = 0 AND id IN (SELECT `+s.unlist("$3")+`)`, string(code), now, list)
	})
}

// endOrphans ends what is due or not leased in queues whose webhook is gone.
func (s *Store) endOrphans(ctx context.Context, queues []string, now int64) error {
	for _, queue := range queues {
		hook, _ := splitQueue(queue)
		err := s.write(ctx, func(c Conn) error {
			for _, rows := range []string{`NOT held`, `held AND (due + 0) <= $2`} {
				err := s.exec(ctx, c, s.ending(`queue = $3 AND state = 0 AND `+rows+
					` AND NOT EXISTS (SELECT 1 FROM {p}webhook WHERE id = $4)`),
					string(webhook.CodeCancelled), now, queue, hook)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ending is a statement that ends rows as failed with code $1 at $2. On PostgreSQL it
// passes over rows that another host is working on.
func (s *Store) ending(where string) string {
	return s.pick(`UPDATE {p}delivery SET state = 2, held = false, code = $1, finished = $2 WHERE `+where,
		`UPDATE {p}delivery SET state = 2, held = false, code = $1, finished = $2
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {p}delivery WHERE `+where+` FOR UPDATE SKIP LOCKED))`)
}
