package matrix

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// verdict is the expected result of a permanent fault.
type verdict string

const (
	accepted verdict = "OK"    // delivered, no further request
	again    verdict = "RETRY" // one request for each retry, then exhausted
	refused  verdict = "FAIL"  // no retry
)

// reach is how far an attempt gets.
type reach int

const (
	toRequest    reach = iota // the server reads the request
	toConnection              // a connection is made, no request arrives
	toNowhere                 // no connection is made
)

// fault is one form of a row of the matrix.
type fault struct {
	form    string           // tells the forms of a row apart
	do      hostile.Behavior // the endpoint's behavior every time; 200 where it is empty
	want    verdict
	code    webhook.Code // of every attempt; CodeOK stands for the code of want
	or      webhook.Code // also accepted: the kernel chooses the moment of the fault
	status  int          // of every attempt
	twice   bool         // each attempt makes two requests
	reach   reach
	first   webhook.Code                                        // code of the first attempt, which is retried
	set     func(*scene)                                        // prepares a fault that do cannot express
	wait    func(webhook.Attempt) (earliest, latest time.Time)  // bounds of the planned retry, which the test does not wait for
	pauses  bool                                                // wait pauses the webhook, not this delivery alone
	hangs   bool                                                // each attempt runs into a timeout
	bounded bool                                                // the timeout is one of Bounds
	heavy   bool                                                // the endpoint sends without end: memory is measured
	check   func(*testing.T, webhook.Delivery, webhook.Attempt) // checks the last attempt
}

// outcome is the code of every attempt.
func (f fault) outcome() webhook.Code {
	if f.want == accepted {
		return webhook.CodeOK
	}
	return cmp.Or(f.code, webhook.CodeStatus)
}

// requests is the greatest number of requests of so many attempts.
func (f fault) requests(attempts int) int {
	if f.twice {
		return 2 * attempts
	}
	return attempts
}

// plain is the only form of its row.
func (f fault) plain() fault {
	f.form = ""
	return f
}

// statuses makes a fault of each status.
func statuses(want verdict, code webhook.Code, list ...int) (out []fault) {
	for _, status := range list {
		out = append(out, fault{form: fmt.Sprint(status), do: hostile.Status(status), want: want, code: cmp.Or(code, webhook.CodeStatus), status: status})
	}
	return out
}

// fault sends one event through one fault and checks the result.
func (m *matrix) fault(t *testing.T, r row, i int) {
	f := m.judged(r.number, r.faults[i])
	var s *scene
	for try, bound := range bounds {
		s = m.scene(t, f, fmt.Sprintf("r%d-%d-%d.example.com", r.number, i, try), bound)
		if s.play(); !s.disturbed() {
			break
		}
	}
	d, as := s.delivery(s.faulty)
	attempts, state := 1, webhook.StateFailed
	code := f.outcome()
	if f.or != "" && d.LastCode == f.or {
		code = f.or
	}
	switch {
	case f.wait != nil:
		state = webhook.StatePending
		checkWait(t, s, d, as)
	case f.want == accepted:
		state = webhook.StateDelivered
	case f.want == again:
		attempts = m.requests
	}
	if f.first != "" {
		attempts++
	}
	if d.State != state || d.LastCode != code || d.Exhausted != (f.want == again && f.wait == nil) {
		t.Errorf("the delivery is %s %q exhausted=%v, want %s %q", d.State, d.LastCode, d.Exhausted, state, code)
	}
	if len(as) != attempts {
		t.Fatalf("%d attempts %+v, want %d", len(as), as, attempts)
	}
	for i, a := range as {
		want, status := code, f.status
		if i == 0 && f.first != "" {
			want, status = f.first, 0
		}
		if a.Code != want && (f.or == "" || a.Code != f.or && a.Code != f.code) || a.Status != status {
			t.Errorf("attempt %d: code %q, status %d; want %q, %d", i+1, a.Code, a.Status, want, status)
		}
	}
	if f.check != nil {
		f.check(t, d, as[len(as)-1])
	}
	s.checkReach(attempts)
	s.checkInvariants(attempts)
}

// judged is a fault with the expectations of the column's profile.
func (m *matrix) judged(row int, f fault) fault {
	f.want = m.want(row, f)
	if m.requests > 1 {
		return f
	}
	f.wait = nil // no retry is planned
	if f.first != "" {
		f.want, f.code, f.first = again, f.first, ""
	}
	return f
}

// precision is that of the times that SQL Stores keep.
const precision = time.Microsecond

// checkWait checks a retry that is planned for later.
func checkWait(t *testing.T, s *scene, d webhook.Delivery, as []webhook.Attempt) {
	t.Helper()
	last := as[len(as)-1]
	earliest, latest := s.fault.wait(last)
	if d.Due.Before(earliest.Add(-precision)) || d.Due.After(latest.Add(precision)) {
		t.Errorf("the retry is due at %v, want from %v to %v", d.Due, earliest, latest)
	}
	if bound := last.End().Add(s.profile.Retry.MaxStep()); d.Due.After(bound.Add(precision)) {
		t.Errorf("the retry is due at %v, beyond the bound %v", d.Due, bound)
	}
	var until time.Time
	kinds := map[webhook.ReasonKind]bool{webhook.ReasonRetry: true}
	if s.fault.pauses {
		until = d.Due
		kinds[webhook.ReasonPaused] = true
	}
	if h := s.health; h.PausedUntil.Sub(until).Abs() > precision {
		t.Errorf("the webhook is paused until %v, want %v", h.PausedUntil, until)
	}
	for _, r := range s.explained.Reasons {
		if !kinds[r.Kind] {
			t.Errorf("Explain names %s, want %v only", r.Kind, kinds)
		}
		delete(kinds, r.Kind)
		if r.Until.Sub(d.Due).Abs() > precision {
			t.Errorf("Explain says %s until %v, want %v", r.Kind, r.Until, d.Due)
		}
	}
	if len(kinds) > 0 {
		t.Errorf("Explain leaves out %v: %+v", kinds, s.explained.Reasons)
	}
}

// checkReach counts the requests at the endpoint.
func (s *scene) checkReach(attempts int) {
	s.t.Helper()
	if s.server == nil {
		return
	}
	requests, conns := len(s.server.Requests()), s.server.Connections()
	switch {
	case s.fault.first != "":
		if requests != 1 || conns != 1 {
			s.t.Errorf("%d requests on %d connections, want those of the first attempt alone", requests, conns)
		}
	case s.fault.reach == toNowhere:
		if conns != 0 {
			s.t.Errorf("%d connections, want none", conns)
		}
	case s.fault.reach == toConnection:
		if requests != 0 || conns != attempts {
			s.t.Errorf("%d requests on %d connections, want 0 on %d", requests, conns, attempts)
		}
	case requests != s.fault.requests(attempts):
		s.t.Errorf("%d requests in %d attempts, want %d", requests, attempts, s.fault.requests(attempts))
	}
}
