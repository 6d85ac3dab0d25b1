package storetest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

// exhibit is a Store that breaks one rule. caught are all the cases that find it, the one
// that is meant to first. Where nearly every case must stumble, others stands for the rest.
type exhibit struct {
	name    string
	breakIt func(*broken)
	caught  []string
}

const others = "..."

// TestGallery proves that the suite finds what goes wrong in Stores, and with the cases that
// name it. It runs in bubbles of fake time, in which a Store that blocks is found at once.
func TestGallery(t *testing.T) {
	t.Parallel()
	for _, x := range slices.Concat(brokenEnqueues, brokenClaims, brokenLeases, brokenSettles, brokenCapabilities) {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				until := make(chan struct{})
				defer close(until)
				found := storetest.Findings(func() webhook.Store { return newBroken(t, x.breakIt, until) }, 30*time.Second)
				if floods := slices.Contains(x.caught, others); floods && len(found[x.caught[0]]) == 0 {
					t.Errorf("case %s did not find it", x.caught[0])
				} else if floods {
					return
				}
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

// TestNothingBroken proves that the wrapper of the gallery is not what the cases find.
func TestNothingBroken(t *testing.T) {
	t.Parallel()
	found := storetest.Findings(func() webhook.Store { return newBroken(t, func(*broken) {}, nil) }, 30*time.Second)
	if len(found) > 0 {
		t.Errorf("findings in a Store that keeps its contract: %v", found)
	}
}
