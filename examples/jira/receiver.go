package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

const (
	adminSecret = "It's a Secret to Everybody"
	addOnSecret = "shared-secret-of-the-installation"
	clientKey   = "jira:demo-site"
	addOnBase   = "https://addon.example.com/base"
)

// receiver stands in for three services, each under its own host name.
type receiver struct {
	out      io.Writer
	endpoint *webhooktest.Endpoint
	shown    int
	forged   int
}

func startReceiver(out io.Writer) (*receiver, error) {
	r := &receiver{out: out}
	var err error
	r.endpoint, err = webhooktest.Start(&webhooktest.Options{
		Generic: true,
		Hosts:   []string{"hooks.example.com", "app.example.com", "addon.example.com"},
		Script: func(_ int, r webhooktest.Request) webhooktest.Response {
			if r.Host == "app.example.com" && strings.Contains(string(r.Body), "jira:issue_deleted") {
				return webhooktest.Response{Status: http.StatusUnprocessableEntity}
			}
			return webhooktest.Response{Status: http.StatusOK}
		},
	})
	return r, err
}

// show waits for so many more requests and prints them.
func (r *receiver) show(ctx context.Context, more int) error {
	all, err := r.endpoint.Wait(ctx, r.shown+more)
	if err != nil {
		return fmt.Errorf("%d requests of %d arrived: %w", len(all)-r.shown, more, err)
	}
	fresh := all[r.shown:]
	r.shown = len(all)
	slices.SortStableFunc(fresh, func(a, b webhooktest.Request) int { return strings.Compare(a.Host+a.Path, b.Host+b.Path) })
	for _, q := range fresh {
		verdict, err := verify(q)
		if err != nil {
			r.forged++
			verdict = "REFUSED: " + err.Error()
		}
		c, err := jiraevent.Decode(q.Body)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.out, "  received at %s\n    %s", strings.TrimSuffix(q.Host+q.Path+"?"+q.Query, "?"), c.Event)
		if c.Issue != nil {
			fmt.Fprintf(r.out, " of %s", c.Issue.Key)
		}
		if len(c.MatchedWebhookIDs) > 0 {
			fmt.Fprintf(r.out, ", matches %v", c.MatchedWebhookIDs)
		}
		fmt.Fprintf(r.out, ", %s\n    answered with %d\n", verdict, q.Answer.Status)
	}
	return nil
}

// verify checks a request like its receiver.
func verify(q webhooktest.Request) (verdict string, err error) {
	switch q.Host {
	case "hooks.example.com":
		return "X-Hub-Signature verified", sign.VerifyHMAC(q.Header, q.Body, webhook.NewSecret(adminSecret))
	case "addon.example.com":
		r, err := http.NewRequest(q.Method, "https://"+q.Host+q.Path+"?"+q.Query, nil)
		if err != nil {
			return "", err
		}
		r.Header = q.Header
		claims, err := sign.VerifyConnectJWT(r, time.Now(), sign.ConnectReceiver{
			Secrets: sign.ForClient(clientKey, webhook.NewSecret(addOnSecret)), BaseURL: addOnBase})
		return "JWT of " + claims.ClientKey + " verified, Connect " + q.Header.Get(connect.VersionHeader), err
	}
	if q.Header.Get(jira.IdentifierHeader) == "" {
		return "", errors.New("no " + jira.IdentifierHeader)
	}
	return "not signed: the app has no secret", nil
}

// summary fails if a request was not genuine, or was not shown.
func (r *receiver) summary() error {
	all := len(r.endpoint.Requests())
	fmt.Fprintf(r.out, "\n%d callbacks received, %d of them refused\n", all, r.forged)
	if r.forged > 0 || all != r.shown {
		return fmt.Errorf("%d callbacks, %d expected, %d not genuine", all, r.shown, r.forged)
	}
	return nil
}
