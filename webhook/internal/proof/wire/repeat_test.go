package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
	"github.com/postrider/postrider/webhook/internal/transport"
)

const (
	publicIP = "127.0.0.2"
	movedIP  = "127.0.0.4" // another address of the same name
	hookHost = "hooks.example.com"
	message  = `{"processId":"1"}`
)

// short is the timeout of a phase under test. A test that must end before it takes milliseconds.
const short = time.Second

// lab is a receiver with a name, and its senders.
type lab struct {
	t      testing.TB
	ca     *hostile.Authority
	dns    *hostile.DNS
	server *hostile.Server
	opts   transport.Options
}

func newLab(t testing.TB, o hostile.Options) *lab {
	t.Helper()
	l := &lab{t: t, ca: hostile.NewAuthority(t), dns: hostile.NewDNS(t)}
	o.Certificate = l.ca.Issue(hookHost)
	if o.Listener == nil {
		o.IP = publicIP
	}
	l.server = hostile.New(t, o)
	l.dns.Set(hookHost, hostile.Addrs(publicIP))
	l.opts = l.options(l.server.Port())
	return l
}

// options connect to a port of the tests' receivers.
func (l *lab) options(port int) transport.Options {
	return transport.Options{
		Allow: allowlist.Policy{Ports: []uint16{uint16(port)},
			AllowPrefixes: []netip.Prefix{netip.MustParsePrefix(publicIP + "/32"), netip.MustParsePrefix(movedIP + "/32")}},
		RootCAs: l.ca.Pool(), Resolver: l.dns.Resolver(), MaxIdle: 16, MaxIdlePerHost: 16,
		Dial: 30 * time.Second, TLS: 30 * time.Second, Header: 30 * time.Second,
	}
}

func (l *lab) transport() *transport.Transport {
	t := transport.New(l.opts)
	l.t.Cleanup(t.CloseIdleConnections)
	return t
}

// post sends the message of all tests to a port and returns the result: "200", or kind and reason.
func post(ctx context.Context, t *transport.Transport, port int) string {
	x := transport.Begin(ctx, []byte(message))
	req := x.Request()
	req.Method, req.Header = http.MethodPost, http.Header{}
	req.URL = &url.URL{Scheme: "https", Host: fmt.Sprintf("%s:%d", hookHost, port), Path: "/hook"}
	return outcome(t.Send(x, req))
}

func outcome(resp *http.Response, err error) string {
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return fmt.Sprint(resp.StatusCode)
	}
	var own *transport.Error
	if !errors.As(err, &own) {
		return "an error of another type"
	}
	return strings.TrimSuffix(string(own.Kind)+" "+string(own.Reason), " ")
}

func (l *lab) post(t *transport.Transport) string { return post(l.t.Context(), t, l.server.Port()) }

// Rule: a connection that the server has closed costs no attempt, in any form: the same request is
// sent once more, on its own connection.
func TestForgottenConnection(t *testing.T) {
	t.Parallel()
	nothing := func(*hostile.Server) {}
	tests := []struct {
		name     string
		server   hostile.Behavior
		forget   func(*hostile.Server)
		requests int // of all three that the server has read
	}{
		{"reset when a request begins", hostile.ResetOnReuse(), nothing, 2},
		{"closed after the request", hostile.CloseOnReuse(), nothing, 3},
		{"reset after the request", hostile.ResetAfterReuse(), nothing, 3},
		{"closed while idle", hostile.CloseIdle(), nothing, 2},
		{"reset while idle", hostile.Status(200), (*hostile.Server).Reset, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{Script: hostile.Repeat(1, tt.server)})
			by := l.transport()
			if got := l.post(by); got != "200" {
				t.Fatal(got)
			}
			tt.forget(l.server)
			if got := l.post(by); got != "200" {
				t.Errorf("the second request met a dead connection: %s", got)
			}
			if n := l.server.Connections(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
			all := l.server.Requests()
			if len(all) != tt.requests {
				t.Errorf("%d requests, want %d", len(all), tt.requests)
			}
			for i, r := range all {
				r.Header.Del("Connection") // the last one is not kept
				if diff := cmp.Diff(all[0].Header, r.Header); diff != "" || string(r.Body) != message {
					t.Errorf("request %d has body %q, headers (-want +got):\n%s", i+1, r.Body, diff)
				}
			}
		})
	}
}

// Rule: a request is repeated once, and only when a used connection broke before the first byte of
// an answer.
func TestNotRepeated(t *testing.T) {
	t.Parallel()
	type test struct {
		name     string
		script   []hostile.Behavior
		want     []string
		requests int
		conns    int
	}
	ok := hostile.Status(200)
	tests := []test{
		{"a fresh connection is reset", []hostile.Behavior{hostile.ResetBeforeHeaders()}, []string{"protocol reset", "200"}, 2, 2},
		{"a fresh connection is closed", []hostile.Behavior{hostile.CloseBeforeHeaders()}, []string{"protocol closed", "200"}, 2, 2},
		{"the repeated request fails", []hostile.Behavior{hostile.ResetOnReuse(), hostile.ResetBeforeHeaders()}, []string{"200", "protocol reset", "200"}, 3, 3},
		{"the connection is alive and silent", []hostile.Behavior{hostile.HangOnReuse()}, []string{"200", "timeout no_answer"}, 2, 1},
		{"421 for the repeated request", []hostile.Behavior{hostile.ResetOnReuse(), hostile.Status(421)}, []string{"200", "421"}, 2, 2},
		{"421 twice", []hostile.Behavior{hostile.Status(421), hostile.Status(421)}, []string{"421", "200"}, 3, 2},
	}
	for _, b := range hostile.Malformed() {
		tests = append(tests, test{b.Name, []hostile.Behavior{ok, b}, []string{"200", ""}, 2, 1})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{Script: tt.script})
			l.opts.Header = short
			if !strings.Contains(tt.name, "silent") {
				l.opts.Header = time.Minute
			}
			by := l.transport()
			for i, want := range tt.want {
				if got := l.post(by); got != want && (want != "" || !strings.HasPrefix(got, "protocol ")) {
					t.Errorf("request %d: %q, want %q", i+1, got, want)
				}
			}
			if n := len(l.server.Requests()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if n := l.server.Connections(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}

// Rule: after 421, "misdirected request", the request is sent once more, on its own connection,
// also when the first one was new.
func TestMisdirected(t *testing.T) {
	t.Parallel()
	l := newLab(t, hostile.Options{Script: hostile.Repeat(1, hostile.Answer(421, "another connection, please"))})
	if got := l.post(l.transport()); got != "200" {
		t.Error(got)
	}
	all := l.server.Requests()
	if len(all) != 2 || all[0].Conn == all[1].Conn || !bytes.Equal(all[0].Body, all[1].Body) {
		t.Errorf("requests %+v, want two alike on two connections", all)
	}
}

// Rule: a repeated request has the remaining time of the first one; after that time it is not
// repeated.
func TestRepeatInTheSameTime(t *testing.T) {
	t.Parallel()
	l := newLab(t, hostile.Options{Script: []hostile.Behavior{hostile.ResetOnReuse(), hostile.HangBeforeHeaders()}})
	by := l.transport()
	if got := l.post(by); got != "200" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		if _, err := l.server.Wait(t.Context(), 2); err != nil {
			t.Error(err)
		}
	}()
	if got := post(ctx, by, l.server.Port()); got != "protocol" {
		t.Errorf("the repeated request: %s", got)
	}
	if got := post(ctx, by, l.server.Port()); got != "protocol" {
		t.Errorf("after the end: %s", got)
	}
	if n := len(l.server.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func (l *lab) port() string { return fmt.Sprint(l.server.Port()) }
