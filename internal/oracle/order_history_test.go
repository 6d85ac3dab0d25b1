package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

const (
	keys   = 4
	events = 40
	scope  = "acme"
)

// history is three hosts over one Store, an endpoint, and the records of their operations.
type history struct {
	t      *testing.T
	broken bool
	policy webhook.OrderPolicy
	store  *memstore.Store
	hook   webhook.Webhook

	mu         sync.Mutex // guards the fields below, and makes an end and its record one step
	r          *rand.Rand
	hosts      [3]*process
	all        []*process // also the dead ones
	ticks      int64
	operations []porcupine.Operation
	first      map[string]bool // events of which a request has begun
	over       map[string]bool // and whose delivery has ended
	keyOf      map[string]string
	problems   []string
	counts
}

// counts are the statistics of a history.
type counts struct{ requests, repeats, kills, interrupted, overlapping int }

func (c *counts) add(o counts) {
	c.requests += o.requests
	c.repeats += o.repeats
	c.kills += o.kills
	c.interrupted += o.interrupted
	c.overlapping += o.overlapping
}

func newHistory(t *testing.T, seed uint64, broken bool) *history {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 0x6f72646572))
	h := &history{t: t, broken: broken, policy: policies[r.IntN(len(policies))], store: store, r: r,
		first: map[string]bool{}, over: map[string]bool{}, keyOf: map[string]string{}}
	for i := range h.hosts {
		h.hosts[i] = h.boot()
	}
	h.hook, err = h.hosts[0].m.Add(t.Context(), webhook.Webhook{Scope: scope, Name: "one", URL: "https://example.com/hook",
		Secrets: []webhook.Secret{webhook.NewSecret("whsec_" + strings.Repeat("MTIzNDU2", 5))}, Events: []string{"*"}, Active: true, Order: h.policy})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// draw is safe for concurrent use.
func (h *history) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.r.IntN(n)
}

func (h *history) sleep(most time.Duration) { time.Sleep(time.Duration(h.draw(int(most) + 1))) }

// tick is the time of a record, unique for each. h.mu must be held.
func (h *history) tick() int64 {
	h.ticks++
	return h.ticks
}

// record records an operation. h.mu must be held.
func (h *history) record(k kind, event string, call int64) {
	h.operations = append(h.operations, porcupine.Operation{Input: asked{k, h.keyOf[event], event}, Call: call, Return: h.tick()})
}

// run plays the history to its end.
func (h *history) run() {
	var work sync.WaitGroup
	for i := range events {
		work.Go(func() {
			h.sleep(3 * time.Minute)
			h.dispatch(fmt.Sprintf("e%02d", i), fmt.Sprint("k", h.draw(keys)))
		})
	}
	for range 3 {
		work.Go(func() {
			h.sleep(3 * time.Minute)
			h.kill(h.draw(len(h.hosts)))
		})
	}
	work.Wait()
	for range 200 { // people release held deliveries
		time.Sleep(time.Minute)
		if !h.decide() {
			break
		}
	}
	for _, p := range h.all {
		p.stop()
	}
	h.close()
}

// decide releases deliveries that wait for a person. It reports whether any is pending.
func (h *history) decide() bool {
	m := h.hosts[0].m
	held, err := m.Held(context.Background(), scope, h.hook.ID)
	if err != nil {
		h.problem("Held: %v", err)
	}
	for _, d := range held {
		if h.draw(2) == 0 {
			err = m.Redeliver(context.Background(), scope, d.ID)
		} else {
			err = m.Cancel(context.Background(), scope, d.ID)
		}
		if err != nil && !errors.Is(err, errDead) {
			h.problem("decide: %v", err)
		}
	}
	pending, _, err := h.store.Deliveries(context.Background(), webhook.Query{Scope: scope, States: []webhook.State{webhook.StatePending}, Limit: 1})
	if err != nil {
		h.problem("Deliveries: %v", err)
	}
	return len(pending) > 0
}

func (h *history) problem(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problems = append(h.problems, fmt.Sprintf(format, args...))
}

// dispatch records an event as dispatched, with an open end where its host died.
func (h *history) dispatch(event, key string) {
	e, err := payload.New(scope, payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: event, DeepLink: "https://x.example.com/"},
		payload.WithID(event), payload.WithKey(key))
	if err != nil {
		h.problem("payload: %v", err)
		return
	}
	h.mu.Lock()
	h.keyOf[event] = key
	call := h.tick()
	host := h.hosts[h.r.IntN(len(h.hosts))]
	h.mu.Unlock()
	_, err = host.d.Dispatch(context.Background(), e)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.record(dispatched, event, call)
		return
	}
	if _, _, unknown := h.store.Delivery(context.Background(), scope, webhook.DeliveryID(scope, event, h.hook.ID)); unknown == nil {
		h.operations = append(h.operations, porcupine.Operation{Input: asked{dispatched, key, event}, Call: call, Return: 1 << 62})
	}
}

// close adds up the counts, and looks for missing operations.
func (h *history) close() {
	last := map[string]int64{}
	for _, op := range h.operations {
		if in := op.Input.(asked); in.kind == dispatched {
			if op.Call < last[in.key] {
				h.overlapping++
			}
			last[in.key] = max(last[in.key], op.Return)
		}
	}
	ds, _, err := h.store.Deliveries(context.Background(), webhook.Query{Scope: scope, Limit: 500})
	if err != nil {
		h.problems = append(h.problems, err.Error())
	}
	for _, d := range ds {
		if d.State == webhook.StatePending {
			h.problems = append(h.problems, fmt.Sprintf("event %s of key %s is stuck: tries %d, held %t, exhausted %t", d.EventID, d.Key, d.Tries, d.Held, d.Exhausted))
		}
		h.interrupted += d.Interrupted
	}
}

// RoundTrip is the endpoint: slow, and out of order now and then.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	h := p.h
	if p.dead() {
		return nil, errDead
	}
	event := r.Header.Get("Webhook-Id")
	h.mu.Lock()
	h.requests++
	if !h.first[event] {
		h.first[event] = true
		h.record(began, event, h.tick())
	} else {
		h.repeats++
	}
	status := []int{200, 200, 200, 200, 503, 404}[h.r.IntN(6)]
	h.mu.Unlock()
	h.sleep(2 * time.Second)
	if p.dead() {
		return nil, errDead
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func profile() webhook.Profile {
	p := webhook.Standard()
	p.Retry = retry.Policy{Slots: []retry.Slot{{Min: time.Second, Max: 3 * time.Second}, {Min: 5 * time.Second, Max: 10 * time.Second}}}
	p.DisableAfter = 0
	return p
}
