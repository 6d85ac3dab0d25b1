package keyexpiry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/keyexpiry"
	"github.com/postrider/postrider/webhook/memstore"
)

// Check is one step at a given time. A host without its own scheduler calls Run instead.
func Example() {
	ctx := context.Background()
	store, err := memstore.New(nil)
	check(err)
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	check(err)
	manager, err := hooks.Manager()
	check(err)
	_, err = manager.Add(ctx, webhook.Webhook{Scope: "acme", Name: "Rotate keys",
		URL:     "https://api-private.atlassian.com/automation/webhooks/jira/a/cloud/rule",
		Secrets: []webhook.Secret{webhook.NewSecret("0123456789abcdef0123456789abcdef01234567")},
		Events:  []string{"orgKeyExpiry"}, Active: true})
	check(err)

	expires, err := keyexpiry.ParseExpiry("2026-05-27")
	check(err)
	keys := keyexpiry.SourceFunc(func(context.Context) ([]keyexpiry.Key, error) {
		return []keyexpiry.Key{{Scope: "acme", ID: "key-1", Name: "Provisioning", ExpiresAt: expires,
			SettingsURL: "https://your-site.atlassian.net/jira/settings/apps/app-1/instance-1/notifications"}}, nil
	})
	checker, err := keyexpiry.New(hooks, store, keys, nil)
	check(err)

	now := expires.Add(-7*24*time.Hour - time.Second)
	for range 3 {
		report, err := checker.Check(ctx, now)
		check(err)
		for _, k := range report.Keys {
			fmt.Println(now.Format(time.DateTime), k.Key.Name, k.Outcome)
		}
		now = now.Add(time.Second)
	}
	// Output:
	// 2026-05-20 00:00:00 Provisioning fired
	// 2026-05-20 00:00:01 Provisioning done
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
