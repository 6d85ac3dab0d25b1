package matrix

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/connect"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
	"github.com/postrider/postrider/webhook/jira"
	"github.com/postrider/postrider/webhook/sign"
)

// Column is a column of the matrix: a profile, and its differences from the expectations of the
// rows, which are those of Automation.
type Column struct {
	Name     string
	Profile  func() webhook.Profile
	requests int           // the budget of a delivery
	longest  time.Duration // the greatest delay of the first retry by Retry-After
	event    func(testing.TB) payload.Event
	// identified returns the fault of the identifier or the signature of the n-th request, counted
	// from 1, "" for none.
	identified func(s *scene, n int, r hostile.Request, body []byte) string
	differs    map[string]verdict // by row, or by row and form
	gone       bool               // 410 switches the webhook off
}

// Columns are the profiles that Postrider has.
func Columns() []Column {
	return []Column{
		{Name: "automation", Profile: webhook.Automation, requests: 4, longest: 15 * time.Minute, event: taskEvent, identified: automationIdentified},
		// Standard Webhooks 1.0.0: any 2xx is a success, 410 ends the subscription, redirects are
		// not followed, and everything else is retried.
		{
			Name: "standard", Profile: webhook.Standard, requests: 10, longest: 24 * time.Hour, event: taskEvent, identified: standardIdentified, gone: true,
			differs: map[string]verdict{"9": again, "10": again, "11": again, "25": again, "29": again, "29 410": refused,
				"39 400": again, "39 404": again, "39 413": again, "41": again, "43 413": again},
		},
		// Only 200 is a success, and a certificate that does not verify is a failed connection. The
		// last retry comes 29 min 50 s after the first failure at the latest. The four before it
		// take milliseconds here, so they are that much earlier.
		{
			Name: "jira", Profile: func() webhook.Profile { return jira.Profile() }, requests: 6, longest: 29*time.Minute + 50*time.Second - 4*shortest,
			event: sprintEvent, identified: jiraIdentified,
			differs: map[string]verdict{"9": again, "10": again, "11": again, "27": refused, "39 202": refused},
		},
		// A transient fault ends a delivery at once: unlike after a permanent one, it is exhausted
		// after its only request.
		{Name: "connect", Profile: func() webhook.Profile { return connect.Profile() }, requests: 1, event: sprintEvent, identified: connectIdentified},
	}
}

// want is the expected result of a fault under the column's profile.
func (c Column) want(row int, f fault) verdict {
	if v, ok := c.differs[fmt.Sprint(row, " ", f.form)]; ok {
		return v
	}
	return cmp.Or(c.differs[fmt.Sprint(row)], f.want)
}

// shortest is the delay of hurried retries.
const shortest = time.Millisecond

func taskEvent(t testing.TB) payload.Event {
	e, err := payload.New(scope, payload.TaskSuccess{ProcessID: "007b5c6c-0078-4cf2-a9d9-3f8c02f74205", Name: "Deactivate",
		ActionTypes: []string{"addToGroups"}, DeepLink: "https://your-site.atlassian.net/jira/settings?a=1&b=2"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func sprintEvent(t testing.TB) payload.Event {
	e, err := jiraevent.New(scope, jiraevent.Callback{Event: "sprint_started", Sprint: &jiraevent.Sprint{ID: 37, Name: "Sprint 1"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func wantHeader(r hostile.Request, name, want string) string {
	if got := r.Header.Values(name); !slices.Equal(got, []string{want}) {
		return fmt.Sprintf("has %s %q, want %q", name, got, want)
	}
	return ""
}

func automationIdentified(s *scene, _ int, r hostile.Request, _ []byte) string {
	if r.Header.Get(sign.TokenHeader) != SecretCanary {
		return "has no token"
	}
	return wantHeader(r, sign.IDHeader, s.event.ID)
}

func standardIdentified(s *scene, _ int, r hostile.Request, body []byte) string {
	if err := sign.VerifyStandard(r.Header, body, r.Time, 0, webhook.NewSecret(SecretCanary)); err != nil {
		return err.Error()
	}
	return wantHeader(r, sign.IDHeader, s.event.ID)
}

func jiraIdentified(s *scene, n int, r hostile.Request, body []byte) string {
	var retries []string
	if n > 1 {
		retries = []string{strconv.Itoa(n - 1)}
	}
	if got := r.Header.Values(jira.RetryHeader); !slices.Equal(got, retries) {
		return fmt.Sprintf("counts retries %v, want %v", got, retries)
	}
	if err := sign.VerifyHMAC(r.Header, body, webhook.NewSecret(SecretCanary)); err != nil {
		return err.Error()
	}
	return wantHeader(r, jira.IdentifierHeader, s.faulty)
}

// connectIdentified: Connect has no identifier; its token is for one method, path and query.
func connectIdentified(_ *scene, _ int, r hostile.Request, _ []byte) string {
	method, rest, _ := strings.Cut(r.Line, " ")
	target, _, _ := strings.Cut(rest, " ")
	base := "https://" + r.Host
	u, err := url.Parse(base + target)
	if err != nil {
		return err.Error()
	}
	_, err = sign.VerifyConnectJWT(&http.Request{Method: method, URL: u, Host: r.Host, Header: r.Header}, r.Time,
		sign.ConnectReceiver{Secrets: sign.ForClient(scope, webhook.NewSecret(SecretCanary)), BaseURL: base})
	if err != nil {
		return err.Error()
	}
	return wantHeader(r, connect.VersionHeader, connect.DefaultVersion)
}
