// Package matrix tests every known fault of the network and of HTTP for every profile, over real
// sockets and TLS: 44 rows of faults, a column for each profile, and nine invariants that are
// checked after each. It is for tests of this module and of its examples, which provide the Stores;
// no other code imports it.
//
// The rows are in connection.go, answer.go, status.go and patience.go, the expectations of a
// profile in columns.go, the invariants in invariants.go. stored.go selects the forms that also run
// on databases.
package matrix

import (
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// Rows is the number of rows of the matrix, which count from 1.
const Rows = 44

// Setting is the environment of the matrix.
type Setting struct {
	// Store makes an empty Store.
	Store func(testing.TB) webhook.Store
	// SetBounds shortens the timeouts of an attempt below Options.Timeout. Where it is nil, forms
	// that would have to wait for one of them are left out.
	SetBounds func(*webhook.Dispatcher, Bounds)
	// Stored leaves out forms that are the same for every Store; see stored.go.
	Stored bool
}

// Bounds are timeouts of one attempt; zero keeps the default.
type Bounds struct{ Dial, TLS, Header, Body time.Duration }

// Run runs the matrix. Each column is a subtest, each row one of a column, each form of a fault one
// of a row: TestFaultMatrix/jira/row_22_5xx_with_a_fault_of_the_body/503_gzip_bomb. The caller must
// not run in parallel with other tests, because goroutines, file descriptors and memory are
// counted.
func Run(t *testing.T, where Setting) {
	for _, c := range Columns() {
		t.Run(c.Name, func(t *testing.T) {
			atBaseLine(t)
			newMatrix(t, where, c).play(t)
		})
	}
}

// matrix is the shared state of a column's rows.
type matrix struct {
	Column
	where   Setting
	ca      *hostile.Authority
	cert    tls.Certificate // valid for every endpoint
	dns     *hostile.DNS
	healthy *hostile.Server // the endpoint beside the one that fails
	gate    gate
}

const healthyHost = "healthy.example.com"

func newMatrix(t *testing.T, where Setting, c Column) *matrix {
	m := &matrix{Column: c, where: where, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
	m.cert = m.ca.Issue("*.example.com", "api-private.atlassian.com")
	m.healthy = hostile.New(t, hostile.Options{IP: publicIP, Certificate: m.cert})
	m.dns.Set(healthyHost, hostile.Addrs(publicIP))
	return m
}

// row is a row of the matrix.
type row struct {
	number int
	words  string
	faults []fault
}

func one(number int, words string, f fault) row { return row{number, words, []fault{f}} }

// rows are the column's rows to run, in their order.
func (m *matrix) rows(t *testing.T) []row {
	all := slices.Concat(connectionRows(), answerRows(), statusRows(m.Column), patienceRows(m.Column))
	slices.SortFunc(all, func(a, b row) int { return a.number - b.number })
	for n := 1; n <= Rows; n++ {
		if !slices.ContainsFunc(all, func(r row) bool { return r.number == n }) {
			t.Errorf("row %d is missing", n)
		}
	}
	if m.where.Stored {
		all = onlyStored(t, all)
	}
	for i := range all {
		all[i].faults = slices.DeleteFunc(all[i].faults, func(f fault) bool { return m.where.SetBounds == nil && f.bounded })
	}
	return slices.DeleteFunc(all, func(r row) bool { return len(r.faults) == 0 })
}

func (m *matrix) play(t *testing.T) {
	rows := m.rows(t)
	m.gate.expect(rows)
	var all sync.WaitGroup
	for _, r := range rows {
		all.Go(func() {
			entered := false
			t.Run(fmt.Sprintf("row %d %s", r.number, r.words), func(t *testing.T) {
				entered = true
				m.row(t, r)
			})
			if !entered { // left out by -run
				m.gate.forget(r)
			}
		})
	}
	all.Wait()
}

func (m *matrix) row(t *testing.T, r row) {
	if len(r.faults) == 1 && r.faults[0].form == "" {
		m.gate.pass(r.faults[0], func() { m.fault(t, r, 0) })
		return
	}
	var all sync.WaitGroup
	for i, f := range r.faults {
		all.Go(func() {
			m.gate.pass(f, func() { t.Run(f.form, func(t *testing.T) { m.fault(t, r, i) }) })
		})
	}
	all.Wait()
}
