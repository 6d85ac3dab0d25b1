package jirasql_test

import (
	"database/sql"
	"strings"
	"testing"

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
