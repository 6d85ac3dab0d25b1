package stores_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// enqueueOne is a call that needs the tables.
func enqueueOne(s *sqlstore.Store) error {
	_, err := s.Enqueue(context.Background(), []webhook.Delivery{{ID: "dlv_1", EventID: "evt_1", WebhookID: "wh", Scope: "acme"}})
	return err
}

func TestWrongDialect(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		other := sqlstore.SQLite + sqlstore.PostgreSQL - d.dialect
		s, err := sqlstore.New(d.open(t), other, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Enqueue": enqueueOne(s)} {
			var wrong *sqlstore.DialectError
			if !errors.Is(err, sqlstore.ErrDialect) || !errors.As(err, &wrong) || wrong.Have != d.dialect || wrong.Want != other {
				t.Errorf("%s of a %v Store on %v: %v", name, other, d.dialect, err)
			}
		}
	})
}

func TestNotMigrated(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.store(t, nil)
		if err := enqueueOne(s); !errors.Is(err, sqlstore.ErrMigrate) {
			t.Errorf("Enqueue without tables: %v, want ErrMigrate", err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := enqueueOne(s); err != nil {
			t.Errorf("Enqueue after Migrate: %v", err)
		}
	})
}

// TestNotMigratedInTransaction: the host's transaction survives the error.
func TestNotMigratedInTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.store(t, nil)
		tx, err := d.open(t).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback() // no effect after Commit
		if _, err := s.Tx(tx).Webhooks(t.Context(), "acme"); !errors.Is(err, sqlstore.ErrMigrate) {
			t.Errorf("Webhooks without tables: %v, want ErrMigrate", err)
		}
		if _, err := tx.Exec("SELECT 1"); err != nil {
			t.Errorf("the transaction was lost: %v", err)
		}
	})
}

// TestVersions: the next version of the tables is accepted, the one after it is refused.
func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		d.migrated(t, nil)
		db := d.open(t)
		set := func(schema, compat string) {
			t.Helper()
			for key, value := range map[string]string{"schema": schema, "compat": compat} {
				if _, err := db.Exec(`UPDATE postrider_meta SET value = $1 WHERE key = $2`, value, key); err != nil {
					t.Fatal(err)
				}
			}
		}
		set("2", "1")
		if _, err := db.Exec(`ALTER TABLE postrider_delivery ADD COLUMN later text NOT NULL DEFAULT ''`); err != nil {
			t.Fatal(err)
		}
		s := d.store(t, nil)
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate on tables of the next version: %v", err)
		}
		if err := enqueueOne(s); err != nil {
			t.Errorf("Enqueue into tables of the next version: %v", err)
		}
		set("3", "2")
		s = d.store(t, nil)
		var tooNew *sqlstore.SchemaError
		for name, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Enqueue": enqueueOne(s)} {
			if !errors.Is(err, sqlstore.ErrSchema) || !errors.As(err, &tooNew) || tooNew.Have != 3 || tooNew.Compat != 2 {
				t.Errorf("%s on tables of the version after next: %v, want a SchemaError", name, err)
			}
		}
	})
}

func TestConcurrentMigrate(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		errs := make(chan error, 8)
		for range cap(errs) {
			s := d.store(t, nil)
			go func() { errs <- s.Migrate(context.Background()) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestClosedPool(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		s, err := sqlstore.New(db, d.dialect, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := enqueueOne(s); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("Enqueue on a closed pool: %v, want ErrClosed", err)
		}
		if _, err := s.Claim(t.Context(), webhook.Claim{Now: now(), Until: now().Add(time.Minute), Lanes: []webhook.LaneClaim{{Lane: laneOf("wh"), Most: 1}}}); !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("Claim on a closed pool: %v, want ErrClosed", err)
		}
	})
}

func TestOtherProfile(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a, b := d.migrated(t, nil), d.store(t, nil)
		if err := a.Bind("automation"); err != nil {
			t.Fatal(err)
		}
		if err := enqueueOne(a); err != nil {
			t.Fatal(err)
		}
		if err := b.Bind("jira"); err != nil {
			t.Errorf("Bind of a Store that was not used yet: %v, want nil as it does no I/O", err)
		}
		if err := enqueueOne(b); !errors.Is(err, webhook.ErrProfile) {
			t.Errorf("Enqueue for another profile: %v, want ErrProfile", err)
		}
		if err := a.Bind("jira"); !errors.Is(err, webhook.ErrProfile) {
			t.Errorf("second Bind: %v, want ErrProfile", err)
		}
	})
}

// TestUndecodableRow: an unreadable row is leased and reported, as permanent because no key will
// help; the others are claimed.
func TestUndecodableRow(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		f.take(f.hooks("m", 1, true), 5, now().Add(-time.Hour))
		if _, err := d.open(t).Exec(`UPDATE postrider_delivery SET extra = '{"vars":' WHERE event LIKE '%3'`); err != nil {
			t.Fatal(err)
		}
		b := f.claimBatch(t)
		if len(b.Deliveries) != 4 || len(b.Unreadable) != 1 {
			t.Fatalf("claimed %d and %d that cannot be read, want 4 and 1", len(b.Deliveries), len(b.Unreadable))
		}
		if u := b.Unreadable[0]; errors.Is(u.Err, webhook.ErrSealed) || u.Lane != f.lanes[0] || u.Lease < 1 || u.Due.IsZero() || !strings.HasPrefix(u.ID, "dlv_") {
			t.Errorf("unreadable: %+v", u)
		}
	})
}

// TestUndecodableWebhook: deliveries of a webhook whose row cannot be read are leased and reported.
// Webhooks lists the others, and this one with the error.
func TestUndecodableWebhook(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		hooks := f.hooks("m", 2, true)
		f.take(hooks, 4, now().Add(-time.Hour))
		for _, one := range []struct {
			column string
			broken any
		}{{"secret", []byte("{")}, {"data", "{"}} {
			column := one.column
			if _, err := d.open(t).Exec(`UPDATE postrider_webhook SET `+column+` = $1 WHERE id = $2`, one.broken, hooks[0]); err != nil {
				t.Fatal(err)
			}
			b := f.claimBatch(t)
			if len(b.Deliveries) != 2 || b.Deliveries[0].WebhookID != hooks[1] || len(b.Webhooks) != 1 || len(b.Unreadable) != 2 {
				t.Fatalf("claimed %d, webhooks %d, unreadable %d; want 2, 1, 2", len(b.Deliveries), len(b.Webhooks), len(b.Unreadable))
			}
			var ss []webhook.Settlement
			for _, u := range b.Unreadable {
				if errors.Is(u.Err, webhook.ErrSealed) {
					t.Errorf("with broken %s: %v, and no key will help", column, u.Err)
				}
				ss = append(ss, webhook.Settlement{ID: u.ID, Scope: "acme", Lease: u.Lease, Due: u.Due})
			}
			for _, d := range b.Deliveries {
				ss = append(ss, webhook.Settlement{ID: d.ID, Scope: "acme", Lease: d.Lease, Due: d.Due})
			}
			if lost, err := f.store.Settle(t.Context(), ss); err != nil || len(lost) > 0 {
				t.Fatal(lost, err)
			}
			ws, err := f.store.Webhooks(t.Context(), "acme")
			if err != nil || len(ws) != 2 || (ws[0].Unreadable == nil) == (ws[1].Unreadable == nil) {
				t.Errorf("Webhooks: %v, %v; want one of two unreadable", ws, err)
			}
		}
	})
}

// TestText: a text that a database would refuse or change is refused before.
func TestText(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.migrated(t, nil)
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			ds := []webhook.Delivery{{ID: "dlv_" + bad, EventID: "e", WebhookID: "w", Scope: "s"}}
			if _, err := s.Enqueue(t.Context(), ds); !errors.Is(err, sqlstore.ErrText) {
				t.Errorf("ID %q: %v, want ErrText", bad, err)
			}
		}
		ds := []webhook.Delivery{{ID: "dlv", EventID: "e", WebhookID: "w", Scope: "s", Vars: map[string]string{"key": "a\xffb"}}}
		if _, err := s.Enqueue(t.Context(), ds); !errors.Is(err, sqlstore.ErrText) || !errors.Is(err, webhook.ErrInvalid) {
			t.Errorf("a variable that is not UTF-8: %v, want ErrText", err)
		}
		odd := `"quo'ted" \back\ {brace},comma ` + "\t\n" + ` Ж漢😀 NULL`
		ds = []webhook.Delivery{{ID: odd, EventID: odd, WebhookID: "w/%2F" + odd, Scope: odd, Class: odd, Type: odd, Body: []byte(odd),
			Vars: map[string]string{odd: odd + "\x00"}, CreatedAt: now()}}
		if added, err := s.Enqueue(t.Context(), ds); err != nil || !added[0] {
			t.Fatal(added, err)
		}
		got, _, err := s.Delivery(t.Context(), odd, odd)
		if err != nil || got.EventID != odd || got.WebhookID != "w/%2F"+odd || got.Class != odd || got.Type != odd || got.Vars[odd] != odd+"\x00" || string(got.Body) != odd {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// claimBatch claims the due deliveries in the lanes of the field.
func (f *field) claimBatch(t *testing.T) webhook.Batch {
	t.Helper()
	at := now()
	f.lease++
	c := webhook.Claim{Now: at, Until: at.Add(time.Minute), Lease: at.UnixMicro()<<11 + f.lease}
	for _, l := range f.lanes {
		c.Lanes = append(c.Lanes, webhook.LaneClaim{Lane: l, Most: 1000})
	}
	b, err := f.store.Claim(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *field) claimAll(t *testing.T) []webhook.Delivery {
	t.Helper()
	return f.claimBatch(t).Deliveries
}

// TestMovedWebhook: a row that was moved to another scope in SQL is not used there, because its
// secrets belong to another tenant.
func TestMovedWebhook(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		f := newField(t, d, "postrider_", 10)
		hook := f.hooks("m", 1, true)[0]
		dl := f.delivery(hook, now())
		dl.Scope = "other"
		dl.ID = webhook.DeliveryID(dl.Scope, dl.EventID, hook)
		if _, err := f.store.Enqueue(t.Context(), []webhook.Delivery{dl}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.open(t).Exec(`UPDATE postrider_webhook SET scope = 'other'`); err != nil {
			t.Fatal(err)
		}
		f.lanes = []webhook.Lane{dl.Lane()}
		if b := f.claimBatch(t); len(b.Deliveries) != 0 || len(b.Webhooks) != 0 || len(b.Unreadable) != 1 {
			t.Errorf("claimed %d, webhooks %d, unreadable %d; want 0, 0, 1", len(b.Deliveries), len(b.Webhooks), len(b.Unreadable))
		}
		if ws, err := f.store.Webhooks(t.Context(), "other"); err != nil || len(ws) != 1 || ws[0].Unreadable == nil || len(ws[0].Secrets) != 0 || ws[0].URL != "" {
			t.Errorf("Webhooks: %v, %v; want one that cannot be read", ws, err)
		}
		if w, err := f.store.Webhook(t.Context(), "other", hook); err == nil || w.URL != "" {
			t.Errorf("Webhook: %v, %v; want an error", w, err)
		}
	})
}
