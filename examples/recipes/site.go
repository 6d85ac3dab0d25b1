package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/examples/recipes/agent"
	"github.com/postrider/postrider/examples/recipes/rule"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// subscription is a rule and its webhook.
type subscription struct {
	name   string
	events []string
	rule   *rule.Rule
}

// outcome is the result of a rule for an event.
type outcome struct {
	subscription
	trigger string
	made    []rule.Artefact
	met     bool
	err     error
}

// site stands in for Automation: one endpoint with a rule behind every URL. Like the real one it
// accepts a request before the rule has run.
type site struct {
	rules    []subscription
	endpoint *webhooktest.Endpoint
	arrived  chan webhooktest.Request
	agent    agent.Agent
}

func newSite(rules []subscription) (*site, error) {
	s := &site{rules: rules, arrived: make(chan webhooktest.Request, 100), agent: agent.Demo(func(id string) bool { return id == wentWrong })}
	var err error
	s.endpoint, err = webhooktest.Start(&webhooktest.Options{Script: func(_ int, r webhooktest.Request) webhooktest.Response {
		s.arrived <- r
		return webhooktest.Response{}
	}})
	return s, err
}

// url is the address of a rule: the last segment identifies it.
func (s *site) url(i int) string {
	u := s.endpoint.URL()
	return u[:strings.LastIndexByte(u, '/')+1] + "rule-" + strconv.Itoa(i)
}

// runRules runs the rules of so many deliveries, as they arrive. A second request of a delivery is
// recognised by its identifier and dropped.
func (s *site) runRules(ctx context.Context, deliveries int, take func(outcome) error) error {
	seen := make(map[string]bool)
	for len(seen) < deliveries {
		var r webhooktest.Request
		select {
		case r = <-s.arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
		id := r.Path + " " + r.Header.Get("webhook-id")
		if seen[id] {
			continue
		}
		seen[id] = true
		i, err := strconv.Atoi(r.Path[strings.LastIndexByte(r.Path, '-')+1:])
		if err != nil || i < 0 || i >= len(s.rules) {
			return fmt.Errorf("no rule at %s", r.Shape)
		}
		var head struct{ Trigger string }
		if err := json.Unmarshal(r.Body, &head); err != nil {
			return err
		}
		o := outcome{subscription: s.rules[i], trigger: head.Trigger}
		o.made, o.met, o.err = o.rule.Run(ctx, s.agent, r.Body, time.Now())
		if err := take(o); err != nil {
			return err
		}
	}
	return nil
}
