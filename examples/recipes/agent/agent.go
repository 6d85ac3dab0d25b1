// Package agent stands in for the read-only agent of a user management app: it has the results of
// task runs and answers a prompt about them. A real agent follows the prompt; this one renders the
// texts of the recipes with package report.
package agent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/report"
)

// Agent answers from its results. All fields are required.
type Agent struct {
	Runs  report.Source
	Names report.Names
}

// Answer answers a prompt about the event in body. answer is "audit-page", "slack-message"
// or "incident".
func (a Agent) Answer(ctx context.Context, prompt, answer string, body []byte) (string, error) {
	if prompt == "" || strings.Contains(prompt, "{{") {
		return "", errors.New("agent: the prompt is empty or has smart values left")
	}
	event, err := payload.Decode(body)
	if err != nil {
		return "", err
	}
	r, err := report.Build(ctx, a.Runs, a.Names, event)
	if err != nil {
		return "", err
	}
	switch answer {
	case "audit-page":
		return report.AuditPage(r, time.Now()).Markdown, nil
	case "slack-message":
		return report.SlackMessage(r), nil
	case "incident":
		return report.Incident(r).Description, nil
	}
	return "", fmt.Errorf("agent: unknown form of answer %q", answer)
}

// Demo returns an agent with a few users. In a successful run one of them failed; in a failed one
// all did.
func Demo(failed func(processID string) bool) Agent {
	return Agent{Runs: report.SourceFunc(func(_ context.Context, processID string) (report.Results, error) {
		var res report.Results
		for i, p := range people {
			c := report.UserChange{UserID: p.id, Email: p.email, GroupsAdded: []string{"g-deactivated"}, AppAccessRemoved: []string{"confluence", "cmdb"}, Suspended: i%3 == 0, Outcome: "done"}
			if failed(processID) || i == 1 {
				c = report.UserChange{UserID: p.id, Email: p.email, GroupsRemoved: []string{"g-gone"}, Failed: true, Outcome: "the directory refused the change"}
			}
			res.UserChanges = append(res.UserChanges, c)
		}
		return res, nil
	}), Names: report.NameFuncs{
		User: func(_ context.Context, id string) (string, bool) {
			p, ok := find(id)
			return p.name, ok && p.name != ""
		},
		Group: func(_ context.Context, id string) (string, bool) { return "deactivated_users", id == "g-deactivated" },
		Link: func(_ context.Context, id string) string {
			p, _ := find(id)
			return "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/users?search=" + url.QueryEscape(p.email)
		},
	}}
}

type person struct{ id, name, email string }

// people have names that would break a table, mention a channel or make a link without escapes.
var people = []person{
	{"u-1", "Ada Lovelace", "ada@example.com"},
	{"u-2", "Bob | <!channel> | Moran", "bob@example.com"},
	{"u-3", "[click](https://example.net)", "carol@example.com"},
	{"u-4", "", "left-the-company@example.com"},
	{"u-5", "Eve", "eve@example.com"}, {"u-6", "Finn", "finn@example.com"}, {"u-7", "Gül", "gul@example.com"}, {"u-8", "Hana", "hana@example.com"},
	{"u-9", "Ivo", "ivo@example.com"}, {"u-10", "Jun", "jun@example.com"}, {"u-11", "Kai", "kai@example.com"}, {"u-12", "Lea", "lea@example.com"},
}

func find(id string) (person, bool) {
	for _, p := range people {
		if p.id == id {
			return p, true
		}
	}
	return person{}, false
}
