package storetest

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Findings runs all cases that apply to a Store and returns the findings by case. Each case calls open,
// and options with the opened Store.
func Findings(open func() webhook.Store, limit time.Duration, options func(webhook.Store) []Option) map[string][]string {
	found := make(map[string][]string)
	day := 0
	for _, g := range groups() {
		for _, tc := range g.cases {
			day++
			s := open()
			if !g.has(s) {
				continue
			}
			c := configOf(append(options(s), WithTimeout(limit)))
			if failures := tc.run(s, c, day); len(failures) > 0 {
				found[tc.name] = failures
			}
		}
	}
	return found
}

// DurableFindings does the same for a Store that is opened again.
func DurableFindings(open func() (first webhook.Store, reopen func() webhook.Store), options ...Option) map[string][]string {
	found := make(map[string][]string)
	for _, dc := range durableCases() {
		first, reopen := open()
		if failures := dc.run(first, reopen, configOf(options)); len(failures) > 0 {
			found[dc.name] = failures
		}
	}
	return found
}

// SharedFindings does the same for two Stores on one database.
func SharedFindings(open func() (a, b webhook.Store), options ...Option) map[string][]string {
	found := make(map[string][]string)
	for _, sc := range sharedCases() {
		a, b := open()
		if failures := sc.run(a, b, configOf(options)); len(failures) > 0 {
			found[sc.name] = failures
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

// Lacking returns each group's message for a Store that implements webhook.Store alone.
func Lacking(s webhook.Store) map[string]string {
	lacks := make(map[string]string)
	for _, g := range groups() {
		lacks[g.name] = g.lacking(s)
	}
	return lacks
}

// CaseNames are the names of all cases.
func CaseNames() (names []string) {
	for _, g := range groups() {
		for _, tc := range g.cases {
			names = append(names, tc.name)
		}
	}
	for _, dc := range durableCases() {
		names = append(names, dc.name)
	}
	for _, sc := range sharedCases() {
		names = append(names, sc.name)
	}
	return names
}
