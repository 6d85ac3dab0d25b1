package jira

import (
	"fmt"
	"testing"
)

// Rule: the kept registrations have a bound in number and in bytes, and the app that was just
// loaded is never the dropped one.
func TestApps_forget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule           string
		apps, each     int
		wantAll, wants int
	}{
		{"few and small", 100, 1000, 100, 100_000},
		{"many", maxApps + 500, 10, maxApps, maxApps * 10},
		{"large", 300, 1 << 20, maxAppBytes >> 20, maxAppBytes},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			a := new(apps)
			for i := range tc.apps {
				o := Owner{"acme", fmt.Sprint("app", i)}
				a.keep(o, a.state(o), &registered{size: tc.each / 2}, &registered{size: tc.each / 2})
				if a.known[o] == nil {
					t.Fatalf("app %d is forgotten at once", i)
				}
			}
			if len(a.known) != tc.wantAll || a.size != tc.wants {
				t.Errorf("%d apps of %d bytes are known, want %d of %d", len(a.known), a.size, tc.wantAll, tc.wants)
			}
		})
	}
}
