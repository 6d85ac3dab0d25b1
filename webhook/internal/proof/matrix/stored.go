package matrix

import (
	"slices"
	"testing"
)

// stored are the forms of faults that involve the Store, by row; nil means all forms of the row.
// The other forms differ only in the network's behavior, not in the stored fields: the time of the
// next attempt, the counts, the code, the pause, the end.
var stored = map[int][]string{
	1: nil, 30: nil, 31: nil, 32: nil, 33: nil, // the whole budget
	4:  {"watched", "literal 127.0.0.3"}, // ended without a request
	6:  nil,                              // retried, then refused
	9:  {"expired"},                      // the owner is notified
	13: {"reset"},
	22: {"503 reset in the body"},
	26: {"with a body", "echoes what it was sent"}, // the snippet is stored
	27: {"204"},
	28: {"302 to a forbidden address"},
	29: {"400", "401", "410"},                                        // the webhook is switched off
	34: {"429 is 60", "503 is 60", "500 delays this delivery alone"}, // a pause, a floor
	35: {"429 IMF-fixdate"},
	38: {"429 is 86400", "503 is Fri 31 Dec 9999 235959 GMT"}, // a bound
	39: {"202", "302", "404"},
	40: {"500"},
	41: {"600"},
	43: nil,                               // a verdict before the request was sent
	44: {"before headers", "in the body"}, // the lease outlasts the attempt
}

func onlyStored(t *testing.T, rows []row) (out []row) {
	for _, r := range rows {
		forms, ok := stored[r.number]
		if !ok {
			continue
		}
		for _, form := range forms {
			if !slices.ContainsFunc(r.faults, func(f fault) bool { return f.form == form }) {
				t.Errorf("row %d has no form %q", r.number, form)
			}
		}
		if forms != nil {
			r.faults = slices.DeleteFunc(r.faults, func(f fault) bool { return !slices.Contains(forms, f.form) })
		}
		out = append(out, r)
	}
	return out
}
