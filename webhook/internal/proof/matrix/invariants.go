package matrix

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// The bounds of an attempt's heap growth and of its allocations in all, the server's part included:
// a decompressed bomb is 64 MiB.
const (
	maxKept      = 1 << 20
	maxAllocated = 4 << 20
)

// checkInvariants checks the rules of every row:
//
//   - I1: an accepted event has a final record, or a planned retry
//   - I2: there are no more requests than the budget allows
//   - I3: there is no request after a success or a permanent failure
//   - I4: every request carries the same identifier and the same bytes
//   - I5: there is no connection to a forbidden address
//   - I6: no secret, URL path, byte of the remote side or address is shown
//   - I7: each attempt has one record, with code, status and times
//   - I8: goroutines, file descriptors (see atBaseLine) and memory do not grow
//   - I9: a healthy webhook beside the faulty one is served at once
func (s *scene) checkInvariants(attempts int) {
	t := s.t
	t.Helper()
	d, as := s.delivery(s.faulty)
	planned := s.fault.wait != nil

	if (d.State == webhook.StatePending) != planned || d.Held || d.FinishedAt.IsZero() != planned {
		t.Errorf("I1: no final record: %+v", d)
	}

	requests := s.requests()
	if len(requests) > s.fault.requests(s.m.requests) {
		t.Errorf("I2: %d requests, budget %d", len(requests), s.m.requests)
	}

	// The dispatcher has looked at the Store again and has been stopped since.
	if n := s.told.attempted[s.faulty]; n != attempts || len(requests) > s.fault.requests(attempts) {
		t.Errorf("I3: %d attempts told, %d requests, want %d", n, len(requests), attempts)
	}
	if n := s.told.settled[s.faulty]; n != 1 && !planned {
		t.Errorf("I3: told %d times that the delivery ended", n)
	}

	for i, r := range requests {
		body := r.Body
		if body == nil {
			body = s.event.Body // answered before the body was read
		}
		if !bytes.Equal(body, s.event.Body) {
			t.Errorf("I4: request %d has body %.200q, want %.200q", i+1, body, s.event.Body)
		}
		attempt := i + 1
		if s.fault.twice {
			attempt = i/2 + 1
		}
		if wrong := s.m.identified(s, attempt, r, body); wrong != "" {
			t.Errorf("I4: request %d %s", i+1, wrong)
		}
	}

	if n := s.forbidden.Connections(); n != 0 {
		t.Errorf("I5: %d connections to a forbidden address", n)
	}

	s.checkSilence(d, as)
	checkRecords(t, d, as)

	if n := int64(attempts); s.kept > n*maxKept || s.allocated > n*maxAllocated {
		t.Errorf("I8: %d attempts allocated %d KiB and kept %d KiB", attempts, s.allocated>>10, s.kept>>10)
	}

	for i, r := range requests {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("I8: request %d asks for a compressed answer", i+1)
		}
	}

	s.checkNeighbour(d)
	s.checkAttention(as)
}

// checkSilence is I6.
func (s *scene) checkSilence(d webhook.Delivery, as []webhook.Attempt) {
	s.t.Helper()
	d.Body = nil
	outputs := map[string]string{
		"the log":     s.log.String(),
		"an Observer": s.told.String(),
		"History":     fmt.Sprintf("%+v %+v", d, as),
		"Health":      fmt.Sprintf("%+v", s.health),
		"Explain":     fmt.Sprintf("%+v", s.explained.Reasons),
		"Status":      fmt.Sprintf("%+v", s.hooks.Status()),
	}
	for where, text := range outputs {
		for _, canary := range []string{SecretCanary, headerCanary, pathCanary, queryCanary, bannerCanary, "127.0.0.", "127.0.1.", "::1", "/hooks/"} {
			if strings.Contains(text, canary) {
				s.t.Errorf("I6: %s tells %q: %s", where, canary, text)
			}
		}
	}
}

// checkRecords is I7.
func checkRecords(t *testing.T, d webhook.Delivery, as []webhook.Attempt) {
	t.Helper()
	if d.Tries != len(as) {
		t.Errorf("I7: %d tries counted, %d recorded", d.Tries, len(as))
	}
	end := d.CreatedAt
	for i, a := range as {
		final := i == len(as)-1
		if a.Number != i+1 || a.Start.Before(end) || a.Duration < 0 || a.OK() && (!final || a.Status == 0) {
			t.Errorf("I7: record %d is %+v, after one that ended at %v", i+1, a, end)
		}
		end = a.End()
	}
}

// checkNeighbour is I9.
func (s *scene) checkNeighbour(faulty webhook.Delivery) {
	if s.alone {
		return
	}
	s.t.Helper()
	d, as := s.delivery(s.neighbour)
	if n := len(s.neighbours()); d.State != webhook.StateDelivered || d.Tries != 1 || n != 1 {
		s.t.Errorf("I9: the healthy webhook is %s after %d tries, %d requests; %+v", d.State, d.Tries, n, as)
	}
	if s.fault.hangs && s.fault.want == again && !d.FinishedAt.Before(faulty.FinishedAt) {
		s.t.Errorf("I9: the healthy webhook was served at %v, after the one that hangs, %v", d.FinishedAt, faulty.FinishedAt)
	}
}

// checkAttention: the owner is notified once that the URL, the secret or the certificate is wrong.
// Only an endpoint that reports itself gone is switched off, where the profile does that.
func (s *scene) checkAttention(as []webhook.Attempt) {
	s.t.Helper()
	last := as[len(as)-1]
	var want []webhook.Code
	switch {
	case last.Code == webhook.CodeTLSVerify, last.Code == webhook.CodeTLS,
		last.Status == 401, last.Status == 403, last.Status == 404, last.Status == 410:
		want = []webhook.Code{last.Code}
	}
	if !slices.Equal(s.told.attention, want) {
		s.t.Errorf("the owner was told %q, want %q", s.told.attention, want)
	}
	w, err := s.manager.Webhook(context.Background(), scope, s.hook.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	off, times := s.m.gone && last.Status == 410, 0
	if off {
		times = 1
	}
	if w.Active == off || len(s.told.disabled) != times || (w.DisabledReason != "") != off {
		s.t.Errorf("the webhook is active: %t, for the reason %q; told %q", w.Active, w.DisabledReason, s.told.disabled)
	}
	if s.fault.pauses && s.m.requests == 1 && !s.health.PausedUntil.IsZero() {
		s.t.Errorf("the webhook is paused until %v, although nothing is tried again", s.health.PausedUntil)
	}
}
