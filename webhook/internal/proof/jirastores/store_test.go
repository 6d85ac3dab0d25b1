package jirastores_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/jira/jirasql"
	"github.com/postrider/postrider/webhook/jira/registrationtest"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// TestStore runs the conformance suite, each case on its own tables.
func TestStore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		var n atomic.Int64
		fresh := func(t *testing.T) *jirasql.Store {
			return newStore(t, db, &jirasql.Options{Prefix: fmt.Sprintf("t%d_", n.Add(1))})
		}
		t.Run("suite", func(t *testing.T) { // ends before the pool is closed
			registrationtest.Run(t, func(t *testing.T) jira.Registrations { return fresh(t) })
			registrationtest.RunFailures(t, func(t *testing.T) jira.Failures { return fresh(t) })
			registrationtest.RunPostFunctions(t, func(t *testing.T) jira.PostFunctions { return fresh(t) })
		})
	})
}

// Rule: the limit holds for hosts that share the tables, and Migrate may run in all of them at
// once.
func TestSeveralHosts(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		o := jira.Owner{Tenant: "acme", App: "one"}
		now := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			s, err := jirasql.New(d.open(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
					return
				}
				for range 5 {
					rs := []jira.Registration{{URL: "https://one.example.com/", ExpiresAt: now.Add(time.Hour)}}
					if _, err := s.Register(t.Context(), o, rs, now, 7); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if rs, err := newStore(t, d.open(t), nil).Registrations(t.Context(), o); err != nil || len(rs) != 7 {
			t.Errorf("%d registrations, %v; want 7", len(rs), err)
		}
	})
}

// Rule: a sealed URL is not readable in the database, and can be opened only for its owner.
func TestSealed(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ring, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k1", Bytes: bytes.Repeat([]byte{7}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		db := d.open(t)
		s := newStore(t, db, &jirasql.Options{Seal: ring.Seal, Open: ring.Open})
		o := jira.Owner{Tenant: "acme", App: "one"}
		now := time.Now()
		const url = "https://one.example.com/path-canary"
		if _, err := s.Register(t.Context(), o, []jira.Registration{{URL: url, ExpiresAt: now.Add(time.Hour)}}, now, 7); err != nil {
			t.Fatal(err)
		}
		if err := s.AddFailure(t.Context(), o, jira.Failure{ID: "dlv_1", URL: url, At: now}); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"registration", "failure"} {
			var stored []byte
			if err := db.QueryRowContext(t.Context(), "SELECT url FROM postrider_jira_"+table).Scan(&stored); err != nil || bytes.Contains(stored, []byte("canary")) {
				t.Errorf("%s holds %q, %v", table, stored, err)
			}
		}
		rs, err := s.Registrations(t.Context(), o)
		if err != nil || len(rs) != 1 || rs[0].URL != url {
			t.Errorf("Registrations = %v, %v", rs, err)
		}
		fs, err := s.Failures(t.Context(), o, time.Time{}, 9)
		if err != nil || len(fs) != 1 || fs[0].URL != url {
			t.Errorf("Failures = %v, %v", fs, err)
		}
		if _, err := newStore(t, db, nil).Registrations(t.Context(), o); err == nil || !errors.Is(err, webhook.ErrSealed) || !strings.Contains(err.Error(), "Options.Open is not set") {
			t.Errorf("without the key: %v", err)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE postrider_jira_registration SET app = 'two'"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Registrations(t.Context(), jira.Owner{Tenant: "acme", App: "two"}); err == nil {
			t.Error("a URL that was moved to another owner opens")
		}
	})
}

// Rule: two owners whose names have the same concatenation are distinct, and RequireSealed accepts
// neither a URL in clear nor one that was sealed without that distinction.
func TestRequireSealed(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		ring, err := sqlstore.NewKeyring(sqlstore.Key{ID: "k1", Bytes: bytes.Repeat([]byte{7}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		db := d.open(t)
		lenient := newStore(t, db, &jirasql.Options{Seal: ring.Seal, Open: ring.Open})
		strict := newStore(t, db, &jirasql.Options{Seal: ring.Seal, Open: ring.Open, RequireSealed: true})
		o, now := jira.Owner{Tenant: "a", App: "b c"}, time.Now()
		if _, err := lenient.Register(t.Context(), o, []jira.Registration{{URL: "https://one.example.com/", ExpiresAt: now.Add(time.Hour)}}, now, 7); err != nil {
			t.Fatal(err)
		}
		check := func(what string, o jira.Owner, wantLenient, wantStrict bool) {
			t.Helper()
			for s, want := range map[*jirasql.Store]bool{lenient: wantLenient, strict: wantStrict} {
				rs, err := s.Registrations(t.Context(), o)
				if ok := err == nil && len(rs) == 1; ok != want || !ok && !errors.Is(err, webhook.ErrSealed) {
					t.Errorf("%s, RequireSealed = %t: %v, %v; want it read = %t", what, s == strict, rs, err, want)
				}
			}
		}
		set := func(query string, args ...any) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), "UPDATE postrider_jira_registration SET "+query, args...); err != nil {
				t.Fatal(err)
			}
		}
		check("as registered", o, true, true)
		set("tenant = 'a b', app = 'c'")
		check("moved to an owner whose name reads alike", jira.Owner{Tenant: "a b", App: "c"}, false, false)
		older, err := ring.Seal("jira a b c", []byte("https://one.example.com/"))
		if err != nil {
			t.Fatal(err)
		}
		set("url = $1", older)
		check("sealed by an older release", jira.Owner{Tenant: "a b", App: "c"}, true, false)
		set("url = $1, sealed = 0", []byte("https://evil.example.net/"))
		check("in clear", jira.Owner{Tenant: "a b", App: "c"}, true, false)
		if _, err := jirasql.New(db, &jirasql.Options{RequireSealed: true}); err == nil || !strings.Contains(err.Error(), "RequireSealed") {
			t.Errorf("RequireSealed without Seal: %v, want an error that names it", err)
		}
	})
}

// Rule: a damaged row is an error. One without a filter must not count as one with an empty filter,
// which matches every issue.
func TestDamagedRegistration(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		s := newStore(t, db, nil)
		o, now := jira.Owner{Tenant: "acme", App: "one"}, time.Now()
		for _, filter := range []string{"", "project = A"} {
			if _, err := s.Register(t.Context(), o, []jira.Registration{{URL: "https://one.example.com/", Filter: filter, Events: []string{"jira:issue_updated"}, ExpiresAt: now.Add(time.Hour)}}, now, 9); err != nil {
				t.Fatal(err)
			}
		}
		rs, err := s.Registrations(t.Context(), o)
		if err != nil || len(rs) != 2 || rs[0].Filter != "" || rs[1].Filter != "project = A" {
			t.Fatalf("Registrations = %v, %v", rs, err)
		}
		for _, data := range []string{`{}`, `{"Events":["jira:issue_updated"]}`, `{"Filter":null,"Events":["jira:issue_updated"]}`, `{"Filter":7}`, `{"Filter":"project = A`, `null`, `[]`, ``} {
			if _, err := db.ExecContext(t.Context(), "UPDATE postrider_jira_registration SET data = '"+data+"' WHERE id = 1001"); err != nil {
				t.Fatal(err)
			}
			if rs, err := s.Registrations(t.Context(), o); err == nil || !strings.Contains(err.Error(), "1001") {
				t.Errorf("data %q: %v, %v; want an error that names the registration", data, rs, err)
			}
		}
	})
}

// Rule: tables of a newer version are left alone.
func TestNewerSchema(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		s := newStore(t, db, nil)
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("a second Migrate: %v", err)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO postrider_jira_schema (version) VALUES (99)"); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); !errors.Is(err, jirasql.ErrSchema) {
			t.Errorf("Migrate = %v, want ErrSchema", err)
		}
	})
}

// Rule: an error of the host's own Seal and Open is wrapped, but its text is not shown, because it
// may quote the URL.
func TestSealersThatQuote(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		away := errors.New("key service is away")
		quote := func(name string, in []byte) ([]byte, error) { return nil, fmt.Errorf("%s: %q: %w", name, in, away) }
		pass := func(_ string, in []byte) ([]byte, error) { return in, nil }
		db, o, now := d.open(t), jira.Owner{Tenant: "acme", App: "one"}, time.Now()
		rs := []jira.Registration{{URL: "https://one.example.com/pathCanary", ExpiresAt: now.Add(time.Hour)}}
		_, err := newStore(t, db, &jirasql.Options{Seal: quote, Open: quote}).Register(t.Context(), o, rs, now, 7)
		if !errors.Is(err, away) || strings.Contains(err.Error(), "Canary") {
			t.Errorf("Register: %v, want an error of Options.Seal", err)
		}
		if _, err := newStore(t, db, &jirasql.Options{Seal: pass, Open: pass}).Register(t.Context(), o, rs, now, 7); err != nil {
			t.Fatal(err)
		}
		_, err = newStore(t, db, &jirasql.Options{Seal: quote, Open: quote}).Registrations(t.Context(), o)
		if !errors.Is(err, away) || strings.Contains(err.Error(), "Canary") {
			t.Errorf("Registrations: %v, want an error of Options.Open", err)
		}
	})
}
