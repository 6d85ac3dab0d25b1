package retry_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/retry"
)

// A delivery that fails repeatedly uses up its budget.
func ExamplePolicy_Next() {
	p := retry.Automation()
	first := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	now := first
	for made := 0; ; made++ {
		at, ok := p.Next(retry.Failure{Made: made, First: first, Now: now, Seed: 42})
		if !ok {
			fmt.Println("spent")
			return
		}
		fmt.Println(at.Format("15:04:05"))
		now = at.Add(2 * time.Second) // the attempt takes a while, and fails
	}
	// Output:
	// 12:00:06
	// 12:01:08
	// 12:04:30
	// spent
}

// A settings page can show a policy like this.
func ExamplePolicy_Preview() {
	p := retry.Jira()
	for _, s := range p.Preview() {
		fmt.Printf("retry %d: %v to %v after the first failure\n", s.Retry, s.Earliest.Round(time.Second), s.Latest.Round(time.Second))
	}
	fmt.Println("all within", p.Horizon())
	// Output:
	// retry 1: 10s to 20s after the first failure
	// retry 2: 38s to 1m15s after the first failure
	// retry 3: 1m54s to 3m48s after the first failure
	// retry 4: 5m24s to 10m48s after the first failure
	// retry 5: 15m4s to 29m50s after the first failure
	// all within 29m50s
}

// A policy is a plain value; Validate names a wrong field.
func ExamplePolicy_Validate() {
	p := retry.Automation()
	p.Slots = []retry.Slot{{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond}, {Min: 2 * time.Second, Max: time.Second}}
	fmt.Println(p.Validate())
	// Output:
	// retry: invalid policy: Slots[1].Max (1s) is less than Slots[1].Min (2s)
}

func ExampleExponential() {
	slots, err := retry.Exponential(4, 3*time.Second, time.Minute, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range slots {
		fmt.Println(s.Min, "to", s.Max)
	}
	// Output:
	// 2s to 4s
	// 8s to 16s
	// 32s to 1m4s
	// 40s to 1m20s
}

func ExampleParseAfter() {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, v := range []string{"120", "Sun, 01 Mar 2026 12:05:00 GMT", "soon"} {
		fmt.Println(retry.ParseAfter(http.Header{"Retry-After": {v}}, now))
	}
	// Output:
	// 2m0s true
	// 5m0s true
	// 0s false
}

// A custom schedule in place of a preset: three attempts in about a minute, then none. A
// receiver may ask for a longer pause than the slot.
func Example() {
	p := retry.Policy{
		Slots:    []retry.Slot{{Min: 5 * time.Second, Max: 10 * time.Second}, {Min: 30 * time.Second, Max: 60 * time.Second}},
		MaxAfter: 15 * time.Minute,
	}
	if err := p.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	failed := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	answer := http.Header{"Retry-After": {"120"}}
	after, _ := retry.ParseAfter(answer, failed)
	at, ok := p.Next(retry.Failure{Made: 0, First: failed, Now: failed, After: after, Seed: 1})
	fmt.Println(at.Sub(failed) >= 2*time.Minute, ok)
	_, ok = p.Next(retry.Failure{Made: 2, First: failed, Now: failed, Seed: 1})
	fmt.Println(ok)
	// Output:
	// true true
	// false
}

// None is for events that lose their value at once.
func ExampleNone() {
	_, ok := retry.None().Next(retry.Failure{})
	fmt.Println(ok)
	// Output:
	// false
}
