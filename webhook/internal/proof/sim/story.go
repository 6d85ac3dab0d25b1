package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Story is one run, made from its seed alone.
type Story struct {
	Seed     uint64
	Hosts    int
	Hooks    int // at the start; some are deleted, others added
	Scopes   int
	Standard bool // the profile: automation, or standard with a short schedule
	Jumps    bool // the Store's clock jumps
	Notifier bool // hosts wake each other
	Crowd    int  // more webhooks of the first scope, which hang from the start
	Ordered  bool // webhooks keep orders or coalesce; see order.go
	Calm     bool // only events, and a few webhooks that misbehave from the start
	Steps    []Step
}

// Step is one timed action.
type Step struct {
	At   time.Duration
	Kind Kind
	Host int
	Hook int // index of a webhook, or of an earlier event for redeliver and cancel
	N    int // its meaning depends on the kind
}

// Kind is the action of a Step.
type Kind string

// The kinds.
const (
	Event      Kind = "event"      // a host dispatches event N of the scope of Hook
	Again      Kind = "again"      // an event is dispatched a second time
	Mode       Kind = "mode"       // the endpoint of Hook behaves as modes[N] from now on
	Crash      Kind = "crash"      // the host dies; it starts again after N seconds
	CrashAt    Kind = "crash at"   // the host dies at the next point crashPoints[N]
	Deploy     Kind = "deploy"     // graceful stop and start
	Outage     Kind = "outage"     // the Store fails for N seconds
	Slow       Kind = "slow"       // the Store takes its time for N seconds
	Jump       Kind = "jump"       // the Store's clock jumps by N seconds
	SwitchOff  Kind = "switch off" // the webhook is deactivated
	SwitchOn   Kind = "switch on"
	Move       Kind = "move" // the webhook's URL changes
	Delete     Kind = "delete"
	Redeliver  Kind = "redeliver"
	CancelKind Kind = "cancel"
	Pause      Kind = "pause" // SetPaused on the host for N seconds
	Tx         Kind = "tx"    // a host dispatches event N in a transaction
	Lossy      Kind = "lossy" // answers of Enqueue, Claim and Settle get lost for N seconds
	Seal       Kind = "seal"  // the key of the webhook is missing for N seconds
)

// crashPoints are the points of a host's work at which it can die.
var crashPoints = []string{
	"before Enqueue", "after Enqueue", "before Claim", "after Claim", "before Settle", "after Settle",
	"before the request", "request received", "answer received",
}

const storyLength = 20 * time.Minute

// NewStory makes the story of a seed.
func NewStory(seed uint64) Story {
	r := rand.New(rand.NewPCG(seed, 0x706f7374))
	s := Story{Seed: seed, Hosts: 1 + r.IntN(3), Hooks: 2 + r.IntN(7), Scopes: 1 + r.IntN(3), Standard: r.IntN(3) == 0, Jumps: r.IntN(4) == 0}
	add := func(n int, k Kind, number func() int) {
		for range n {
			s.Steps = append(s.Steps, Step{At: time.Duration(r.Int64N(int64(storyLength))), Kind: k, Host: r.IntN(s.Hosts), Hook: r.IntN(s.Hooks), N: number()})
		}
	}
	zero := func() int { return 0 }
	upTo := func(n int) func() int { return func() int { return r.IntN(n) } }
	if s.Calm = r.IntN(4) == 0; s.Calm {
		s.Jumps = false
		s.Crowd = 24 * r.IntN(2)
	}
	s.Notifier = r.IntN(2) == 0
	events := 80 + r.IntN(160)
	for i := range events {
		kind := Event
		if r.IntN(8) == 0 {
			kind = Tx
		}
		add(1, kind, func() int { return i })
	}
	burst := time.Duration(r.Int64N(int64(storyLength))) // for events at the same time
	for i := range s.Steps[:events/3] {
		s.Steps[i].At = burst
	}
	if s.Calm {
		for hook := range min(3, s.Hooks-1) { // 3 times PerLane leave room in Capacity
			s.Steps = append(s.Steps, Step{Kind: Mode, Hook: hook, N: r.IntN(len(modes))})
		}
		s.sort()
		return s
	}
	add(r.IntN(10), Again, upTo(events))
	add(s.Hooks+r.IntN(3*s.Hooks), Mode, upTo(len(modes)))
	add(r.IntN(4), Crash, upTo(90))
	add(r.IntN(8), CrashAt, upTo(len(crashPoints)))
	add(r.IntN(4), Deploy, zero)
	add(r.IntN(3), Outage, upTo(150))
	add(r.IntN(3), Slow, upTo(120))
	add(r.IntN(4), SwitchOff, zero)
	add(r.IntN(4), SwitchOn, zero)
	add(r.IntN(3), Move, zero)
	add(r.IntN(2), Delete, zero)
	add(r.IntN(6), Redeliver, upTo(events))
	add(r.IntN(4), CancelKind, upTo(events))
	add(r.IntN(2), Pause, upTo(60))
	add(r.IntN(3), Lossy, upTo(60))
	add(r.IntN(3), Seal, upTo(200))
	if s.Jumps {
		add(1+r.IntN(2), Jump, func() int { return []int{-3600, 3600, 300, -300}[r.IntN(4)] })
	}
	s.sort()
	return s
}

func (s *Story) sort() {
	slices.SortStableFunc(s.Steps, func(a, b Step) int { return int(a.At - b.At) })
}

// slow reports whether the Store is slow at any time.
func (s *Story) slow() bool {
	return slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Kind == Slow })
}

// String lists the story, one step a line; of the events only their number.
func (s Story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d hosts, %d webhooks in %d scopes, standard %v\n", s.Seed, s.Hosts, s.Hooks, s.Scopes, s.Standard)
	for _, st := range s.Steps {
		fmt.Fprintf(&b, "  %9v  %-10s host %d hook %d n %d", st.At.Round(time.Millisecond), st.Kind, st.Host, st.Hook, st.N)
		switch st.Kind {
		case Mode:
			fmt.Fprintf(&b, " (%s)", modes[st.N].name)
		case CrashAt:
			fmt.Fprintf(&b, " (%s)", crashPoints[st.N])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// draw returns a number in [0, n) that depends on the seed and on about.
func (s *Story) draw(n uint64, about ...any) uint64 {
	h := s.Seed ^ 0x9e3779b97f4a7c15
	for _, b := range []byte(fmt.Sprint(about...)) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	return h % n
}
