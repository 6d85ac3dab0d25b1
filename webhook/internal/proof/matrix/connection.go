package matrix

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// connectionRows are faults before a request is sent.
func connectionRows() []row {
	return []row{
		one(1, "connection refused", fault{want: again, code: webhook.CodeConnect, reach: toConnection, set: func(s *scene) { s.sendToUnused(freePort(s.t)) }}),
		{2, "connect timeout", []fault{
			{form: "bound of the dial", want: again, code: webhook.CodeConnect, hangs: true, bounded: true, set: func(s *scene) {
				s.bounds.Dial = s.bound
				s.blackhole()
			}},
			{form: "deadline of the attempt", want: again, code: webhook.CodeTimeout, hangs: true, set: func(s *scene) {
				deadline(s)
				s.blackhole()
			}},
		}},
		{3, "name not resolved", []fault{
			{form: "NXDOMAIN", want: again, code: webhook.CodeDNS, reach: toNowhere, set: resolves(hostile.Lookup{NotFound: true})},
			{form: "SERVFAIL", want: again, code: webhook.CodeDNS, reach: toNowhere, set: resolves(hostile.Lookup{ServerFailure: true})},
			{form: "no addresses", want: again, code: webhook.CodeDNS, reach: toNowhere, set: resolves(hostile.Lookup{})},
			{form: "no answer", want: again, code: webhook.CodeDNS, reach: toNowhere, hangs: true, bounded: true, set: func(s *scene) {
				s.bounds.Dial = s.bound
				resolves(hostile.Lookup{Silent: true})(s)
			}},
		}},
		{4, "forbidden addresses only", forbiddenForms()},
		{5, "forbidden and public addresses", []fault{
			{form: "forbidden first", want: accepted, status: 200, set: resolves(hostile.Addrs(forbiddenIP, publicIP))},
			{form: "forbidden last", want: accepted, status: 200, set: resolves(hostile.Addrs(publicIP, forbiddenIP))},
			{form: "private first", want: accepted, status: 200, set: resolves(hostile.Addrs("10.0.0.1", publicIP))},
			{form: "IPv6 loopback", want: accepted, status: 200, set: resolves(hostile.Addrs("::1", publicIP))},
			{form: "NAT64", want: accepted, status: 200, set: resolves(hostile.Addrs("64:ff9b::7f00:3", publicIP))},
			{form: "public one refuses", want: again, code: webhook.CodeConnect, reach: toConnection, set: func(s *scene) {
				s.sendToUnused(freePort(s.t))
				resolves(hostile.Addrs(forbiddenIP, unusedIP))(s)
			}},
		}},
		one(6, "rebinds to a forbidden address", fault{want: refused, code: webhook.CodeBlockedAddress, first: webhook.CodeProtocol, set: func(s *scene) {
			s.script = hostile.Repeat(1, hostile.ResetBeforeHeaders())
			resolves(hostile.Addrs(publicIP), hostile.Addrs(forbiddenIP))(s)
		}}),
		one(7, "handshake hangs", fault{do: hostile.HangHandshake(), want: again, code: webhook.CodeTimeout, reach: toConnection, hangs: true, bounded: true,
			set: func(s *scene) { s.bounds.TLS = s.bound }}),
		{8, "handshake fails", []fault{
			{form: "alert", do: hostile.AlertHandshake(), want: again, code: webhook.CodeTLS, reach: toConnection},
			{form: "reset", do: hostile.ResetHandshake(), want: again, code: webhook.CodeProtocol, reach: toConnection},
			{form: "plain HTTP", do: hostile.PlainHTTP(), want: again, code: webhook.CodeTLS, reach: toConnection},
		}},
		{9, "certificate out of date", []fault{
			certificate("expired", func(a *hostile.Authority, host string) tls.Certificate { return a.Expired(host) }),
			certificate("not yet valid", func(a *hostile.Authority, host string) tls.Certificate { return a.NotYetValid(host) }),
		}},
		{10, "certificate of nobody known", []fault{
			{form: "self-signed", want: refused, code: webhook.CodeTLSVerify, reach: toConnection, set: func(s *scene) {
				s.cert = func(hosts ...string) tls.Certificate { return hostile.SelfSigned(s.t, hosts...) }
			}},
			{form: "unknown authority", want: refused, code: webhook.CodeTLSVerify, reach: toConnection, set: func(s *scene) {
				s.cert = hostile.NewAuthority(s.t).Issue
			}},
			{form: "pinned host", want: refused, code: webhook.CodeTLSVerify, reach: toConnection, set: func(s *scene) {
				s.cert = hostile.NewAuthority(s.t).Issue
				s.pinned()
			}},
		}},
		{11, "certificate of another host", []fault{
			certificate("another name", func(a *hostile.Authority, _ string) tls.Certificate { return a.Issue("other.example.com") }),
			certificate("address only", func(a *hostile.Authority, _ string) tls.Certificate { return a.Issue(publicIP) }),
		}},
		{12, "accepts and closes at once", []fault{
			{form: "close", do: hostile.CloseOnAccept(), want: again, code: webhook.CodeProtocol, reach: toConnection},
			{form: "reset", do: hostile.ResetOnAccept(), want: again, code: webhook.CodeProtocol, or: webhook.CodeConnect, reach: toConnection},
		}},
	}
}

func forbiddenForms() []fault {
	blocked := fault{want: refused, code: webhook.CodeBlockedAddress, reach: toNowhere}
	var out []fault
	for _, form := range []struct {
		name  string
		addrs []string
	}{
		{"watched", []string{forbiddenIP}}, {"loopback", []string{"127.0.0.1"}}, {"private", []string{"10.0.0.1", "192.168.0.1"}},
		{"metadata", []string{"169.254.169.254"}}, {"unspecified", []string{"0.0.0.0"}}, {"IPv6 loopback", []string{"::1"}},
		{"mapped", []string{"::ffff:" + forbiddenIP}}, {"NAT64", []string{"64:ff9b::7f00:3"}}, {"both families", []string{forbiddenIP, "::1"}},
	} {
		f := blocked
		f.form, f.set = form.name, resolves(hostile.Addrs(form.addrs...))
		out = append(out, f)
	}
	for _, literal := range []string{forbiddenIP, "[::1]", "[::ffff:127.0.0.3]"} {
		f := blocked
		f.form = "literal " + strings.NewReplacer(":", "-", "[", "", "]", "").Replace(literal)
		f.set = func(s *scene) {
			s.edit = func(w *webhook.Webhook) {
				w.URL = "https://" + literal + ":" + strconv.Itoa(s.port) + "/hooks/" + pathCanary
			}
		}
		out = append(out, f)
	}
	return append(out, fault{form: "literal in another spelling", want: refused, code: webhook.CodeURLRejected, reach: toNowhere, set: func(s *scene) {
		s.edit = func(w *webhook.Webhook) {
			w.URL = "https://0x7f000003:" + strconv.Itoa(s.port) + "/hooks/" + pathCanary
		}
	}})
}

func certificate(form string, issue func(*hostile.Authority, string) tls.Certificate) fault {
	return fault{form: form, want: refused, code: webhook.CodeTLSVerify, reach: toConnection, set: func(s *scene) {
		s.cert = func(hosts ...string) tls.Certificate { return issue(s.m.ca, hosts[0]) }
	}}
}

func resolves(lookups ...hostile.Lookup) func(*scene) {
	return func(s *scene) { s.m.dns.Set(s.name, lookups...) }
}

// sendToUnused sends to an address without a listener, on the port of a listener at a forbidden address.
func (s *scene) sendToUnused(forbidden net.Listener) {
	s.forbiddenPort, s.port = forbidden, forbidden.Addr().(*net.TCPAddr).Port
	resolves(hostile.Addrs(unusedIP))(s)
}

// freePort is a listener at a forbidden address, on a port without a listener at the other.
func freePort(t *testing.T) net.Listener {
	t.Helper()
	both := hostile.SamePort(t, unusedIP, forbiddenIP)
	_ = both[0].Close()
	return both[1]
}
