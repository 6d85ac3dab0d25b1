package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// site is a host with its receiver, for the examples.
type site struct {
	endpoint *webhooktest.Endpoint
	hooks    *webhook.Dispatcher
	manager  *webhook.Manager
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func newSite(o *webhook.Options) *site {
	endpoint, err := webhooktest.Start(nil)
	if err != nil {
		panic(err)
	}
	return newSiteAt(endpoint, webhook.Automation(), o)
}

func newSiteAt(endpoint *webhooktest.Endpoint, p webhook.Profile, o *webhook.Options) *site {
	s := &site{endpoint: endpoint}
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	if o == nil {
		o = &webhook.Options{}
	}
	o.DialContext, o.RootCAs = s.endpoint.DialContext, s.endpoint.RootCAs()
	if s.hooks, err = webhook.New(store, p, o); err != nil {
		panic(err)
	}
	if s.manager, err = s.hooks.Manager(); err != nil {
		panic(err)
	}
	s.ctx, s.cancel = context.WithTimeout(context.Background(), time.Minute) // ends an example that waits in vain
	return s
}

// run starts Run; close ends it.
func (s *site) run() {
	s.running.Go(func() { _ = s.hooks.Run(s.ctx) })
}

func (s *site) close() {
	s.cancel()
	s.running.Wait()
	s.endpoint.Close()
}

func (s *site) add(name string, events ...string) webhook.Webhook {
	w, err := s.manager.Add(s.ctx, webhook.Webhook{Scope: "acme", Name: name, URL: s.endpoint.URL(),
		Secrets: []webhook.Secret{s.endpoint.Secret()}, Events: events, Active: true})
	if err != nil {
		panic(err)
	}
	return w
}

func (s *site) event(id string) payload.Event {
	sample, _ := payload.Sample("taskSuccess")
	e, err := payload.New("acme", sample, payload.WithID(id))
	if err != nil {
		panic(err)
	}
	return e
}

// A Profile of one's own: receivers of a company that want a bearer token, know tenants by
// a variable in the URL, and are asked twice at most.
func ExampleProfile() {
	endpoint, err := webhooktest.Start(&webhooktest.Options{Generic: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoint.Answer(webhooktest.Response{Status: http.StatusTeapot})

	p := webhook.Standard()
	p.Name = "company"
	p.Form.Check = nil
	p.Retry = retry.Policy{Slots: []retry.Slot{{Min: 10 * time.Millisecond, Max: 20 * time.Millisecond}}}
	standard := p.Judge
	p.Judge = func(a webhook.Attempt) webhook.Verdict {
		if a.Status > http.StatusOK && a.Status <= 299 {
			return webhook.VerdictGiveUp
		}
		return standard(a)
	}
	p.Prepare.Target = func(w webhook.Webhook, d webhook.Delivery) (string, error) { return webhook.Expand(w.URL, d.Vars), nil }
	p.Prepare.Header = func(_ webhook.Webhook, d webhook.Delivery, h http.Header) { h.Set("X-Try", fmt.Sprint(d.Tries+1)) }
	p.Prepare.Sign = func(w webhook.Webhook) (sign.Signer, error) {
		return sign.Func(func(r *http.Request, _ sign.Message) error {
			r.Header.Set("Authorization", "Bearer "+w.Secrets[0].Reveal())
			return nil
		}), nil
	}
	s := newSiteAt(endpoint, p, nil)
	defer s.close()
	_, err = s.manager.Add(s.ctx, webhook.Webhook{Scope: "acme", Name: "Ledger", URL: endpoint.URL() + "/{tenant}",
		Secrets: []webhook.Secret{webhook.NewSecret("token")}, Events: []string{"taskSuccess"}, Active: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	event := s.event("run-42")
	event.Vars = map[string]string{"tenant": "north/south"}
	if _, err := s.hooks.Dispatch(s.ctx, event); err != nil {
		fmt.Println(err)
		return
	}
	s.run()
	requests, err := endpoint.Wait(s.ctx, 2)
	for _, r := range requests {
		fmt.Println(r.Path, r.Header.Get("X-Try"), r.Header.Get("Authorization"), r.Answer.Status)
	}
	fmt.Println(err)
	// Output:
	// /hook/north%2Fsouth 1 Bearer token 418
	// /hook/north%2Fsouth 2 Bearer token 200
	// <nil>
}
