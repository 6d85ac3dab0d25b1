package storetest_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

// pair is an exhibit of two naive Stores: a reopened one, or two Stores side by side.
// second makes the second from the first.
type pair struct {
	name   string
	second func(first *naive) webhook.Store
	caught []string
}

// copied returns a naive Store with copies of another's rows for which keep, which may change them, is true.
func copied(s *naive, keep func(d *webhook.Delivery) bool) *naive {
	c := &naive{hooks: maps.Clone(s.hooks), reported: maps.Clone(s.reported)}
	for _, d := range s.rows {
		if d := clone(*d); keep(&d) {
			c.rows = append(c.rows, &d)
		}
	}
	return c
}

var brokenDurables = []pair{
	{"accepted deliveries are kept in memory only", func(s *naive) webhook.Store {
		return copied(s, func(*webhook.Delivery) bool { return false })
	}, []string{"durable/accepted", "durable/leases", "durable/outcomes"}},
	{"leases are kept in memory only", func(s *naive) webhook.Store {
		return copied(s, func(d *webhook.Delivery) bool { d.Held, d.Due = false, d.CreatedAt; return true })
	}, []string{"durable/leases"}},
	{"recorded attempts are kept in memory only", func(s *naive) webhook.Store {
		c := copied(s, func(d *webhook.Delivery) bool { return true })
		c.reported = make(map[string][]int64)
		return c
	}, []string{"durable/outcomes"}},
	{"secrets are kept in memory only", func(s *naive) webhook.Store {
		c := copied(s, func(d *webhook.Delivery) bool { return true })
		for id, w := range c.hooks {
			w.Secrets = nil
			c.hooks[id] = w
		}
		return c
	}, []string{"durable/webhooks"}},
	{"ages and ends of secrets are kept in memory only", func(s *naive) webhook.Store {
		c := copied(s, func(d *webhook.Delivery) bool { return true })
		for id, w := range c.hooks {
			w.Secrets = slices.Clone(w.Secrets)
			for i, secret := range w.Secrets {
				w.Secrets[i] = webhook.NewSecret(secret.Reveal())
			}
			c.hooks[id] = w
		}
		return c
	}, []string{"durable/webhooks"}},
}

func TestBrokenDurables(t *testing.T) {
	t.Parallel()
	for _, x := range brokenDurables {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var s *naive
			found := storetest.DurableFindings(func() (webhook.Store, func() webhook.Store) {
				s = newNaive()
				return s, func() webhook.Store { return x.second(s) }
			}, storetest.WithWebhooks(func(ctx context.Context, ws []webhook.Webhook) error { return s.seed(ctx, ws) }))
			wantCaught(t, found, x.caught)
		})
	}
}

func wantCaught(t *testing.T, found map[string][]string, want []string) {
	t.Helper()
	for _, name := range want {
		if len(found[name]) == 0 {
			t.Errorf("case %s did not find it; these did: %v", name, slices.Sorted(maps.Keys(found)))
		}
	}
}

// wrapped is a Store over another host's Store, with wrong answers to some calls.
type wrapped struct {
	*naive
	claim  func(context.Context, webhook.Claim) (webhook.Batch, error)
	settle func(context.Context, []webhook.Settlement) ([]string, error)
}

func (w *wrapped) Claim(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
	return w.claim(ctx, c)
}

func (w *wrapped) Settle(ctx context.Context, ss []webhook.Settlement) ([]string, error) {
	return w.settle(ctx, ss)
}

// stale moves deliveries that are due before the latest claimed one a year away, so that no host finds them.
type stale struct{ *naive }

func (w *stale) Enqueue(ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
	w.mu.Lock()
	var latest time.Time
	for _, d := range w.rows {
		if d.Held && d.CreatedAt.After(latest) {
			latest = d.CreatedAt
		}
	}
	w.mu.Unlock()
	ds = slices.Clone(ds)
	for i := range ds {
		if ds[i].Due.Before(latest) {
			ds[i].Due = ds[i].Due.AddDate(1, 0, 0)
		}
	}
	return w.naive.Enqueue(ctx, ds)
}

func over(s *naive) *wrapped { return &wrapped{s, s.Claim, s.Settle} }

var brokenShared = []pair{
	{"a host misses deliveries that are enqueued with an older due time", func(s *naive) webhook.Store {
		return &stale{s}
	}, []string{"shared/late"}},

	{"each host has a memory of its own", func(s *naive) webhook.Store {
		own := newNaive()
		own.hooks = s.hooks
		return own
	}, []string{"shared/enqueue", "shared/settle", "shared/repeat", "shared/leases", "shared/give-back"}},

	{"a host ignores the leases of another", func(s *naive) webhook.Store {
		w := over(s)
		mine := make(map[string]bool)
		w.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			s.mu.Lock()
			for _, d := range s.rows {
				if d.Held && !mine[d.ID] && d.Lease != c.Lease {
					d.Held, d.Due = false, d.CreatedAt
				}
			}
			s.mu.Unlock()
			b, err := s.Claim(ctx, c)
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, d := range b.Deliveries {
				mine[d.ID] = true
			}
			return b, err
		}
		return w
	}, []string{"shared/leases"}},

	{"concurrent claims hand out the same deliveries", func(s *naive) webhook.Store {
		w := over(s)
		calls := 0
		w.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b, err := s.Claim(ctx, c)
			s.mu.Lock()
			defer s.mu.Unlock()
			if calls++; calls < 9 {
				for _, d := range s.rows {
					if d.Held && d.Lease != c.Lease {
						b.Deliveries = append(b.Deliveries, clone(*d))
					}
				}
			}
			return b, err
		}
		return w
	}, []string{"shared/concurrent"}},

	{"a host remembers up to where it took everything", func(s *naive) webhook.Store {
		w := over(s)
		place := make(map[webhook.Lane]time.Time)
		w.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			c.Lanes = slices.DeleteFunc(slices.Clone(c.Lanes), func(l webhook.LaneClaim) bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return !place[l.Lane].IsZero() && !slices.ContainsFunc(s.rows, func(d *webhook.Delivery) bool {
					return !d.Held && d.Lane() == l.Lane && d.Due.After(place[l.Lane])
				})
			})
			b, err := s.Claim(ctx, c)
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, d := range b.Deliveries {
				place[d.Lane()] = d.Due
			}
			return b, err
		}
		return w
	}, []string{"shared/give-back"}},

	{"a host settles its own leases only", func(s *naive) webhook.Store {
		w := over(s)
		w.settle = func(_ context.Context, ss []webhook.Settlement) (lost []string, err error) {
			for _, x := range ss {
				lost = append(lost, x.ID)
			}
			return lost, nil
		}
		return w
	}, []string{"shared/settle"}},

	{"a host repeats its own claims only", func(s *naive) webhook.Store {
		w := over(s)
		w.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			c.Lease++
			return s.Claim(ctx, c)
		}
		return w
	}, []string{"shared/repeat"}},

	{"a host keeps webhooks as it read them", func(s *naive) webhook.Store {
		w := over(s)
		read := make(map[string]webhook.Webhook)
		w.claim = func(ctx context.Context, c webhook.Claim) (webhook.Batch, error) {
			b, err := s.Claim(ctx, c)
			s.mu.Lock()
			defer s.mu.Unlock()
			for i, o := range b.Webhooks {
				if _, ok := read[o.ID]; !ok {
					read[o.ID] = o
				}
				b.Webhooks[i] = read[o.ID]
			}
			return b, err
		}
		return w
	}, []string{"shared/webhooks"}},
}

func TestBrokenShared(t *testing.T) {
	t.Parallel()
	for _, x := range brokenShared {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var s *naive
			found := storetest.SharedFindings(func() (webhook.Store, webhook.Store) {
				s = newNaive()
				return s, x.second(s)
			}, storetest.WithWebhooks(func(ctx context.Context, ws []webhook.Webhook) error { return s.seed(ctx, ws) }))
			wantCaught(t, found, x.caught)
		})
	}
}

// clocked is a Store with a Clock.
type clocked struct {
	*broken
	now func() webhook.Reading
}

func (c clocked) Now(context.Context) (webhook.Reading, error) { return c.now(), nil }

// reading returns a correct Reading of a database whose clock is ahead.
func reading() webhook.Reading {
	r := webhook.Reading{Before: time.Now()}
	r.Store = r.Before.Round(0).Add(time.Hour)
	r.After = time.Now()
	return r
}

var brokenClocks = []struct {
	name, caught string
	wrong        func(*webhook.Reading)
}{
	{"nothing is wrong", "", func(*webhook.Reading) {}},
	{"Before and After are changed round", "clock/reading", func(r *webhook.Reading) { r.Before, r.After = r.After.Add(time.Second), r.Before }},
	{"the monotonic part is cut off", "clock/reading", func(r *webhook.Reading) { r.Before, r.After = r.Before.Round(0), r.After.Round(0) }},
	{"the database's time is missing", "clock/reading", func(r *webhook.Reading) { r.Store = time.Time{} }},
	{"the time before the wait for a connection counts", "clock/reading", func(r *webhook.Reading) { r.Before = r.Before.Add(-time.Second) }},
}

func TestBrokenClocks(t *testing.T) {
	t.Parallel()
	for _, x := range brokenClocks {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			found := storetest.Findings(func() webhook.Store {
				return clocked{newBroken(t, func(*broken) {}, nil), func() webhook.Reading {
					r := reading()
					x.wrong(&r)
					return r
				}}
			}, 30*time.Second, options)
			if want := map[bool]int{true: 0, false: 1}[x.caught == ""]; len(found) != want || len(found[x.caught]) == 0 && want > 0 {
				t.Errorf("found %v, want %q alone", found, x.caught)
			}
		})
	}
}
