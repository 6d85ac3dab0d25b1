package oracle

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/postrider/postrider/webhook"
)

// A history has the operations on a webhook that keeps an order, and the requests of its receiver.
// porcupine, a linearizability checker, judges whether a queue for each key explains it.

// asked is the input of an operation.
type asked struct {
	kind  kind
	key   string
	event string
}

type kind uint8

const (
	dispatched kind = iota // the Dispatch of an event, from its call to its return
	began                  // the first request of an event
	ended                  // the end of its delivery, while it was stored
)

func (k kind) String() string { return [...]string{"dispatch", "begin", "end"}[k] }

// queue is the state of a key: the events that wait, and whether the first of them is in flight.
type queue struct {
	waiting string // each followed by a blank
	busy    bool
}

var queues = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, op := range history {
			byKey[op.Input.(asked).key] = append(byKey[op.Input.(asked).key], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return queue{} },
	Step: func(state, input, _ any) (bool, any) {
		q, op := state.(queue), input.(asked)
		first := strings.HasPrefix(q.waiting, op.event+" ")
		switch op.kind {
		case dispatched:
			q.waiting += op.event + " "
			return true, q
		case began:
			return first && !q.busy, queue{q.waiting, true}
		}
		// A delivery that was never sent, as after a cancellation, ends out of turn.
		if !first || !q.busy {
			rest := strings.Replace(" "+q.waiting, " "+op.event+" ", " ", 1)
			return len(rest) <= len(q.waiting), queue{rest[1:], q.busy}
		}
		return true, queue{strings.TrimPrefix(q.waiting, op.event+" "), false}
	},
	DescribeOperation: func(input, _ any) string {
		op := input.(asked)
		return fmt.Sprintf("%v %s of %s", op.kind, op.event, op.key)
	},
}

const histories = 240

// TestPorcupineOrder: in histories of three hosts that are killed, under every policy, no request
// of a key overtakes another, and none begins before the one ahead of it has ended.
func TestPorcupineOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var total counts
	forAll(histories, func(seed uint64) {
		h := play(t, seed, false)
		mu.Lock()
		defer mu.Unlock()
		total.add(h.counts)
		for _, problem := range h.problems {
			t.Errorf("history %d: %s", seed, problem)
		}
		if result := porcupine.CheckOperationsTimeout(queues, h.operations, 30*time.Second); result != porcupine.Ok {
			t.Errorf("history %d of policy %s: %v, want Ok", seed, h.policy, result)
		}
	})
	t.Logf("%d histories: %+v", histories, total)
	if total.kills == 0 || total.repeats == 0 || total.overlapping == 0 || total.interrupted == 0 {
		t.Errorf("the histories did not come by what they are about: %+v", total)
	}
}

// TestPorcupineSeesOvertaking: histories of a Store that does not keep keys apart are refused.
func TestPorcupineSeesOvertaking(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refused := 0
	const some = 20
	forAll(some, func(seed uint64) {
		h := play(t, seed, true)
		mu.Lock()
		defer mu.Unlock()
		if porcupine.CheckOperationsTimeout(queues, h.operations, 30*time.Second) == porcupine.Illegal {
			refused++
		}
	})
	if refused < some/2 {
		t.Errorf("%d of %d histories without the rule were refused", refused, some)
	}
}

// forAll runs f for seeds, two at a time.
func forAll(n uint64, f func(seed uint64)) {
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for seed := range seeds {
				f(seed)
			}
		})
	}
	for seed := range n {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
}

// play makes the history of a seed in a bubble of fake time.
func play(t *testing.T, seed uint64, broken bool) *history {
	var h *history
	var bubble sync.WaitGroup
	bubble.Go(func() {
		synctest.Test(t, func(t *testing.T) {
			h = newHistory(t, seed, broken)
			h.run()
		})
	})
	bubble.Wait()
	return h
}

// policies are the policies to draw from; the first one is drawn most often.
var policies = []webhook.OrderPolicy{webhook.OrderSkip, webhook.OrderSkip, webhook.OrderBlock, webhook.OrderHold}
