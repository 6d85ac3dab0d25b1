package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/examples/recipes/rule"
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// Rule: the command makes the artefacts of every recipe, from a real dispatch to the files.
func TestRecipes(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	due := time.Now().UTC().AddDate(0, 0, 4).Format(time.DateOnly)
	want := map[string][]string{
		"1-audit-page/taskSuccess-page.md":       {"Title: User Changes 20", "| name | Deactivate Inactive User |", "| [Ada Lovelace](https://", "| deactivated_users | - | Confluence, Assets | yes |", `Bob \| \<!channel\> \| Moran`},
		"1-audit-page/taskFailure-page.md":       {"| trigger | taskFailure |", "unknown group"},
		"2-slack-alert/taskSuccess-message.md":   {":warning: *Deactivate Inactive User* - `taskSuccess`", "*Affected users* (12)", "...and 2 more.", "&lt;!channel&gt;"},
		"2-slack-alert/taskFailure-message.md":   {":x: *License Clean-up* - `taskFailure`"},
		"3-incident/taskFailure-work-item.md":    {"Type: Incident\nSummary: UCM Task Failed\n", "# Incident: License Clean-up failed", "**FAILED**", "## Recommended next steps"},
		"4-key-expiry/orgKeyExpiry-email.md":     {"Subject: UCM API key 'Provisioning' expires ", settingURL},
		"4-key-expiry/orgKeyExpiry-work-item.md": {"Summary: Rotate UCM API key: Provisioning\n", "Priority: P2\n", "Due: " + due, "key-1", settingURL},
	}
	got := map[string]string{}
	err := filepath.WalkDir(out, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		name, _ := filepath.Rel(out, file)
		got[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range want {
		for _, p := range parts {
			if !strings.Contains(got[name], p) {
				t.Errorf("%s lacks %q:\n%s", name, p, got[name])
			}
		}
	}
	for name, text := range got {
		if want[name] == nil {
			t.Errorf("%s was not expected", name)
		}
		if strings.Contains(text, "{{") {
			t.Errorf("%s holds a smart value that was not resolved:\n%s", name, text)
		}
	}
}

// Rule: a recipe's files hold no token, no identifier and no address of a real site, and every
// prompt asks for each field of the event.
func TestRecipeFiles(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`(?i)[0-9a-f]{24,}|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9]{6,}|webhookToken|accountId|cloudId|https?://|@[a-z0-9-]+\.[a-z]`)
	for _, r := range recipes {
		names, err := fs.Glob(files, r.folder+"/*")
		if err != nil {
			t.Fatal(err)
		}
		wantPrompt := r.folder != "4-key-expiry" // its event has all data
		if slices.Contains(names, r.folder+"/prompt.md") != wantPrompt || !slices.Contains(names, r.folder+"/rule.json") {
			t.Errorf("%s holds %v", r.folder, names)
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			if found := forbidden.Find(text); found != nil {
				t.Errorf("%s holds %q", name, found)
			}
			if strings.HasSuffix(name, "rule.json") {
				checkHonest(t, name, text)
				continue
			}
			for _, field := range strings.Fields("trigger processId name actionTypes deepLink") {
				if !strings.Contains(string(text), "{{webhookData."+field+"}}") {
					t.Errorf("%s does not mention %s", name, field)
				}
			}
		}
	}
}

// checkHonest checks that a file says that it is no export. Types of components stand in it only
// where they are known, in the trigger and the conditions.
func checkHonest(t *testing.T, name string, text []byte) {
	t.Helper()
	r, err := rule.Parse(text, "")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !strings.HasPrefix(r.Note, "Not an export and not to be imported") || !strings.Contains(r.Note, "by hand") {
		t.Errorf("%s does not say that it cannot be imported: %q", name, r.Note)
	}
	known := regexp.MustCompile(`"type": "(jira\.incoming\.webhook|jira\.comparator\.condition)"`)
	if n, all := len(known.FindAll(text, -1)), strings.Count(string(text), `"type"`); n != all || n == 0 {
		t.Errorf("%s has %d types, of which %d are known", name, all, n)
	}
}

// Rule: the rule of recipe 4 makes the same texts as report.KeyReminder.
func TestKeyRecipe_agreesWithReport(t *testing.T) {
	t.Parallel()
	r, err := rule.Load(files, "4-key-expiry")
	if err != nil {
		t.Fatal(err)
	}
	k := payload.OrgKeyExpiry{APIKeyID: "key-1", Name: "Provisioning", ExpiresAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), SettingsURL: settingURL}
	e, err := payload.New(scope, k)
	if err != nil {
		t.Fatal(err)
	}
	made, met, err := r.Run(t.Context(), nil, e.Body, time.Now())
	if err != nil || !met || len(made) != 2 {
		t.Fatalf("Run = %v, %t, %v", made, met, err)
	}
	want := report.KeyReminder(k)
	for text, lines := range map[string][]string{
		made[0].Text: {"Subject: " + want.Email.Subject + "\n"},
		made[1].Text: {"Summary: " + want.WorkItem.Summary + "\n", "Due: " + want.WorkItem.Due.Format(time.DateOnly) + "\n", "Priority: " + want.WorkItem.Priority + "\n"},
	} {
		for _, l := range lines {
			if !strings.Contains(text, l) {
				t.Errorf("%q is missing in:\n%s", l, text)
			}
		}
	}
}
