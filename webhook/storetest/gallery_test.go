package storetest_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

// exhibit is a Store that breaks one rule. caught names the cases that must find the fault; the first
// one is made for it.
type exhibit struct {
	name    string
	breakIt func(*broken)
	caught  []string
}

func gallery() []exhibit {
	return slices.Concat(brokenEnqueues, brokenDues, brokenClaims, brokenBatches, brokenLeases, brokenSettles, brokenRegistries, brokenHistories, brokenOverviews, brokenCapabilities, brokenStats, brokenOrders)
}

// TestGallery proves that the suite finds the fault of each broken Store, with the expected cases.
// It runs in bubbles of fake time, in which a Store that blocks is found at once.
func TestGallery(t *testing.T) {
	t.Parallel()
	for _, x := range gallery() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				until := make(chan struct{})
				defer close(until)
				found := storetest.Findings(func() webhook.Store { return newBroken(t, x.breakIt, until) }, 30*time.Second, options)
				for _, name := range x.caught {
					if len(found[name]) == 0 {
						t.Errorf("case %s did not find it; these did: %v", name, slices.Sorted(maps.Keys(found)))
					}
					for _, f := range found[name] {
						if !strings.HasPrefix(f, "storetest: "+name+": ") {
							t.Errorf("finding %q does not begin with the name of its case", f)
						}
					}
				}
			})
		})
	}
}

// TestNothingBroken proves that the gallery's wrapper alone causes no finding.
func TestNothingBroken(t *testing.T) {
	t.Parallel()
	found := storetest.Findings(func() webhook.Store { return newBroken(t, func(*broken) {}, nil) }, 30*time.Second, options)
	if len(found) > 0 {
		t.Errorf("findings in a Store that keeps its contract: %v", found)
	}
}

// names matches the names that cases make.
var names = regexp.MustCompile(`(dlv|evt|wh)_|st-[0-9a-f]{6}`)

// TestLabels proves that findings show labels in the place of names.
func TestLabels(t *testing.T) {
	t.Parallel()
	found := storetest.Findings(func() webhook.Store {
		return newBroken(t, func(b *broken) { b.claim, b.settle = b.Store.Claim, nothingSettled }, nil)
	}, 30*time.Second, options)
	labelled := 0
	for name, failures := range found {
		for _, f := range failures {
			if names.MatchString(f) {
				t.Errorf("case %s shows a name: %s", name, f)
			}
			if strings.Contains(f, `"d1"`) {
				labelled++
			}
		}
	}
	if labelled == 0 {
		t.Errorf("no finding of %d cases shows a label", len(found))
	}
}

// TestEveryCaseCatches proves that each case catches a broken Store of the gallery.
func TestEveryCaseCatches(t *testing.T) {
	t.Parallel()
	caught := make(map[string]bool)
	for _, x := range gallery() {
		for _, name := range x.caught {
			caught[name] = true
		}
	}
	for _, x := range slices.Concat(brokenDurables, brokenShared) {
		for _, name := range x.caught {
			caught[name] = true
		}
	}
	for _, x := range brokenClocks {
		caught[x.caught] = true
	}
	for _, name := range storetest.CaseNames() {
		if !caught[name] {
			t.Errorf("no broken Store is caught by case %s", name)
		}
	}
}
