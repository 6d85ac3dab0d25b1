package webhook_test

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/hostile"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// The addresses of the matrix: two that stand for public ones, and one that nobody may
// connect to.
const (
	publicIP    = "127.0.0.2"
	nobodyIP    = "127.0.0.4" // public too; nothing listens there
	forbiddenIP = "127.0.0.3"
)

// verdict is what must come of a fault that stays.
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
	form   string           // tells the forms of a row apart
	do     hostile.Behavior // what the endpoint does every time; 200 where it is empty
	want   verdict
	code   webhook.Code // of every attempt; CodeOK stands for what want says
	or     webhook.Code // as right as code: the fault meets a moment that the kernel chooses
	status int          // of every attempt
	reach  reach
	first  webhook.Code                                        // the first attempt ends so instead, and is retried
	set    func(*scene)                                        // prepares what do cannot express
	wait   func(webhook.Attempt) (earliest, latest time.Time)  // the retry is planned for then, which is not waited for
	pauses bool                                                // wait holds the webhook back, not this delivery alone
	hangs  bool                                                // each attempt takes a bound of time
	heavy  bool                                                // the endpoint sends without end: watch the memory
	check  func(*testing.T, webhook.Delivery, webhook.Attempt) // looks at the last attempt
}

// column is a column of the matrix: a profile and what differs from the rows under it.
type column struct {
	name    string
	profile func() webhook.Profile
	event   func(testing.TB) payload.Event
	// identified tells what is wrong with the identifier or the signature of the
	// n-th request, counted from 1, "" where all is well.
	identified func(s *scene, n int, r hostile.Request, body []byte) string
	differs    map[string]verdict // by row, or by row and form
}

// shortest is how soon retries come where they are hurried.
const shortest = time.Millisecond

// longest is how far Retry-After can push away the first retry.
func (c column) longest() time.Duration {
	p := c.profile().Retry
	if p.Last.Max == 0 {
		return p.MaxAfter
	}
	return p.Last.Max - time.Duration(len(p.Slots)-1)*shortest
}

// want is what must come of a fault under the column's profile.
func (c column) want(row int, f fault) verdict {
	if v, ok := c.differs[fmt.Sprint(row, " ", f.form)]; ok {
		return v
	}
	return cmp.Or(c.differs[fmt.Sprint(row)], f.want)
}

// allowed accepts the endpoints of the tests.
func allowed(ports ...uint16) allowlist.Policy {
	return allowlist.Policy{
		AllowPrefixes: []netip.Prefix{netip.MustParsePrefix(publicIP + "/32"), netip.MustParsePrefix(nobodyIP + "/32")},
		Ports:         ports,
	}
}

// hurried retries as often as p, within milliseconds.
func hurried(p retry.Policy) retry.Policy {
	p.Slots = slices.Repeat([]retry.Slot{{Min: shortest, Max: 3 * shortest}}, len(p.Slots))
	return p
}

// withAllowed makes a profile accept the endpoints of the tests and retry in
// milliseconds. Everything else stays as it is.
func withAllowed(p webhook.Profile, ports ...uint16) webhook.Profile {
	p.Allow, p.Retry = allowed(ports...), hurried(p.Retry)
	return p
}

// TestFaultMatrix holds every fault of the network and of HTTP against the
// profiles, over real sockets and TLS. Each subtest is one row; what holds in all of
// them is in checkInvariants.
func TestFaultMatrix(t *testing.T) { // not parallel: it counts goroutines and file descriptors
	columns := []column{
		{name: "automation", profile: webhook.Automation, event: func(t testing.TB) payload.Event { return success(t) }, identified: automationIdentified},
		jiraColumn(),
	}
	for _, c := range columns {
		t.Run(c.name, func(t *testing.T) {
			atBaseLine(t)
			m := newMatrix(t, c)
			seen := map[int]bool{}
			for _, r := range matrixRows(c) {
				seen[r.number] = true
				t.Run(fmt.Sprintf("row %d %s", r.number, r.words), func(t *testing.T) { m.row(t, r) })
			}
			for n := 1; n <= 44; n++ {
				if !seen[n] {
					t.Errorf("row %d is missing", n)
				}
			}
		})
	}
}

// matrix is what the rows of a column share.
type matrix struct {
	column
	ca      *hostile.Authority
	cert    tls.Certificate // valid for every endpoint
	dns     *hostile.DNS
	healthy *hostile.Server // the endpoint beside the one that fails
}

const healthyHost = "healthy.example.com"

func newMatrix(t *testing.T, c column) *matrix {
	m := &matrix{column: c, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
	m.cert = m.ca.Issue("*.example.com", "api-private.atlassian.com")
	m.healthy = hostile.New(t, hostile.Options{IP: publicIP, Certificate: m.cert})
	m.dns.Set(healthyHost, hostile.Addrs(publicIP))
	return m
}

func (m *matrix) row(t *testing.T, r row) {
	if len(r.faults) == 1 && r.faults[0].form == "" {
		m.fault(t, r, 0)
		return
	}
	for i, f := range r.faults {
		t.Run(f.form, func(t *testing.T) { m.fault(t, r, i) })
	}
}

// fault lets one event meet one fault and checks what came of it.
func (m *matrix) fault(t *testing.T, r row, i int) {
	f := r.faults[i]
	if !f.heavy {
		t.Parallel()
	}
	f.want = m.want(r.number, f)
	s := m.scene(t, f, fmt.Sprintf("r%d-%d.example.com", r.number, i))
	s.play()

	d, as := s.host.delivery(s.faulty)
	budget := 1 + len(s.profile.Retry.Slots)
	attempts, state := 1, webhook.StateFailed
	code := f.code
	if f.or != "" && d.LastCode == f.or {
		code = f.or
	}
	switch {
	case f.wait != nil:
		state = webhook.StatePending
		checkWait(t, s, d, as)
	case f.want == accepted:
		state, code = webhook.StateDelivered, webhook.CodeOK
	case f.want == again:
		attempts = budget
	}
	if code == "" && f.want != accepted {
		code = webhook.CodeStatus
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
	s.checkInvariants(attempts, budget)
}

// checkWait looks at a retry that is planned for later.
func checkWait(t *testing.T, s *scene, d webhook.Delivery, as []webhook.Attempt) {
	t.Helper()
	last := as[len(as)-1]
	earliest, latest := s.fault.wait(last)
	if d.Due.Before(earliest) || d.Due.After(latest) {
		t.Errorf("the retry is due at %v, want from %v to %v", d.Due, earliest, latest)
	}
	if bound := last.End().Add(s.profile.Retry.MaxStep()); d.Due.After(bound) {
		t.Errorf("the retry is due at %v, beyond the bound %v", d.Due, bound)
	}
	var until time.Time
	kinds := map[webhook.ReasonKind]bool{webhook.ReasonRetry: true}
	if s.fault.pauses {
		until = d.Due
		kinds[webhook.ReasonPaused] = true
	}
	if h := s.health; !h.PausedUntil.Equal(until) {
		t.Errorf("the webhook is paused until %v, want %v", h.PausedUntil, until)
	}
	for _, r := range s.explained.Reasons {
		if !kinds[r.Kind] {
			t.Errorf("Explain names %s, want %v only", r.Kind, kinds)
		}
		delete(kinds, r.Kind)
		if !r.Until.Equal(d.Due) {
			t.Errorf("Explain says %s until %v, want %v", r.Kind, r.Until, d.Due)
		}
	}
	if len(kinds) > 0 {
		t.Errorf("Explain leaves out %v: %+v", kinds, s.explained.Reasons)
	}
}

// checkReach counts what arrived at the endpoint.
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
	case requests != attempts:
		s.t.Errorf("%d requests, want %d", requests, attempts)
	}
}

// row is a row of the matrix.
type row struct {
	number int
	words  string
	faults []fault
}

func one(number int, words string, f fault) row { return row{number, words, []fault{f}} }

// statuses makes a fault of each status.
func statuses(want verdict, code webhook.Code, list ...int) (out []fault) {
	for _, status := range list {
		out = append(out, fault{form: fmt.Sprint(status), do: hostile.Status(status), want: want, code: cmp.Or(code, webhook.CodeStatus), status: status})
	}
	return out
}
