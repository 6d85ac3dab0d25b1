package project

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Rule: every function in docs/delivery.md stands in one of the files of its line, and each of
// those files has one of them.
func TestWayOfADelivery(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "delivery.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| [^|]+ \\| ((?:`\\w+`(?:, )?)+) \\| ([a-z/.]+(?:, [a-z/.]+)*) \\| [^|]+ \\|$")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if lines := strings.Count(string(text), "\n| ") - 4; len(rows) != lines {
		t.Errorf("%d of %d lines have the form | step | `function` | file | goroutine |", len(rows), lines)
	}
	for _, r := range rows {
		functions, files := strings.Split(r[1], ", "), strings.Split(r[2], ", ")
		used := make(map[string]bool)
		for _, f := range functions {
			name := strings.Trim(f, "`")
			has := regexp.MustCompile(`(?m)^func (\([^)]+\) )?` + name + `\(`)
			found := false
			for _, file := range files {
				source, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(file)))
				if err != nil {
					t.Fatal(err)
				}
				if has.Match(source) {
					found, used[file] = true, true
				}
			}
			if !found {
				t.Errorf("%s has no function %s", r[2], name)
			}
		}
		for _, file := range files {
			if !used[file] {
				t.Errorf("%s has none of the functions %s", file, r[1])
			}
		}
	}
}
