package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

// shelf returns a book with one tenant, whose webhook "good" is healthy and whose "bad" one is not.
func shelf() *book {
	hooks := []hook{{ID: "good", Scope: "acme"}, {ID: "bad", Scope: "acme", Behaviour: hang}}
	return newBook(&field{hooks: hooks, scopes: map[string][]hook{"acme": hooks}, secretCanary: "s3cret", pathCanary: "p4th"})
}

const sum = 7

// dispatched records a dispatch by a host.
func (b *book) dispatched(id string) {
	b.reported(report{Kind: trying, ID: id, Scope: "acme", Sum: sum})
	b.reported(report{Kind: accepted, ID: id})
}

// arrived records a request of a life.
func (b *book) arrived(id, hook, sender string) {
	b.received(receipt{Hook: hook, Event: id, Sender: sender, Sum: sum, Status: answers[b.hooks[hook].Behaviour].status})
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule              string
		do                func(*book)
		repeats, dead, no int
	}{
		{"one request", func(b *book) { b.arrived("e", "good", "h1") }, 0, 0, 0},
		{"again after a kill", func(b *book) {
			b.arrived("e", "good", "h1")
			b.killed("h1")
			b.arrived("e", "good", "h2")
		}, 1, 1, 0},
		{"a kill of another life is no reason", func(b *book) {
			b.arrived("e", "good", "h1")
			b.killed("h2")
			b.arrived("e", "good", "h3")
		}, 1, 0, 1},
		{"once for each kill", func(b *book) {
			b.arrived("e", "good", "h1")
			b.killed("h1")
			b.arrived("e", "good", "h2")
			b.arrived("e", "good", "h3")
		}, 2, 1, 1},
		{"not in flight any more at the kill", func(b *book) {
			b.arrived("e", "good", "h1")
			b.seen[key{"good", "e"}].at = time.Now().Add(-2 * lease)
			b.killed("h1")
			b.arrived("e", "good", "h2")
		}, 1, 0, 1},
		{"a hostile webhook has accepted nothing", func(b *book) {
			b.arrived("e", "bad", "h1")
			b.arrived("e", "bad", "h1")
		}, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			b := shelf()
			b.dispatched("e")
			test.do(b)
			dead := 0
			for _, d := range b.dead {
				dead += d.repeats
			}
			if b.counts().repeats != test.repeats || dead != test.dead || len(b.strange) != test.no {
				t.Errorf("%d repeats, %d because of a kill, %d without a reason; want %d, %d, %d",
					b.counts().repeats, dead, len(b.strange), test.repeats, test.dead, test.no)
			}
			if len(b.faults) > 0 {
				t.Error(b.faults)
			}
		})
	}
}

func TestOnTheWay(t *testing.T) {
	t.Parallel()
	b := shelf()
	b.dispatched("late")
	if got := b.counts().open; got != 1 {
		t.Errorf("after Dispatch %d deliveries are on the way, want that of the healthy webhook", got)
	}
	b.arrived("late", "good", "h1")
	b.arrived("early", "good", "h1") // before the host could report that it was accepted
	b.dispatched("early")
	if got := b.counts().open; got != 0 {
		t.Errorf("when all have arrived %d deliveries are on the way", got)
	}
}

func TestReceived(t *testing.T) {
	t.Parallel()
	b := shelf()
	b.dispatched("e")
	b.received(receipt{Hook: "good", Event: "e", Sum: sum, Status: 200, Fault: "not signed"})
	b.received(receipt{Hook: "good", Event: "e", Sum: sum + 1, Status: 200})
	want(t, b, "not signed", "another body than the first")
}

func TestOutput(t *testing.T) {
	t.Parallel()
	b := shelf()
	b.checkOutput([]byte("POST https://example.com/[redacted] timeout"))
	want(t, b)
	b.checkOutput([]byte("key whsec_s3cretAAAA"))
	b.checkOutput([]byte("POST https://example.com/p4th/hook1"))
	want(t, b, "a secret", "the path of a URL")
}

// want compares faults with texts that they must contain, in any order.
func want(t *testing.T, b *book, texts ...string) {
	t.Helper()
	if len(b.faults) != len(texts) {
		t.Errorf("faults %q, want %d", b.faults, len(texts))
	}
	for _, text := range texts {
		if !slices.ContainsFunc(b.faults, func(f string) bool { return strings.Contains(f, text) }) {
			t.Errorf("faults %q, want one with %q", b.faults, text)
		}
	}
}

func TestFaultsAreCounted(t *testing.T) {
	t.Parallel()
	b := shelf()
	for i := range 2 * keptFaults {
		b.fault("%s", fmt.Sprint(i))
	}
	if len(b.faults) != keptFaults || b.wrong != 2*keptFaults {
		t.Errorf("%d faults kept, %d counted, want %d and %d", len(b.faults), b.wrong, keptFaults, 2*keptFaults)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	b := shelf()
	b.reported(report{Kind: attempt, Hook: "bad", Code: webhook.CodeTimeout})
	b.reported(report{Kind: attempt, Hook: "good", Code: webhook.CodeTimeout})
	b.reported(report{Kind: attempt, Hook: "bad", Code: webhook.CodeTimeout})
	if got, want := outcomes(b.outcomes[hang]), " timeout 2"; got != want {
		t.Errorf("attempts at a hostile webhook: %q, want %q", got, want)
	}
}

func TestAuditEvent(t *testing.T) {
	t.Parallel()
	both := map[key]webhook.State{{"good", "e"}: webhook.StateDelivered, {"bad", "e"}: webhook.StatePending}
	tests := []struct {
		rule    string
		refused bool
		seen    bool
		stored  map[key]webhook.State
		lost    int
		late    int
		faults  []string
	}{
		{"arrived", false, true, both, 0, 0, nil},
		{"never arrived", false, false, both, 1, 0, nil},
		{"arrived, and the record does not say so", false, true, map[key]webhook.State{{"good", "e"}: webhook.StatePending, {"bad", "e"}: 0}, 1, 0, nil},
		{"given up on record", false, true, map[key]webhook.State{{"good", "e"}: webhook.StateFailed, {"bad", "e"}: 0}, 0, 1, nil},
		{"accepted and gone", false, false, nil, 1, 0, []string{"not stored for bad"}},
		{"refused and gone", true, false, nil, 0, 0, nil},
		{"refused in the end, and stored all the same", true, true, both, 0, 0, nil},
		{"stored in part", true, false, map[key]webhook.State{{"bad", "e"}: 0}, 0, 0, []string{"stored for 1 of 2"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			b := shelf()
			b.dispatched("e")
			b.events["e"].accepted = !test.refused
			if test.seen {
				b.arrived("e", "good", "h1")
			}
			var r result
			b.auditEvent(&r, "e", b.events["e"], test.stored)
			if r.lost != test.lost || r.late != test.late {
				t.Errorf("%d lost and %d given up, want %d and %d", r.lost, r.late, test.lost, test.late)
			}
			want(t, b, test.faults...)
		})
	}
}

func TestAuditStored(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	base := webhook.Delivery{EventID: "e", WebhookID: "good", Scope: "acme", Tries: 1, QueuedAt: now.Add(-time.Second), Due: now}
	tests := []struct {
		rule     string
		change   func(*webhook.Delivery)
		requests int
		fault    string
	}{
		{"delivered", func(d *webhook.Delivery) { d.State, d.FinishedAt = webhook.StateDelivered, now }, 1, ""},
		{"delivered at a time that is missing", func(d *webhook.Delivery) { d.State = webhook.StateDelivered }, 1, "how it ended"},
		{"failed for a reason", func(d *webhook.Delivery) {
			d.State, d.FinishedAt, d.LastCode = webhook.StateFailed, now, webhook.CodeTimeout
		}, 1, ""},
		{"failed without one", func(d *webhook.Delivery) { d.State, d.FinishedAt = webhook.StateFailed, now }, 1, "how it ended"},
		{"one request too many", func(d *webhook.Delivery) { d.State, d.FinishedAt = webhook.StateDelivered, now }, 2, "2 requests"},
		{"a request of a killed host", func(d *webhook.Delivery) { d.State, d.FinishedAt, d.Interrupted = webhook.StateDelivered, now, 1 }, 2, ""},
		{"pending", func(*webhook.Delivery) {}, 2, ""},
		{"pending, one request too many", func(*webhook.Delivery) {}, 3, "3 requests"},
		{"pending for too long", func(d *webhook.Delivery) { d.QueuedAt = now.Add(-maxAge - 3*lease) }, 1, "longer than anything may be"},
		{"pending for too long, though its host was killed", func(d *webhook.Delivery) { d.Held, d.QueuedAt = true, now.Add(-maxAge-3*lease) }, 1, "longer than anything may be"},
		{"pending, because its host was killed", func(d *webhook.Delivery) { d.Held, d.QueuedAt = true, now.Add(-maxAge-lease) }, 1, ""},
		{"due too late", func(d *webhook.Delivery) { d.Due = now.Add(maxAfter + time.Second) }, 1, "due at good"},
		{"tried too often", func(d *webhook.Delivery) { d.Tries = len(slots) + 2 }, 1, "was tried 5 times"},
		{"in a foreign scope", func(d *webhook.Delivery) { d.Scope = "other" }, 1, "no host dispatched it"},
		{"of an unknown event", func(d *webhook.Delivery) { d.EventID = "f" }, 1, "no host dispatched it"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			b := shelf()
			b.dispatched("e")
			d := base
			test.change(&d)
			var r result
			b.auditStored(&r, d, &arrival{sum: sum, requests: test.requests}, now)
			if test.fault == "" {
				want(t, b)
			} else {
				want(t, b, test.fault)
			}
		})
	}
}
