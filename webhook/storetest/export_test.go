package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Findings runs all cases that apply to a Store and returns the findings by case. open is called for
// each case.
func Findings(open func() webhook.Store, limit time.Duration) map[string][]string {
	found := make(map[string][]string)
	day := 0
	for _, g := range groups() {
		for _, tc := range g.cases {
			day++
			s := open()
			if !g.has(s) {
				continue
			}
			if failures := tc.run(s, config{limit: limit}, day); len(failures) > 0 {
				found[tc.name] = failures
			}
		}
	}
	return found
}

// NotifierFindings does the same for a pair of notifiers.
func NotifierFindings(open func() (a, b webhook.Notifier), limit time.Duration) map[string][]string {
	found := make(map[string][]string)
	for _, tc := range notifierCases() {
		a, b := open()
		if failures := tc.run(a, b, limit); len(failures) > 0 {
			found[tc.name] = failures
		}
	}
	return found
}

// Lacking returns what each group says to a Store that implements webhook.Store alone.
func Lacking(s webhook.Store) map[string]string {
	lacks := make(map[string]string)
	for _, g := range groups() {
		lacks[g.name] = g.lacking(s)
	}
	return lacks
}
