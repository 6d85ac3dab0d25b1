package sockets_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// oauthAt is the Authorization of an OAuth 2.0 client.
func oauthAt(tokenURL string) webhook.Auth {
	return webhook.Auth{Scheme: webhook.AuthOAuth, Secret: webhook.NewSecret("client-secret"), OAuth: webhook.OAuth{TokenURL: tokenURL, ClientID: "client"}}
}

// hostileTokens is a network with a token endpoint at a permitted address, which redirects to one
// at an address to which no connection is allowed.
func hostileTokens(t *testing.T) *network {
	ports := hostile.SamePort(t, publicIP, forbiddenIP)
	n := networkOf(t, ports, hostile.Options{Then: hostile.Status(307, hostile.Location("https://"+ports[1].Addr().String()+"/token"))})
	allow := n.profile.Allow
	n.profile = webhook.Standard()
	n.profile.Allow, n.profile.Form.AllowToken = allow, allow
	n.profile.Retry.Slots = nil
	return n
}

// Rule: no token endpoint leads to a forbidden address, for any spelling, any resolution of its
// name and any redirect: the listener there gets no connection.
func TestOAuthHostileEndpoints(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url     func(n *network) string
		addrs   string // addresses of the name
		snippet string
	}{
		"a name inside":        {func(n *network) string { return n.url("login.example.com") }, forbiddenIP, "token endpoint: blocked_address"},
		"an address inside":    {func(n *network) string { return n.url(forbiddenIP) }, "", "token endpoint: url_rejected"},
		"an address otherwise": {func(n *network) string { return n.url("0x7f000003") }, "", "token endpoint: url_rejected"},
		"a number":             {func(n *network) string { return n.url("2130706435") }, "", "token endpoint: url_rejected"},
		"http":                 {func(n *network) string { return strings.Replace(n.url(forbiddenIP), "https", "http", 1) }, "", "token endpoint: url_rejected"},
		"a user name in front": {func(n *network) string {
			return "https://login.example.com@" + forbiddenIP + ":" + strconv.Itoa(n.server.Port()) + "/"
		}, "", "token endpoint: url_rejected"},
		"a port that is closed":    {func(n *network) string { return "https://login.example.com:22/token" }, "", "token endpoint: url_rejected"},
		"a name that is this host": {func(n *network) string { return n.url("localhost") }, "", "token endpoint: url_rejected"},
		"nothing":                  {func(n *network) string { return "" }, "", "token endpoint: url_rejected"},
		"a redirect inside":        {func(n *network) string { return n.url(hookHost) }, "", "token endpoint: 307"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := hostileTokens(t)
			if c.addrs != "" {
				n.dns.Set("login.example.com", hostile.Addrs(c.addrs))
			}
			h := newHost(t, n.profile, n.opts)
			w := standard(n.url(hookHost))
			w.Auth = oauthAt(c.url(n))
			a := h.try(h.put(w))
			if a.Code != webhook.CodeAuth || a.Snippet != c.snippet {
				t.Errorf("%+v, want %q", a, c.snippet)
			}
			if got := n.forbidden.Connections(); got > 0 {
				t.Errorf("%d connections", got)
			}
			if strings.Contains(name, "redirect") == (len(n.server.Requests()) == 0) {
				t.Errorf("%d requests at the permitted address", len(n.server.Requests()))
			}
		})
	}
}

// Rule: a token endpoint is dialled by the rules for token endpoints, with any rules for webhooks.
func TestOAuthDialGuard(t *testing.T) {
	t.Parallel()
	n := hostileTokens(t)
	n.profile.Form.AllowToken.AllowPrefixes = nil // its address is not public
	h := newHost(t, n.profile, n.opts)
	w := standard(n.url(hookHost))
	w.Auth = oauthAt(n.url(hookHost))
	if a := h.try(h.put(w)); a.Code != webhook.CodeAuth || a.Snippet != "token endpoint: blocked_address" {
		t.Errorf("%+v", a)
	}
	if got := n.server.Connections(); got > 0 {
		t.Errorf("%d connections", got)
	}
}

// Rule: for a proxy without an address check, the name of a token endpoint is looked up and judged
// before the proxy gets it.
func TestOAuthLookupBehindAProxy(t *testing.T) {
	t.Parallel()
	n := hostileTokens(t)
	p := newConnectProxy(t, n.server.Addr())
	n.opts.Proxy = &webhook.Proxy{URL: p.url(), AddressesCheckedBy: webhook.ByLookup}
	n.dns.Set("login.example.com", hostile.Addrs(forbiddenIP))
	h := newHost(t, n.profile, n.opts)
	for _, tt := range []struct{ host, snippet string }{{"login.example.com", "token endpoint: blocked_address"}, {hookHost, "token endpoint: 307"}} {
		w := standard(n.url(hookHost))
		w.Auth = oauthAt(n.url(tt.host))
		if a := h.try(h.put(w)); a.Code != webhook.CodeAuth || a.Snippet != tt.snippet {
			t.Errorf("%s: %+v, want %q", tt.host, a, tt.snippet)
		}
	}
	if seen := p.seen(); len(seen) != 1 {
		t.Errorf("the proxy was asked for %q, want the permitted one alone", seen)
	}
}
