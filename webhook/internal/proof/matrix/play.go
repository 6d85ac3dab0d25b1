package matrix

import (
	"context"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// play sends the event and waits until the dispatcher is idle.
func (s *scene) play() {
	t := s.t
	s.build()
	before := s.memory()
	stop := s.run()
	defer stop()
	receipt, err := s.hooks.Dispatch(context.Background(), s.event)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range receipt.Events[0].Deliveries {
		if d, _ := s.delivery(id); d.WebhookID == s.hook.ID {
			s.faulty = id
		} else {
			s.neighbour = id
		}
	}
	if !s.alone {
		hostile.Await(t, "the healthy webhook", func() bool { return s.told.hasSettled(s.neighbour) })
	}
	hostile.Await(t, "the webhook that fails", func() bool {
		if s.fault.wait == nil {
			return s.told.hasSettled(s.faulty)
		}
		d, _ := s.delivery(s.faulty)
		return d.Tries > 0
	})
	after := s.memory()
	s.kept, s.allocated = int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(after.TotalAlloc-before.TotalAlloc)
	rest := time.Now()
	hostile.Await(t, "another look at the Store", func() bool { return s.hooks.Status().LastAnswer.After(rest) })
	if s.health, err = s.manager.Health(context.Background(), scope, s.hook.ID); err != nil {
		t.Fatal(err)
	}
	if s.explained, err = s.hooks.Explain(context.Background(), scope, s.faulty); err != nil {
		t.Fatal(err)
	}
}

// disturbed reports whether something other than the fault ran into the bound: the healthy
// endpoint, or the connection to the one that hangs.
func (s *scene) disturbed() bool {
	if !s.fault.hangs {
		return false
	}
	d, as := s.delivery(s.faulty)
	for _, a := range as {
		if a.Code != s.fault.outcome() {
			return true
		}
	}
	if s.server != nil && s.fault.reach != toNowhere {
		arrived := len(s.server.Requests())
		if s.fault.reach == toConnection {
			arrived = s.server.Connections()
		}
		if arrived != len(as) {
			return true
		}
	}
	if s.alone {
		return false
	}
	n, _ := s.delivery(s.neighbour)
	return n.State != webhook.StateDelivered || n.Tries != 1 || s.fault.want == again && !n.FinishedAt.Before(d.FinishedAt)
}

// build makes the host and its webhooks.
func (s *scene) build() {
	s.store = s.m.where.Store(s.t)
	var err error
	if s.hooks, err = webhook.New(s.store, s.profile, &s.opts); err != nil {
		s.t.Fatal(err)
	}
	if s.m.where.SetBounds != nil {
		s.m.where.SetBounds(s.hooks, s.bounds)
	}
	if s.manager, err = s.hooks.Manager(); err != nil {
		s.t.Fatal(err)
	}
	if s.url == "" {
		s.url = s.urlAt(s.name)
	}
	s.hook = s.add(webhook.Webhook{Name: "faulty", URL: s.url, Headers: map[string]string{"X-Canary": headerCanary}})
	if s.edit != nil { // bypasses the Manager
		s.edit(&s.hook)
		if err := s.store.(webhook.Registry).Update(context.Background(), s.hook); err != nil {
			s.t.Fatal(err)
		}
	}
	if !s.alone {
		s.add(webhook.Webhook{Name: "healthy", URL: "https://" + net.JoinHostPort(healthyHost, strconv.Itoa(s.m.healthy.Port())) + "/" + s.name})
	}
}

func (s *scene) add(w webhook.Webhook) webhook.Webhook {
	w.Scope, w.Events, w.Active = scope, []string{s.event.Type}, true
	w.Secrets = []webhook.Secret{webhook.NewSecret(SecretCanary)}
	w, err := s.manager.Add(context.Background(), w)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// run runs the dispatcher until stop is called, which waits for the drain.
func (s *scene) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.hooks.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
}

func (s *scene) delivery(id string) (webhook.Delivery, []webhook.Attempt) {
	s.t.Helper()
	d, as, err := s.manager.Delivery(context.Background(), scope, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return d, as
}

// memory is that of the whole process, the server included. A heavy fault runs alone in it.
func (s *scene) memory() (m runtime.MemStats) {
	if s.fault.heavy {
		runtime.GC()
		runtime.ReadMemStats(&m)
	}
	return m
}

// requests are those that the failing endpoint has read.
func (s *scene) requests() []hostile.Request {
	if s.server == nil {
		return nil
	}
	return s.server.Requests()
}

// neighbours are the requests of this scene to the healthy endpoint.
func (s *scene) neighbours() []hostile.Request {
	return slices.DeleteFunc(s.m.healthy.Requests(), func(r hostile.Request) bool {
		path := strings.TrimPrefix(r.Line, "POST /"+s.name)
		return path == r.Line || path[0] != ' ' && path[0] != '?'
	})
}
