package jirasql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jirasql"
)

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	same := func(_ string, b []byte) ([]byte, error) { return b, nil }
	for _, tc := range []struct {
		rule string
		db   *sql.DB
		o    *jirasql.Options
		want string // "" is accepted
	}{
		{"no pool", nil, nil, "sql.Open"},
		{"no options", new(sql.DB), nil, ""},
		{"a prefix", new(sql.DB), &jirasql.Options{Prefix: "a_1"}, ""},
		{"a prefix that ends the name", new(sql.DB), &jirasql.Options{Prefix: "a; DROP"}, "Options.Prefix"},
		{"a prefix that is long", new(sql.DB), &jirasql.Options{Prefix: strings.Repeat("a", 31)}, "Options.Prefix"},
		{"both funcs", new(sql.DB), &jirasql.Options{Seal: same, Open: same}, ""},
		{"Seal alone", new(sql.DB), &jirasql.Options{Seal: same}, "Options.Open"},
		{"Open alone", new(sql.DB), &jirasql.Options{Open: same}, "Options.Seal"},
	} {
		_, err := jirasql.New(tc.db, tc.o)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.rule, err, tc.want)
		}
	}
}

// down is a database that cannot be reached.
type down struct{}

var errDown = errors.New("dial tcp 10.1.2.3:5432: refused for user ops")

func (down) Connect(context.Context) (driver.Conn, error) { return nil, errDown }
func (down) Driver() driver.Driver                        { return nil }

// TestUnreachable: no error has the driver's text about users and addresses.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(down{})
	t.Cleanup(func() { _ = db.Close() })
	s, err := jirasql.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := jira.Owner{Tenant: "acme", App: "app"}
	call := map[string]error{"Migrate": s.Migrate(t.Context()), "Delete": s.Delete(t.Context(), o, []int64{1000}),
		"AddFailure": s.AddFailure(t.Context(), o, jira.Failure{ID: "f"}), "Attach": s.Attach(t.Context(), "acme", jira.Transition{}, "wh")}
	_, call["Registrations"] = s.Registrations(t.Context(), o)
	_, call["Register"] = s.Register(t.Context(), o, make([]jira.Registration, 1), time.Now(), 1)
	for name, err := range call {
		if !errors.Is(err, errDown) || strings.Contains(err.Error(), "10.1.2.3") || !strings.HasPrefix(err.Error(), "jirasql: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
