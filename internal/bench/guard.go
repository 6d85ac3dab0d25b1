package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed testdata/guard.json
var guardJSON []byte

// kept is a ratio that must not get worse by more than its slack, a share of it.
type kept struct {
	Value float64 `json:"value"`
	Slack float64 `json:"slack"`
	Least bool    `json:"least"` // less is worse
}

// worse tells whether a measured ratio is beyond the slack.
func (k kept) worse(measured float64) bool {
	if k.Least {
		return measured < k.Value*(1-k.Slack)
	}
	return measured > k.Value*(1+k.Slack)
}

const guardRounds = 5

// guard measures a few ratios and compares them with those kept in the tree. Ratios
// travel from machine to machine, times do not; allocations hardly vary at all.
func (l *lab) guard(ctx context.Context, update bool) error {
	var want map[string]kept
	if err := json.Unmarshal(guardJSON, &want); err != nil {
		return err
	}
	results, err := l.drains(ctx, guardRounds, inFlight, 2000, netHTTP, onMemory, onSQLite, onPostgres)
	if err != nil {
		return err
	}
	t := &table{title: "Guard", head: []string{"what", "kept", "slack", "measured", "verdict"}}
	failed := 0
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, name := range []string{perSecond, sentCPU, allocs} {
			xs := results[c].ratios(results[netHTTP], name)
			if len(xs) == 0 {
				return fmt.Errorf("bench: guard: %s delivered nothing", c)
			}
			key := c + ": " + name + " to nethttp"
			k, known := want[key]
			if update {
				k = kept{Value: median(xs), Slack: guardSlack(name), Least: name == perSecond}
				want[key], known = k, true
			}
			verdict := "ok"
			if !known || k.worse(median(xs)) {
				failed++
				verdict = "**worse**"
			}
			t.add(key, number(k.Value), number(k.Slack), spread(xs), verdict)
		}
	}
	t.print(l.out)
	if update {
		return l.keep(want)
	}
	if failed > 0 {
		return fmt.Errorf("bench: guard: %d ratios got worse than testdata/guard.json allows; if that is meant, run with -guard -update", failed)
	}
	return nil
}

// guardSlack is what two runs of the same code may differ by.
func guardSlack(name string) float64 {
	switch name {
	case allocs:
		return 0.15
	case perSecond: // of a store that syncs, on a machine that is busy with other things
		return 0.6
	}
	return 0.4
}

func (l *lab) keep(want map[string]kept) error {
	b, err := json.MarshalIndent(want, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.root, "internal", "bench", "testdata", "guard.json"), append(b, '\n'), 0o644)
}
