package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k             kept
		measured      float64
		worse, better bool
	}{
		{kept{Value: 1, Slack: 0.2, Least: true}, 0.81, false, false},
		{kept{Value: 1, Slack: 0.2, Least: true}, 0.79, true, false},
		{kept{Value: 1, Slack: 0.2, Least: true}, 1.26, false, true},
		{kept{Value: 1, Slack: 0.2}, 1.19, false, false},
		{kept{Value: 1, Slack: 0.2}, 1.21, true, false},
		{kept{Value: 1, Slack: 0.2}, 0.83, false, true},
		{kept{Value: 1, Slack: 0.2}, 0.84, false, false},
		{kept{Value: 0, Slack: 0.2}, 0, false, false},
		{kept{Value: 0, Slack: 0.2}, 1, true, false},
	} {
		if worse, better := c.k.worse(c.measured), c.k.better(c.measured); worse != c.worse || better != c.better {
			t.Errorf("%+v at %v: worse %v, better %v; want %v, %v", c.k, c.measured, worse, better, c.worse, c.better)
		}
	}
}

// Rule: a guard run fails on a figure that is worse, on one without a kept figure, and on a kept
// figure that is not measured any more, and its error names each.
func TestCompareKept(t *testing.T) {
	t.Parallel()
	want := map[string]kept{
		"steady": {Value: 10, Slack: 0.1}, "grown": {Value: 10, Slack: 0.1}, "slower": {Value: 1, Slack: 0.5, Least: true}, "gone": {Value: 1},
	}
	measured := map[string][]float64{"steady": {9, 10, 30}, "grown": {12, 11.5, 10}, "slower": {0.4}, "new": {1}}
	err := compareKept(want, measured).err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, line := range []string{
		"grown: 11.5 (10.0-12.0) in 3 round(s), at most 11.0 is allowed (kept: 10.0)",
		"slower: 0.40 in 1 round(s), at least 0.50 is allowed (kept: 1.00)",
		"new: nothing is kept to compare with",
		"gone: is kept, but nothing measures it",
		"go run ./internal/bench -guard -update",
	} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("the error does not say %q:\n%v", line, err)
		}
	}
	if strings.Contains(err.Error(), "steady") {
		t.Errorf("the error names what is as it was:\n%v", err)
	}
	for _, key := range []string{"grown", "slower", "new"} {
		delete(measured, key)
	}
	delete(want, "gone")
	delete(want, "grown")
	delete(want, "slower")
	if err := compareKept(want, measured).err(); err != nil {
		t.Errorf("nothing is worse: %v", err)
	}
}

// Rule: the figures in the tree are complete and have the slack of their kind.
func TestGuardFile(t *testing.T) {
	t.Parallel()
	var file map[string]kept
	if err := json.Unmarshal(guardJSON, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{onMemory, onSQLite, onPostgres} {
		for _, name := range []string{perSecond + toNetHTTP, allCPU + toNetHTTP, allocs + toNetHTTP, perClaim, perWrite} {
			if key := c + ": " + name; file[key].Value <= 0 {
				t.Errorf("%s is not kept", key)
			}
		}
	}
	for _, key := range []string{onPostgres + ": " + perSecond + toRiver, onMemory + ": " + allocs + at500, onPostgres + ": " + walBoth} {
		if file[key].Value <= 0 {
			t.Errorf("%s is not kept", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(file)) {
		k := file[key]
		if least := guardLeast(key); k.Slack != guardSlack(key) || k.Least != least {
			t.Errorf("%s: %+v, want a slack of %v and least %v", key, k, guardSlack(key), least)
		}
	}
}
