package registrationtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook/jira"
)

// RunPostFunctions runs every case against an empty implementation of jira.PostFunctions, which
// make returns. Cases run in parallel.
func RunPostFunctions(t *testing.T, make func(t *testing.T) jira.PostFunctions) {
	each(t, func(t *testing.T) postFunctions { return postFunctions{suite{T: t}, make(t)} }, map[string]func(postFunctions){
		"a transition knows its webhooks, a webhook its transitions": postFunctions.bothWays,
		"attaching twice is attaching once":                          postFunctions.twice,
		"detaching ends one attachment only":                         postFunctions.detached,
		"tenants do not meet":                                        postFunctions.tenants,
		"workflow and ID are told apart":                             postFunctions.names,
		"what transitions trigger is not retired":                    postFunctions.keptWhileAttached,
		"nothing is attached to what is retired":                     postFunctions.retired,
		"retiring and attaching at once: one of them":                postFunctions.raced,
	})
}

// postFunctions is a fresh implementation and a test of it.
type postFunctions struct {
	suite
	p jira.PostFunctions
}

var (
	start  = jira.Transition{Workflow: "bugs", ID: "11"}
	finish = jira.Transition{Workflow: "bugs", ID: "31"}
)

func (s postFunctions) attach(tenant string, t jira.Transition, webhooks ...string) {
	s.Helper()
	for _, w := range webhooks {
		if err := s.p.Attach(s.Context(), tenant, t, w); err != nil {
			s.Fatalf("Attach: %v", err)
		}
	}
}

func (s postFunctions) detach(tenant string, t jira.Transition, webhook string) {
	s.Helper()
	if err := s.p.Detach(s.Context(), tenant, t, webhook); err != nil {
		s.Fatalf("Detach: %v", err)
	}
}

func (s postFunctions) attached(tenant string, t jira.Transition, want ...string) {
	s.Helper()
	got, err := s.p.Attached(s.Context(), tenant, t)
	if err != nil {
		s.Fatalf("Attached: %v", err)
	}
	s.same(fmt.Sprint("webhooks of ", tenant, t), want, append([]string(nil), got...))
}

func (s postFunctions) transitions(tenant, webhook string, want ...jira.Transition) {
	s.Helper()
	got, err := s.p.Transitions(s.Context(), tenant, webhook)
	if err != nil {
		s.Fatalf("Transitions: %v", err)
	}
	s.same(fmt.Sprint("transitions of ", tenant, " ", webhook), want, append([]jira.Transition(nil), got...))
}

func (s postFunctions) bothWays() {
	s.attached("acme", start)
	s.transitions("acme", "whk_1")
	s.attach("acme", finish, "whk_1")
	s.attach("acme", start, "whk_2", "whk_1")
	s.attached("acme", start, "whk_1", "whk_2")
	s.attached("acme", finish, "whk_1")
	s.transitions("acme", "whk_1", start, finish)
	s.transitions("acme", "whk_2", start)
}

func (s postFunctions) twice() {
	s.attach("acme", start, "whk_1", "whk_1")
	s.attached("acme", start, "whk_1")
	s.detach("acme", start, "whk_1")
	s.attached("acme", start)
}

func (s postFunctions) detached() {
	s.attach("acme", start, "whk_1", "whk_2")
	s.attach("acme", finish, "whk_1")
	s.detach("acme", start, "whk_1")
	s.detach("acme", start, "whk_1")
	s.detach("acme", start, "nobody")
	s.attached("acme", start, "whk_2")
	s.attached("acme", finish, "whk_1")
	s.transitions("acme", "whk_1", finish)
}

func (s postFunctions) tenants() {
	s.attach("acme", start, "whk_1")
	s.attach("beta", start, "whk_2")
	s.detach("beta", start, "whk_1")
	s.attached("acme", start, "whk_1")
	s.attached("beta", start, "whk_2")
	s.transitions("beta", "whk_1")
}

func (s postFunctions) names() {
	s.attach("acme", jira.Transition{Workflow: "a", ID: "bc"}, "whk_1")
	s.attached("acme", jira.Transition{Workflow: "ab", ID: "c"})
	s.attached("acme", jira.Transition{Workflow: "A", ID: "bc"})
	s.transitions("acme", "whk_1", jira.Transition{Workflow: "a", ID: "bc"})
}

func (s postFunctions) retire(tenant, webhook string, want error) {
	s.Helper()
	if err := s.p.Retire(s.Context(), tenant, webhook); !errors.Is(err, want) {
		s.Errorf("Retire %s of %s = %v, want %v", webhook, tenant, err, want)
	}
}

func (s postFunctions) keptWhileAttached() {
	s.attach("acme", start, "whk_1", "whk_2")
	s.retire("acme", "whk_1", jira.ErrAttached)
	s.attach("acme", finish, "whk_1") // a refusal leaves no mark
	s.detach("acme", start, "whk_1")
	s.retire("acme", "whk_1", jira.ErrAttached)
	s.detach("acme", finish, "whk_1")
	s.retire("acme", "whk_1", nil)
	s.retire("acme", "whk_1", nil)
	s.retire("beta", "whk_2", nil)
	s.attached("acme", start, "whk_2")
}

func (s postFunctions) retired() {
	s.retire("acme", "whk_1", nil)
	for range 2 {
		if err := s.p.Attach(s.Context(), "acme", start, "whk_1"); !errors.Is(err, jira.ErrRetired) {
			s.Errorf("Attach of a retired webhook = %v, want ErrRetired", err)
		}
	}
	s.attached("acme", start)
	s.attach("acme", start, "whk_2")
	s.attach("beta", start, "whk_1")
	for _, webhook := range []string{"whk_1", "whk_1", "whk_3"} {
		if err := s.p.Restore(s.Context(), "acme", webhook); err != nil {
			s.Errorf("Restore: %v", err)
		}
	}
	s.attach("acme", start, "whk_1")
	s.attached("acme", start, "whk_1", "whk_2")
}

func (s postFunctions) raced() {
	for n := range 20 {
		webhook := fmt.Sprint("whk_", n)
		var attached, retired error
		var wg sync.WaitGroup
		wg.Go(func() { attached = s.p.Attach(s.Context(), "acme", start, webhook) })
		wg.Go(func() { retired = s.p.Retire(s.Context(), "acme", webhook) })
		wg.Wait()
		if (attached == nil) == (retired == nil) {
			s.Fatalf("Attach = %v and Retire = %v at once, want one of them to be refused", attached, retired)
		}
	}
}
