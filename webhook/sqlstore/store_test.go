package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sqlstore"
)

// down is an unreachable database.
type down struct{}

var errDown = errors.New("dial tcp db.example.com:5432: connection refused for user ops")

func (down) Connect(context.Context) (driver.Conn, error) { return nil, errDown }
func (down) Driver() driver.Driver                        { return nil }

func openDown(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(down{})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestNew(t *testing.T) {
	t.Parallel()
	seal := func(string, []byte) ([]byte, error) { return nil, nil }
	db := openDown(t)
	for name, tc := range map[string]struct {
		db      *sql.DB
		dialect sqlstore.Dialect
		o       *sqlstore.Options
		want    string // part of the error, "" for none
	}{
		"defaults":          {db, sqlstore.SQLite, nil, ""},
		"prefix":            {db, sqlstore.PostgreSQL, &sqlstore.Options{Prefix: "jira_2"}, ""},
		"no pool":           {nil, sqlstore.SQLite, nil, "db is nil"},
		"no dialect":        {db, 0, nil, "Dialect(0)"},
		"prefix upper case": {db, sqlstore.SQLite, &sqlstore.Options{Prefix: "Jira_"}, "Options.Prefix"},
		"prefix with quote": {db, sqlstore.SQLite, &sqlstore.Options{Prefix: `a"b`}, "Options.Prefix"},
		"prefix too long":   {db, sqlstore.SQLite, &sqlstore.Options{Prefix: strings.Repeat("a", 31)}, "Options.Prefix"},
		"Seal alone":        {db, sqlstore.SQLite, &sqlstore.Options{Seal: seal}, "Options.Open"},
		"Open alone":        {db, sqlstore.SQLite, &sqlstore.Options{Open: seal}, "Options.Seal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sqlstore.New(tc.db, tc.dialect, tc.o)
			if (err == nil) != (tc.want == "") || (s == nil) != (err != nil) {
				t.Fatalf("New: %v, %v", s, err)
			}
			if err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not name %q", err, tc.want)
			}
		})
	}
}

// offline are the methods that use no database, or that of the host.
var offline = []string{"Bind", "CachedWebhooks", "Format", "Migrations", "Notifies", "Notify", "Seals", "Tx", "TxConn", "Wait"}

// TestUnreachable: every call returns an error that wraps the cause.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	same := func(_ string, b []byte) ([]byte, error) { return b, nil }
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		s, err := sqlstore.New(openDown(t), dialect, &sqlstore.Options{Counters: true, Seal: same, Open: same})
		if err != nil {
			t.Fatal(err)
		}
		ctx, at := t.Context(), time.Now()
		call := map[string]error{"Migrate": s.Migrate(ctx), "Requeue": s.Requeue(ctx, "a", "b", at), "DeleteScope": s.DeleteScope(ctx, "a"),
			"Create": s.Create(ctx, webhook.Webhook{ID: "w"}, 1), "Update": s.Update(ctx, webhook.Webhook{ID: "w"}),
			"Delete": s.Delete(ctx, "a", "b"), "Unmark": s.Unmark(ctx, "a", "b"),
			"SetHealth": s.SetHealth(ctx, "a", "b", webhook.Health{}, webhook.Health{})}
		_, call["Enqueue"] = s.Enqueue(ctx, []webhook.Delivery{{ID: "d"}})
		_, call["Claim"] = s.Claim(ctx, webhook.Claim{Now: at, Until: at.Add(1), Lanes: []webhook.LaneClaim{{Most: 1}}})
		_, call["Due"] = s.Due(ctx, webhook.DueQuery{Now: at, Limit: 1})
		_, _, call["Sweep"] = s.Sweep(ctx, webhook.Sweep{Now: at}, 1)
		_, _, call["Cancel"] = s.Cancel(ctx, "a", "b", at)
		_, call["Settle"] = s.Settle(ctx, nil)
		_, call["Webhooks"] = s.Webhooks(ctx, "a")
		_, call["Webhook"] = s.Webhook(ctx, "a", "b")
		_, _, call["Delivery"] = s.Delivery(ctx, "a", "b")
		_, _, call["Deliveries"] = s.Deliveries(ctx, webhook.Query{Scope: "a"})
		_, call["Prune"] = s.Prune(ctx, at, 1)
		_, call["Mark"] = s.Mark(ctx, "a", "b", at, at)
		_, call["Marked"] = s.Marked(ctx, "a", "b", at)
		_, call["Health"] = s.Health(ctx, "", "")
		_, call["Ahead"] = s.Ahead(ctx, "a", "b")
		_, call["Newest"] = s.Newest(ctx, "a", "b")
		_, call["HeldBack"] = s.HeldBack(ctx, "a", "b", 1)
		_, call["Latest"] = s.Latest(ctx, "a", []string{"b"})
		_, call["LatestAttempts"] = s.LatestAttempts(ctx, "a", []string{"b"})
		_, call["Counts"] = s.Counts(ctx, "a", []string{"b"}, at)
		_, call["Totals"] = s.Totals(ctx, at)
		_, _, call["Backlog"] = s.Backlog(ctx, webhook.BacklogQuery{Limit: 1})
		_, call["Find"] = s.Find(ctx, "a", 1)
		_, call["Reseal"] = s.Reseal(ctx)
		if dialect == sqlstore.PostgreSQL { // SQLite has no clock of its own
			_, call["Now"] = s.Now(ctx)
		}
		for i := range reflect.TypeFor[*sqlstore.Store]().NumMethod() {
			name := reflect.TypeFor[*sqlstore.Store]().Method(i).Name
			if _, ok := call[name]; !ok && !slices.Contains(offline, name) && name != "Now" {
				t.Errorf("%s is not called", name)
			}
		}
		for name, err := range call {
			if !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), "sqlstore: ") || strings.Contains(err.Error(), errDown.Error()) {
				t.Errorf("%v: %s: %v", dialect, name, err)
			}
			if errors.Is(err, webhook.ErrUnknown) {
				t.Errorf("%v: %s: ErrUnknown where no statement was sent", dialect, name)
			}
		}
	}
}

func TestNoNotifier(t *testing.T) {
	t.Parallel()
	s, err := sqlstore.New(openDown(t), sqlstore.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Notifies() || !errors.Is(s.Wait(t.Context()), webhook.ErrUnsupported) || !errors.Is(s.Notify(t.Context()), webhook.ErrUnsupported) {
		t.Error("a Store without Options.Notifier must say that it does not notify")
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		s, err := sqlstore.New(openDown(t), dialect, &sqlstore.Options{Prefix: "mine_"})
		if err != nil {
			t.Fatal(err)
		}
		files := s.Migrations()
		if err := fstest.TestFS(files, "0001_tables.sql"); err != nil {
			t.Error(err)
		}
		script, err := fs.ReadFile(files, "0001_tables.sql")
		if err != nil {
			t.Fatal(err)
		}
		list := sqlstore.Statements(string(script))
		if len(list) < 10 || !strings.Contains(string(script), "mine_delivery") || strings.Contains(string(script), "{p}") {
			t.Errorf("%v: %d statements, prefix not filled in:\n%s", dialect, len(list), script)
		}
		for _, one := range list {
			block := strings.Contains(one, "TRIGGER") || strings.Contains(one, "FUNCTION")
			if strings.Contains(one, ";") && !block || !strings.HasPrefix(one, "CREATE ") && !strings.HasPrefix(one, "INSERT ") {
				t.Errorf("%v: not a single statement: %s", dialect, one)
			}
		}
		if last := list[len(list)-1]; !strings.Contains(last, "'schema', '1'") {
			t.Errorf("%v: the last statement does not record the version: %s", dialect, last)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, tc := range []struct {
		err, is error
		says    string
	}{
		{&sqlstore.DialectError{Want: sqlstore.SQLite, Have: sqlstore.PostgreSQL}, sqlstore.ErrDialect, "sqlstore.PostgreSQL"},
		{&sqlstore.SchemaError{Have: 3, Want: 1, Compat: 2}, sqlstore.ErrSchema, "update this host"},
		{&sqlstore.SettingError{Setting: "journal_mode", Have: "delete", Need: "WAL", Do: "set it in the DSN"}, sqlstore.ErrSetting, "set it in the DSN"},
		{&sqlstore.SealError{WebhookID: "wh_1", Err: cause}, sqlstore.ErrSealed, "wh_1"},
		{&sqlstore.SealError{WebhookID: "wh_1", Err: cause}, cause, "check the keys"},
		{sqlstore.ErrCursor, webhook.ErrInvalid, "start without one"},
		{sqlstore.ErrText, webhook.ErrInvalid, "must be valid UTF-8"},
	} {
		if !errors.Is(tc.err, tc.is) || !strings.HasPrefix(tc.err.Error(), "sqlstore: ") || !strings.Contains(tc.err.Error(), tc.says) {
			t.Errorf("%v: want it to be %v and to say %q", tc.err, tc.is, tc.says)
		}
	}
}

// TestTxNil: a transaction that could not be begun is an error of DispatchTx that says so.
func TestTxNil(t *testing.T) {
	t.Parallel()
	s, err := sqlstore.New(openDown(t), sqlstore.SQLite, nil)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := webhook.New(s, webhook.Standard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	event := payload.Event{ID: "evt", Scope: "acme", Type: "invoice.paid", Time: time.Now(), Body: []byte("{}")}
	var tx *sql.Tx
	for name, to := range map[string]webhook.Enqueuer{"Tx(nil)": s.Tx(nil), "Tx of a nil *sql.Tx": s.Tx(tx), "TxConn(nil)": s.TxConn(nil)} {
		if _, err := hooks.DispatchTx(t.Context(), to, event); err == nil || !strings.Contains(err.Error(), "transaction is nil") {
			t.Errorf("%s: %v, want an error that says that the transaction is nil", name, err)
		}
	}
}
