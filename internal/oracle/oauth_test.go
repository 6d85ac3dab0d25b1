package oracle

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

type oauthClient struct {
	Secret string   `json:"secret"`
	Method string   `json:"method"`
	Scopes []string `json:"scopes"`
}

const odd = "odd:+ %2B/&=?~_-.*'\"<>\\"

// Rule: a server of oauthlib gives tokens to clients that authenticate in each of the three ways,
// for any secrets, and its resource server accepts them. A revoked token is renewed inside the
// attempt. Its refusals are understood.
func TestOAuthlib(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	clients := map[string]oauthClient{
		"basic " + odd: {odd, "", []string{"read", "write"}},
		"plain " + strings.ReplaceAll(odd, ":", ""): {odd, "basic_plain", []string{"read", "write"}},
		"post " + odd: {odd, "post", []string{"read", "write"}},
	}
	b, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "clients.json", b)
	cmd := exec.Command(debianPython(t, "oauthlib"), "oauthd.py", p.file("server.pem"), p.file("server.key"), p.file("clients.json"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	var port int
	if _, scanErr := fmt.Sscan(line, &port); err != nil || scanErr != nil {
		t.Fatal(line, err, scanErr)
	}
	m := p.senderTo(t, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	hook := func(id string, c oauthClient, change ...func(*webhook.Auth)) webhook.Webhook {
		return addHook(t, m, func(w *webhook.Webhook) {
			w.Auth = webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret(c.Secret), OAuth: webhook.OAuth{
				TokenURL: "https://" + credentialHost + "/token", ClientID: id, Scopes: c.Scopes, ClientAuth: webhook.ClientAuth(c.Method)}}
			for _, f := range change {
				f(&w.Auth)
			}
		})
	}
	revoke := addHook(t, m, func(w *webhook.Webhook) { w.URL = "https://" + credentialHost + "/revoke" })
	for id, c := range clients {
		w := hook(id, c)
		for range 2 {
			if a := tried(t, m, w); !a.OK() {
				t.Errorf("%s: %+v", id, a)
			}
		}
		if a := tried(t, m, revoke); !a.OK() {
			t.Fatalf("revoke: %+v", a)
		}
		if a := tried(t, m, w); !a.OK() {
			t.Errorf("%s: after the token was revoked: %+v", id, a)
		}
		wrong := hook(id, c, func(a *webhook.Auth) { a.Secret = webhook.NewSecret("wrong") })
		if a := tried(t, m, wrong); a.Code != webhook.CodeAuth || a.Detail != webhook.DetailInvalidClient || a.Snippet != "token endpoint: 401 invalid_client" {
			t.Errorf("%s: wrong secret: %+v", id, a)
		}
		more := hook(id, c, func(a *webhook.Auth) { a.OAuth.Scopes = []string{"admin"} })
		if a := tried(t, m, more); a.Code != webhook.CodeAuth || a.Detail != webhook.DetailInvalidScope {
			t.Errorf("%s: wrong scope: %+v", id, a)
		}
		otherWay := map[webhook.ClientAuth]webhook.ClientAuth{"": "post", "post": "", "basic_plain": "post"}
		other := hook(id, c, func(a *webhook.Auth) { a.OAuth.ClientAuth = otherWay[a.OAuth.ClientAuth] })
		if a := tried(t, m, other); a.Detail != webhook.DetailInvalidClient {
			t.Errorf("%s: another way: %+v", id, a)
		}
	}
}

// recorder is a transport that answers requests for tokens and keeps them.
type recorder struct {
	mu   sync.Mutex
	seen []tokenRequest
}

type tokenRequest struct{ Method, URL, Authorization, ContentType, Body string }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	answer := ""
	if req.URL.Path == "/token" {
		answer = `{"access_token":"t","token_type":"Bearer"}`
		r.mu.Lock()
		r.seen = append(r.seen, tokenRequest{req.Method, req.URL.String(), req.Header.Get("Authorization"), req.Header.Get("Content-Type"), string(body)})
		r.mu.Unlock()
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
}

// Rule: the request for a token is, byte for byte, that of golang.org/x/oauth2.
func TestTokenRequestOfXOAuth2(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]webhook.OAuth{
		"least":               {ClientID: "client"},
		"odd":                 {ClientID: odd},
		"scopes":              {ClientID: "client", Scopes: []string{"read", "https://example.com/.default", "a+b&c=d"}},
		"audience":            {ClientID: "client", Audience: "https://api.example.com/ä"[:24]},
		"audience, resource":  {ClientID: "client", Audience: odd, Resource: "urn:x y"},
		"in the body":         {ClientID: odd, ClientAuth: webhook.ClientPost, Scopes: []string{"read"}},
		"in the body, others": {ClientID: "client", ClientAuth: webhook.ClientPost, Audience: "a", Resource: "r"},
	} {
		o.TokenURL = "https://" + credentialHost + "/token?tenant=a"
		var ours, theirs recorder
		store, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		hooks, err := webhook.New(store, webhook.Standard(), &webhook.Options{Transport: &ours})
		if err != nil {
			t.Fatal(err)
		}
		m, err := hooks.Manager()
		if err != nil {
			t.Fatal(err)
		}
		w := addHook(t, m, func(w *webhook.Webhook) {
			w.Auth = webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret(odd), OAuth: o}
		})
		if a := tried(t, m, w); !a.OK() {
			t.Fatalf("%s: %+v", name, a)
		}
		c := clientcredentials.Config{ClientID: o.ClientID, ClientSecret: odd, TokenURL: o.TokenURL, Scopes: o.Scopes, EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader}
		if o.Audience != "" {
			c.EndpointParams.Set("audience", o.Audience)
		}
		if o.Resource != "" {
			c.EndpointParams.Set("resource", o.Resource)
		}
		if o.ClientAuth == webhook.ClientPost {
			c.AuthStyle = oauth2.AuthStyleInParams
		}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: &theirs})
		if _, err := c.Token(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(theirs.seen, ours.seen); diff != "" || len(ours.seen) != 1 {
			t.Errorf("%s (-x/oauth2 +ours):\n%s", name, diff)
		}
	}
}
