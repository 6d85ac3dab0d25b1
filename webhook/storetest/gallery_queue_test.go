package storetest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/webhook"
)

var brokenEnqueues = []exhibit{
	{"a failed Enqueue leaves its first part", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
			for i := range ds {
				one, err := b.Store.Enqueue(ctx, ds[i:i+1])
				if err != nil {
					return nil, err
				}
				added = append(added, one...)
			}
			return added, nil
		}
	}, []string{"enqueue/all-or-none", "enqueue/all-or-none-of-each-scope"}},

	{"an Enqueue that stored everything says that it failed", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			added, err := b.Store.Enqueue(context.WithoutCancel(ctx), ds)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return added, err
		}
	}, []string{"enqueue/all-or-none"}},

	{"a lost answer is an ordinary error", func(b *broken) { b.silent = true }, []string{"enqueue/lost-answer"}},

	{"Delivery.Seen is not looked at", wrongEnqueue(func(d *webhook.Delivery) { d.Seen = 0 }), []string{"enqueue/stale"}},

	{"Enqueue of nothing panics", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			_ = ds[0]
			return b.Store.Enqueue(ctx, ds)
		}
	}, []string{"enqueue/nothing"}},

	{"no unique key: a repeated delivery is stored again", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			added, err := b.Store.Enqueue(ctx, ds)
			for i, d := range ds {
				if err == nil && !added[i] {
					d.EventID += "again"
					d.ID += "again"
					one, err := b.Store.Enqueue(ctx, []webhook.Delivery{d})
					if err != nil {
						return nil, err
					}
					added[i] = one[0]
				}
			}
			return added, err
		}
	}, []string{"enqueue/once-across-calls", "enqueue/concurrent-once", "enqueue/once-after-end", "enqueue/once-within-call"}},

	{"of two in one call the other one is stored", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			last := make(map[string]webhook.Delivery)
			for _, d := range ds {
				last[d.ID] = d
			}
			other := slices.Clone(ds)
			for i := range other {
				other[i] = last[ds[i].ID]
			}
			return b.Store.Enqueue(ctx, other)
		}
	}, []string{"enqueue/first-within-call"}},

	{"the ID alone is unique", wrongEnqueue(func(d *webhook.Delivery) {
		if d.ID != webhook.DeliveryID(d.Scope, d.EventID, d.WebhookID) {
			d.EventID += d.ID
		}
	}), []string{"enqueue/once-under-another-id"}},

	{"the unique key has the class in it", wrongEnqueue(func(d *webhook.Delivery) {
		if d.Class == "another class" {
			d.EventID, d.ID = d.EventID+d.Class, d.ID+"class"
		}
	}), []string{"enqueue/once-across-calls"}},

	{"a repeated delivery is due again", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			added, err := b.Store.Enqueue(ctx, ds)
			for i, d := range ds {
				if err == nil && !added[i] {
					_ = b.Store.Requeue(ctx, d.Scope, d.ID, d.Due) // a leased delivery stays
				}
			}
			return added, err
		}
	}, []string{"enqueue/once-across-calls", "enqueue/once-after-end"}},

	{"the unique key forgets the webhook", func(b *broken) {
		b.enqueue = func(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			var kept []webhook.Delivery
			added := make([]bool, len(ds))
			for i, d := range ds {
				seen := slices.ContainsFunc(kept, func(o webhook.Delivery) bool { return o.Scope == d.Scope && o.EventID == d.EventID })
				if !seen {
					kept, added[i] = append(kept, d), true
				}
			}
			some, err := b.Store.Enqueue(ctx, kept)
			for i := range added {
				if added[i] && err == nil {
					added[i], some = some[0], some[1:]
				}
			}
			return added, err
		}
	}, []string{"enqueue/all-three-count"}},

	{"bodies are kept as text", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) {
		d.Body = []byte(strings.ToValidUTF8(string(d.Body), "\uFFFD"))
	}), []string{"enqueue/round-trip"}},

	{"Vars and Carry are lost", wrongDelivery(func(_ *broken, _ webhook.Claim, d *webhook.Delivery) { d.Vars, d.Carry = nil, nil }),
		[]string{"enqueue/round-trip", "enqueue/hands-out-copies"}},

	{"large bodies are cut off", wrongEnqueue(func(d *webhook.Delivery) { d.Body = d.Body[:min(len(d.Body), 65535)] }),
		[]string{"enqueue/body-sizes"}},

	{"times are rounded up", wrongEnqueue(func(d *webhook.Delivery) {
		d.Due = d.Due.Add(time.Microsecond - 1).Truncate(time.Microsecond)
	}), []string{"enqueue/nanoseconds"}},

	{"Enqueue keeps its argument by reference", wrongDelivery(func(b *broken, _ webhook.Claim, d *webhook.Delivery) {
		if known, ok := b.known[d.ID]; ok {
			d.Body, d.Vars = known.Body, known.Vars
		}
	}), []string{"enqueue/keeps-no-reference"}},

	{"maps are handed out by reference", wrongBatch(func(b *broken, _ webhook.Claim, batch *webhook.Batch) {
		for i, w := range batch.Webhooks {
			if known, ok := b.hooks[w.ID]; ok && known.Version == w.Version {
				batch.Webhooks[i] = known
			} else {
				b.hooks[w.ID] = w
			}
		}
	}), []string{"enqueue/hands-out-copies"}},

	{"Webhooks mixes scopes", func(b *broken) {
		b.create = func(ctx context.Context, w webhook.Webhook, max int) error {
			b.mu.Lock()
			b.hooks[w.Scope] = w
			b.mu.Unlock()
			return b.Store.Create(ctx, w, max)
		}
		b.webhooks = func(ctx context.Context, _ string) (all []webhook.Webhook, err error) {
			for scope := range b.hooks {
				ws, err := b.webhooksSealed(ctx, scope)
				if err != nil {
					return nil, err
				}
				all = append(all, ws...)
			}
			return all, nil
		}
	}, []string{"webhooks/of-scope", "registry/delete-scope"}},

	{"Webhooks come by their IDs", func(b *broken) {
		b.webhooks = func(ctx context.Context, scope string) ([]webhook.Webhook, error) {
			ws, err := b.webhooksSealed(ctx, scope)
			slices.SortFunc(ws, func(a, b webhook.Webhook) int { return strings.Compare(a.ID, b.ID) })
			return ws, err
		}
	}, []string{"webhooks/oldest-first"}},

	{"Webhooks leaves out secrets", func(b *broken) {
		b.webhooks = func(ctx context.Context, scope string) ([]webhook.Webhook, error) {
			ws, err := b.webhooksSealed(ctx, scope)
			for i := range ws {
				ws[i].Secrets = nil
			}
			return ws, err
		}
	}, []string{"webhooks/whole"}},

	{"Held is not stored", wrongEnqueue(func(d *webhook.Delivery) { d.Held = false }), []string{"held/as-given", "held/ends", "held/settle"}},
	{"Due of a hand-off is that of its event", wrongEnqueue(func(d *webhook.Delivery) { d.Due = d.CreatedAt }), []string{"held/as-given", "held/beside-free"}},
	{"Lease of a hand-off is not stored", wrongEnqueue(func(d *webhook.Delivery) { d.Lease = 0 }), []string{"held/settle", "held/given-back", "held/beside-free"}},
	{"a hand-off that ended is no interruption", wrongDelivery(func(b *broken, _ webhook.Claim, d *webhook.Delivery) {
		if b.known[d.ID].Held {
			d.Interrupted = max(d.Interrupted-1, 0)
		}
	}), []string{"held/ends"}},
	{"a hand-off that is given back is one", wrongDelivery(func(b *broken, _ webhook.Claim, d *webhook.Delivery) {
		if b.known[d.ID].Held {
			d.Interrupted++
		}
	}), []string{"held/given-back", "held/settle"}},
}

var brokenDues = []exhibit{
	{"an empty answer is an error", func(b *broken) {
		b.due = func(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
			p, err := b.Store.Due(ctx, q)
			if err == nil && len(p.Lanes) == 0 {
				err = webhook.ErrNotFound
			}
			return p, err
		}
	}, []string{"due/nothing"}},
	{"the due boundary of a question is off by a microsecond", wrongQuestion(func(q *webhook.DueQuery) { q.Now = q.Now.Add(time.Microsecond) }),
		[]string{"due/lanes", "due/not-live"}},
	{"lanes are named while all is leased", wrongPage(func(b *broken, q webhook.DueQuery, p *webhook.DuePage) {
		for _, d := range b.known {
			if len(p.Lanes) < q.Limit && !slices.Contains(p.Lanes, d.Lane()) && slices.ContainsFunc(b.pending(d.Lane()), func(d webhook.Delivery) bool { return d.Held }) {
				p.Lanes = append(p.Lanes, d.Lane())
			}
		}
	}), []string{"due/lanes", "due/lease-end", "held/as-given"}},
	{"leases that have ended are not looked for", wrongPage(func(b *broken, q webhook.DueQuery, p *webhook.DuePage) {
		p.Lanes = slices.DeleteFunc(p.Lanes, func(l webhook.Lane) bool {
			return !slices.ContainsFunc(b.pending(l), func(d webhook.Delivery) bool { return !d.Held && !d.Due.After(q.Now) })
		})
	}), []string{"due/lease-end", "held/ends"}},
	{"classes are forgotten", wrongPage(func(_ *broken, _ webhook.DueQuery, p *webhook.DuePage) {
		for i := range p.Lanes {
			p.Lanes[i].Class = ""
		}
	}), []string{"due/class", "due/webhook"}},
	{"there is one page", wrongPage(func(_ *broken, _ webhook.DueQuery, p *webhook.DuePage) { p.Cursor = "" }), []string{"due/pages", "due/pages-while-working"}},
	{"a page has any size", wrongQuestion(func(q *webhook.DueQuery) { q.Limit = 1000 }), []string{"due/pages"}},
	{"pages do not end", wrongPage(func(_ *broken, q webhook.DueQuery, p *webhook.DuePage) {
		if q.Limit == 2 && p.Cursor == "" {
			p.Cursor = "1"
		}
	}), []string{"due/pages", "due/pages-while-working"}},
	{"a walk ends when the clock goes on", func(b *broken) {
		var began atomic.Int64
		b.due = func(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
			if now := q.Now.UnixNano(); q.Cursor == "" {
				began.Store(now)
			} else if now != began.Load() {
				return webhook.DuePage{}, nil
			}
			return b.Store.Due(ctx, q)
		}
	}, []string{"due/pages", "due/pages-while-working"}},
	{"pages are numbered", func(b *broken) { b.due = b.dueByOffset }, []string{"due/pages-while-working"}},
	{"Since leaves out retries", wrongPage(func(b *broken, q webhook.DueQuery, p *webhook.DuePage) {
		p.Lanes = slices.DeleteFunc(p.Lanes, func(l webhook.Lane) bool {
			return !q.Since.IsZero() && !slices.ContainsFunc(b.pending(l), func(d webhook.Delivery) bool { return d.CreatedAt.After(q.Since) })
		})
	}), []string{"due/since"}},
	{"lanes of webhooks that do not receive are named", wrongPage(func(b *broken, q webhook.DueQuery, p *webhook.DuePage) {
		for _, d := range b.known {
			if len(p.Lanes) < q.Limit && !slices.Contains(p.Lanes, d.Lane()) && slices.ContainsFunc(b.pending(d.Lane()), func(d webhook.Delivery) bool { return !d.Due.After(q.Now) }) {
				p.Lanes = append(p.Lanes, d.Lane())
			}
		}
	}), []string{"due/not-live"}},
	{"lanes of webhooks that are gone are left out", wrongPage(func(b *broken, _ webhook.DueQuery, p *webhook.DuePage) {
		p.Lanes = slices.DeleteFunc(p.Lanes, func(l webhook.Lane) bool {
			_, err := b.Store.Webhook(context.Background(), l.Scope, l.WebhookID)
			return err != nil
		})
	}), []string{"due/gone"}},
	{"WebhookID is not looked at", wrongQuestion(func(q *webhook.DueQuery) { q.Scope, q.WebhookID = "", "" }), []string{"due/webhook"}},
	{"Next knows of no retries", wrongPage(func(_ *broken, _ webhook.DueQuery, p *webhook.DuePage) { p.Next = time.Time{} }),
		[]string{"due/next", "liveness/next-is-enough", "held/as-given"}},
	{"Next is Now while something is due", wrongPage(func(_ *broken, q webhook.DueQuery, p *webhook.DuePage) {
		if len(p.Lanes) > 0 {
			p.Next = q.Now
		}
	}), []string{"due/next"}},
	{"Next is that of the lanes of the last page", wrongPage(func(b *broken, q webhook.DueQuery, p *webhook.DuePage) {
		next := time.Time{}
		for _, l := range p.Lanes {
			for _, d := range b.pending(l) {
				if d.Due.After(q.Now) && (next.IsZero() || d.Due.Before(next)) {
					next = d.Due
				}
			}
		}
		if q.Cursor != "" {
			p.Next = next
		}
	}), []string{"due/next"}},
	{"Next is too late", wrongPage(func(_ *broken, _ webhook.DueQuery, p *webhook.DuePage) {
		if !p.Next.IsZero() {
			p.Next = p.Next.Add(time.Microsecond)
		}
	}), []string{"due/next"}},
}

// dueByOffset uses a count of lanes as the cursor, and skips so many of the lanes that are due now.
func (b *broken) dueByOffset(ctx context.Context, q webhook.DueQuery) (webhook.DuePage, error) {
	offset, limit := 0, q.Limit
	_, _ = fmt.Sscan(q.Cursor, &offset)
	q.Cursor, q.Limit = "", 1000
	p, err := b.Store.Due(ctx, q)
	slices.SortFunc(p.Lanes, func(a, b webhook.Lane) int { return strings.Compare(b.WebhookID+b.Class, a.WebhookID+a.Class) })
	p.Lanes = p.Lanes[min(offset, len(p.Lanes)):]
	if len(p.Lanes) > limit {
		p.Lanes, p.Cursor = p.Lanes[:limit], fmt.Sprint(offset+limit)
	}
	return p, err
}
