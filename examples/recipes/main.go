// Command recipes shows uses of webhooks: four rules of Atlassian Automation that publish an audit
// page, send a Slack message, open an incident and announce an API key that expires. Everything
// from the end of a task to the finished text runs here; stand-ins replace Automation, the agent
// with the results of tasks, and the products.
//
//	go run ./examples/recipes              # writes to a temporary folder and prints everything
//	go run ./examples/recipes -out folder
//
// Each folder beside this file is one recipe. rule.json describes the rule, to be built by hand
// because it cannot be imported (see README.md); prompt.md is the rule's prompt for the agent. The
// texts come from package report, which a host can use without any agent.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/postrider/postrider/examples/recipes/rule"
)

//go:embed */rule.json */prompt.md
var files embed.FS

// recipe is a rule and the events that its webhook subscribes to.
type recipe struct {
	folder string
	events []string
}

var recipes = []recipe{
	{"1-audit-page", []string{"taskSuccess", "taskFailure"}},
	{"2-slack-alert", []string{"taskSuccess", "taskFailure"}},
	{"3-incident", []string{"taskFailure"}},
	{"4-key-expiry", []string{"orgKeyExpiry"}},
}

func main() {
	out := flag.String("out", "", "folder for what the rules make; default a new temporary one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := run(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "recipes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	var rules []subscription
	for _, r := range recipes {
		loaded, err := rule.Load(files, r.folder)
		if err != nil {
			return err
		}
		rules = append(rules, subscription{name: r.folder, events: r.events, rule: loaded})
	}
	if out == "" {
		var err error
		if out, err = os.MkdirTemp("", "postrider-recipes-"); err != nil {
			return err
		}
	}
	d := desk{out: out}
	if err := perform(ctx, rules, story, d.take); err != nil {
		return err
	}
	fmt.Printf("%d artefacts are in %s\n", d.files, out)
	return nil
}
