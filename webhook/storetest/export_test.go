package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Findings runs all cases that apply to a Store and returns the findings by case. open is called for
// each case; release, which may be nil, lets go what the Store keeps waiting.
func Findings(open func() webhook.Store, limit time.Duration, only func(name string) bool) map[string][]string {
	found := make(map[string][]string)
	day := 0
	for _, g := range groups() {
		for _, tc := range g.cases {
			day++
			s := open()
			if !g.has(s) || !only(tc.name) {
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

// Names lists all cases.
func Names() []string {
	var names []string
	for _, g := range groups() {
		for _, tc := range g.cases {
			names = append(names, tc.name)
		}
	}
	for _, tc := range notifierCases() {
		names = append(names, tc.name)
	}
	return names
}
