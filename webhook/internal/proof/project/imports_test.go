// Package project tests the repository itself: its imports, and whether the documents agree with
// the code.
package project

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/postrider/postrider"

// leaves never import each other.
var leaves = []string{"payload", "allowlist", "retry", "limiter", "webhook/sign"}

// kits are for tests of hosts and of adapters; no other code of the module may reach them.
var kits = []string{"webhook/storetest", "webhook/webhooktest", "webhook/jira/registrationtest"}

// core are the internal packages of webhook. They import leaves and not webhook. Only webhook imports
// them, but every package beside it hides URLs by the rule of redact.
var core = []string{"webhook/internal/clientcert", "webhook/internal/oauth", "webhook/internal/redact", "webhook/internal/scheduler",
	"webhook/internal/testhook", "webhook/internal/text", "webhook/internal/transport"}

// mayImport is the direction of imports: leaves, then webhook, then all other packages, none of
// which imports another. Common code of a family's packages stands below them, in payload/internal
// or webhook/internal, and imports at most webhook.
func mayImport(from, to string) bool {
	parts := strings.Split(from, "/")
	own := strings.Join(parts[:min(2, len(parts))], "/") // webhook/jira of webhook/jira/jql
	switch {
	case to == "internal/ascii": // imports nothing, so that every package may import it
		return true
	case from == "internal/ascii":
		return false
	case slices.Contains(core, to):
		return from == "webhook" || to == "webhook/internal/redact" && path.Dir(from) == "webhook" && !slices.Contains(leaves, from)
	case slices.Contains(core, from):
		return slices.Contains(leaves, to) || to == "webhook/internal/httpfield"
	case strings.Contains(from, "/internal/"):
		return to == "webhook" && strings.HasPrefix(from, "webhook/")
	case to == "webhook/internal/httpfield": // imports nothing else, so that a leaf may import it
		return from == "webhook" || strings.HasPrefix(from, "webhook/")
	case slices.Contains(leaves, from):
		return strings.HasPrefix(to, from+"/internal/")
	case path.Dir(from) == "payload":
		return to == "payload" || strings.HasPrefix(to, "payload/internal/")
	case slices.Contains(leaves, to):
		return true
	case from == "webhook":
		return false
	}
	return to == "webhook" || path.Dir(to) == "payload" || strings.HasPrefix(to, "webhook/internal/") ||
		strings.HasPrefix(to, own+"/") || to == own
}

// Rule: mayImport allows the documented imports and no others.
func TestMayImport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"webhook", "payload", true},
		{"webhook/jira", "payload/jiraevent", true},
		{"webhook/jira/jirasql", "webhook/jira", true},
		{"payload/jiraevent", "payload", true},
		{"payload", "payload/internal/jsonbody", true},
		{"payload/confluenceevent", "payload/internal/jsonbody", true},
		{"webhook/settings", "webhook/internal/webpage", true},
		{"webhook/jira/jirasql", "webhook/internal/sealing", true},
		{"webhook/internal/sealing", "webhook", true},
		{"webhook", "webhook/internal/httpfield", true},
		{"webhook/sign", "webhook/internal/httpfield", true},
		{"allowlist", "allowlist/internal/alabel", true},
		{"payload", "internal/ascii", true},
		{"webhook/internal/httpfield", "internal/ascii", true},
		{"webhook", "webhook/internal/transport", true},
		{"webhook/internal/transport", "allowlist", true},
		{"webhook", "webhook/internal/oauth", true},
		{"webhook/internal/oauth", "webhook/internal/httpfield", true},
		{"webhook/internal/oauth", "webhook/internal/transport", false},
		{"webhook/settings", "webhook/internal/oauth", false},
		{"webhook", "webhook/internal/clientcert", true},
		{"webhook", "webhook/internal/redact", true},
		{"webhook/settings", "webhook/internal/redact", true},
		{"webhook/sign", "webhook/internal/redact", false},
		{"webhook/internal/redact", "webhook/sign", true},
		{"webhook", "webhook/internal/scheduler", true},
		{"webhook/internal/scheduler", "limiter", true},
		{"webhook", "webhook/internal/testhook", true},

		{"payload", "webhook/internal/httpfield", false},
		{"webhook/internal/httpfield", "webhook/sign", false},
		{"webhook", "allowlist/internal/alabel", false},
		{"payload", "allowlist", false},
		{"internal/ascii", "payload", false},
		{"payload", "payload/jiraevent", false},
		{"retry", "limiter", false},
		{"webhook/sign", "payload", false},
		{"webhook/sign", "webhook/internal/webpage", false},
		{"payload/jiraevent", "payload/confluenceevent", false},
		{"payload/jiraevent", "allowlist", false},
		{"payload/internal/jsonbody", "payload", false},
		{"webhook/internal/webpage", "webhook/sign", false},
		{"webhook/internal/sealing", "webhook/sqlstore", false},
		{"webhook/internal/transport", "webhook", false},
		{"webhook/internal/transport", "webhook/internal/clientcert", false},
		{"webhook/internal/redact", "webhook", false},
		{"webhook/settings", "webhook/internal/transport", false},
		{"webhook", "webhook/memstore", false},
		{"webhook", "webhook/internal/webpage", false},
		{"webhook/internal/scheduler", "webhook", false},
		{"webhook/settings", "webhook/internal/scheduler", false},
		{"webhook/settings", "webhook/internal/testhook", false},
		{"webhook/settings", "webhook/inspector", false},
		{"webhook/jira", "webhook/sqlstore", false},
		{"webhook/settings", "internal/leak", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// Rule: imports run only in the direction that the layout draws.
func TestImports(t *testing.T) {
	t.Parallel()
	out, err := inRoot(t, "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], modulePath+"/")
		if strings.HasPrefix(from, "internal/") {
			continue // helpers of tests
		}
		for _, imported := range fields[1:] {
			if !strings.HasPrefix(imported, modulePath+"/") {
				continue
			}
			seen++
			to := strings.TrimPrefix(imported, modulePath+"/")
			if !mayImport(from, to) {
				t.Errorf("%s imports %s", from, to)
			}
			if slices.Contains(kits, to) {
				t.Errorf("%s imports the test kit %s in code that is not a test", from, to)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d imports within the module were found: does go list still answer as expected?", seen)
	}
}

// Rule: no package needs a module beyond the three that are allowed.
func TestDependencies(t *testing.T) {
	t.Parallel()
	out, err := inRoot(t, "go", "list", "-m", "all").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	want := []string{modulePath, "github.com/cenkalti/backoff/v4 v4.3.0", "github.com/google/go-cmp v0.7.0", "golang.org/x/sync v0.22.0"}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("modules %q, want %q", got, want)
	}
	out, err = inRoot(t, "go", "list", "-deps", "./payload", "./allowlist", "./retry", "./limiter", "./webhook", "./webhook/memstore").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "google/go-cmp") {
		t.Error("go-cmp is for tests and storetest only")
	}
}

// inRoot is a command that uses the root module alone.
func inRoot(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root(t)
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	return cmd
}
