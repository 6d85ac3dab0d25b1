package allowlist_test

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

// corpusRow is one line of a corpus: a verdict, an input and a reason.
type corpusRow struct {
	line   int
	accept bool
	input  string
	reason string
}

// readCorpus reads verdict, input and reason, separated by tabs. URLs are Go string
// literals, addresses and hosts stand as they are.
func readCorpus(tb testing.TB, name string) (rows []corpusRow) {
	tb.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 3 || fields[0] != "accept" && fields[0] != "reject" {
			tb.Fatalf("%s:%d: want verdict, input, reason", name, n)
		}
		input := fields[1]
		if strings.HasPrefix(input, `"`) {
			if input, err = strconv.Unquote(input); err != nil {
				tb.Fatalf("%s:%d: %v", name, n, err)
			}
		}
		rows = append(rows, corpusRow{n, fields[0] == "accept", input, fields[2]})
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	if len(rows) < 50 {
		tb.Fatalf("%s: only %d rows", name, len(rows))
	}
	return rows
}

// generic is the policy under which url_generic.tsv was written.
func generic() allowlist.Policy { return allowlist.Policy{Ports: []uint16{8443}} }

func TestCorpusAutomation(t *testing.T) {
	t.Parallel()
	for _, row := range readCorpus(t, "url_automation.tsv") {
		canonical, err := allowlist.Automation().CheckURL(row.input)
		checkVerdict(t, row, canonical, err)
		if row.accept {
			checkAccepted(t, allowlist.Automation(), row.input, canonical)
		}
	}
}

func TestCorpusGeneric(t *testing.T) {
	t.Parallel()
	for _, row := range readCorpus(t, "url_generic.tsv") {
		canonical, err := generic().CheckURL(row.input)
		checkVerdict(t, row, canonical, err)
		if row.accept {
			checkAccepted(t, generic(), row.input, canonical)
			continue
		}
		want, _, _ := strings.Cut(row.reason, ":")
		if got := ruleOf(err); got != want {
			t.Errorf("line %d (%s): refused by %s", row.line, row.reason, got)
		}
	}
}

func TestCorpusAddresses(t *testing.T) {
	t.Parallel()
	for _, row := range readCorpus(t, "address_generic.tsv") {
		switch kind, _, _ := strings.Cut(row.reason, ":"); kind {
		case "host":
			canonical, err := allowlist.Public().CheckURL("https://" + row.input + "/x")
			checkVerdict(t, row, canonical, err)
		case "ip":
			a, err := netip.ParseAddr(row.input)
			if err != nil {
				t.Fatalf("line %d: %v", row.line, err)
			}
			err = allowlist.Public().CheckAddr(a)
			checkVerdict(t, row, "", err)
			if err != nil && !errors.Is(err, allowlist.ErrBlocked) {
				t.Errorf("line %d (%s): %v does not match ErrBlocked", row.line, row.reason, err)
			}
			host := row.input
			if a.Is6() {
				host = "[" + strings.Replace(host, "%", "%25", 1) + "]"
			}
			_, err = allowlist.Public().CheckURL("https://" + host + "/x")
			if (err == nil) != row.accept {
				t.Errorf("line %d (%s): as the host of a URL: %v", row.line, row.reason, err)
			}
		default:
			t.Fatalf("line %d: unknown kind %q", row.line, kind)
		}
	}
}

func checkVerdict(t *testing.T, row corpusRow, canonical string, err error) {
	t.Helper()
	switch {
	case row.accept && err != nil:
		t.Errorf("line %d (%s): refused: %v", row.line, row.reason, err)
	case !row.accept && err == nil:
		t.Errorf("line %d (%s): accepted", row.line, row.reason)
	case err != nil && !errors.Is(err, allowlist.ErrRefused):
		t.Errorf("line %d (%s): %v does not match ErrRefused", row.line, row.reason, err)
	case err != nil && canonical != "":
		t.Errorf("line %d (%s): refused, and still returned a URL", row.line, row.reason)
	}
}

// ruleOf returns the rule of a refusal, or "".
func ruleOf(err error) string {
	var e *allowlist.Error
	if errors.As(err, &e) {
		return e.Rule
	}
	return ""
}
