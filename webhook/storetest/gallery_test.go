package storetest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/storetest"
)

// gallery is what goes wrong in Stores. Each exhibit breaks one rule, and caught are all the cases that
// find it: the one that is meant to comes first.
var gallery = []struct {
	name   string
	broken broken
	caught []string
}{
	{
		name: "a failed Enqueue leaves its first half",
		broken: broken{enqueue: func(b *broken, ctx context.Context, ds []webhook.Delivery) (added []bool, err error) {
			for i := range ds {
				one, err := b.Store.Enqueue(ctx, ds[i:i+1])
				if err != nil {
					return nil, err
				}
				added = append(added, one...)
			}
			return added, nil
		}},
		caught: []string{"enqueue/all-or-none"},
	},
	{
		name: "Enqueue forgets what it had, as a queue without a unique key",
		broken: broken{enqueue: func(b *broken, ctx context.Context, ds []webhook.Delivery) ([]bool, error) {
			_, err := b.Store.Enqueue(ctx, ds)
			all := make([]bool, len(ds))
			for i := range all {
				all[i] = true
			}
			return all, err
		}},
		caught: []string{"enqueue/once-across-calls", "enqueue/once-within-call", "enqueue/once-after-end",
			"enqueue/concurrent-once", "pruner/ended-before", "pruner/whole-events"},
	},
}

func TestGallery(t *testing.T) {
	t.Parallel()
	for _, x := range gallery {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				found := storetest.Findings(func() webhook.Store {
					b := x.broken
					b.Store = newStore(t)
					return &b
				}, 30*time.Second, func(string) bool { return true })
				fmt.Println(x.name, slices.Sorted(maps.Keys(found)))
				if diff := cmp.Diff(slices.Sorted(slices.Values(x.caught)), slices.Sorted(maps.Keys(found))); diff != "" {
					t.Errorf("cases that found it: (-want +got)\n%s", diff)
				}
				for _, f := range found[x.caught[0]] {
					if !strings.HasPrefix(f, "storetest: "+x.caught[0]+": ") {
						t.Errorf("finding %q does not begin with the name of its case", f)
					}
				}
			})
		})
	}
}

func newStore(t *testing.T) *memstore.Store {
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
