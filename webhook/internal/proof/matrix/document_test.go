package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

const root = "../../../.."

// reliability is the document that names the tests of the matrix.
func reliability(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Rule: docs/reliability.md has a line for every row, with the result for every profile and the
// name of its test. This test prints missing lines.
func TestDocument(t *testing.T) {
	t.Parallel()
	lines := regexp.MustCompile(`(?m)^\| \d+ \|.*`).FindAllString(reliability(t), -1)
	if diff := cmp.Diff(table(t), lines); diff != "" {
		t.Errorf("docs/reliability.md (-want +got):\n%s", diff)
	}
}

// table are the lines of the document, made from the rows.
func table(t *testing.T) (lines []string) {
	columns := Columns()
	cells := make([][]string, len(columns))
	var all []row
	for i, c := range columns {
		all = (&matrix{Column: c, where: Setting{SetBounds: func(*webhook.Dispatcher, Bounds) {}}}).rows(t)
		if len(all) != Rows {
			t.Fatalf("%s has %d rows, want %d", c.Name, len(all), Rows)
		}
		for _, r := range all {
			cells[i] = append(cells[i], c.verdicts(r))
		}
	}
	for n, r := range all {
		line := fmt.Sprintf("| %d | %s |", r.number, r.words)
		for i := range columns {
			line += " " + cells[i][n] + " |"
		}
		name := fmt.Sprintf("row_%d_%s", r.number, strings.ReplaceAll(r.words, " ", "_"))
		also := ""
		if _, ok := stored[r.number]; ok {
			also = "yes"
		}
		lines = append(lines, fmt.Sprintf("%s `TestFaultMatrix/PROFILE/%s` | %s |", line, name, also))
	}
	return lines
}

// verdicts returns the results of a row's forms: the most frequent one, and the forms with another.
func (c Column) verdicts(r row) string {
	forms := map[verdict][]string{}
	for _, f := range r.faults {
		v := c.want(r.number, f)
		forms[v] = append(forms[v], f.form)
	}
	order := []verdict{accepted, again, refused}
	slices.SortStableFunc(order, func(a, b verdict) int { return len(forms[b]) - len(forms[a]) })
	out := string(order[0])
	for _, v := range order[1:] {
		if len(forms[v]) > 0 {
			out += fmt.Sprintf("; %s: %s", v, strings.Join(forms[v], ", "))
		}
	}
	return out
}

// Rule: docs/reliability.md has a line for every row of the faults of processes, which package
// crash tests for every profile.
func TestDocumentOfProcesses(t *testing.T) {
	t.Parallel()
	read := func(name ...string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(append([]string{root}, name...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var want, got []string
	for _, rule := range regexp.MustCompile(`\{"(P\d+)", "([^"]+)"\}`).FindAllStringSubmatch(read("webhook", "internal", "proof", "crash", "table.go"), -1) {
		what, _, _ := strings.Cut(rule[2], ":")
		want = append(want, fmt.Sprintf("| %s | %s | `TestProcessMatrix/PROFILE/%s_%s` |", rule[1], rule[2], rule[1], strings.ReplaceAll(what, " ", "_")))
	}
	lines := regexp.MustCompile("(?m)^(\\| P\\d+ \\| [^|]+ \\| `[^`]+` \\|) [^|]* \\|$").FindAllStringSubmatch(reliability(t), -1)
	for _, line := range lines {
		got = append(got, line[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/reliability.md (-want +got):\n%s", diff)
	}
	if len(want) != 17 {
		t.Errorf("%d rows of processes, want 17", len(want))
	}
	hosts := read("webhook", "internal", "proof", "hostproc", "profile.go")
	for _, c := range Columns() {
		if !strings.Contains(hosts, `= "`+c.Name+`"`) {
			t.Errorf("no host has the profile %s", c.Name)
		}
	}
}
