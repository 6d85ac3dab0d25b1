package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/hostile"
)

// Rule: a name that is not resolved is the name's fault as long as a name server answers
// something, and this side's when none does.
func TestNameServers(t *testing.T) {
	t.Parallel()
	closed := func(l *lab) {
		lis, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer lis.Close()
		l.opts.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, lis.LocalAddr().String())
		}}
	}
	dumb := func(l *lab) {
		l.dns.Set(hookHost, hostile.Lookup{Silent: true})
		l.dns.Set("", hostile.Lookup{Silent: true})
	}
	no := func(l *lab) {
		l.opts.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, os.NewSyscallError("connect", syscall.ENETUNREACH)
		}}
	}
	set := func(answer hostile.Lookup) func(*lab) { return func(l *lab) { l.dns.Set(hookHost, answer) } }
	tests := []struct {
		name  string
		set   func(*lab)
		want  string
		hangs bool
	}{
		{"not found", set(hostile.Lookup{NotFound: true}), "dns no_such_host", false},
		{"no addresses", set(hostile.Lookup{}), "dns no_such_host", false},
		{"server failure", set(hostile.Lookup{ServerFailure: true}), "dns dns_server", false},
		{"silent about this name", set(hostile.Lookup{Silent: true}), "dns dns_timeout", true},
		{"silent about all names", dumb, "egress no_resolver", true},
		{"nothing listens", closed, "egress no_resolver", false},
		{"no way to it", no, "egress no_resolver", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{})
			tt.set(l)
			if tt.hangs {
				l.opts.Dial = short
			}
			by := l.transport()
			if got := l.post(by); got != tt.want {
				t.Errorf("a request: %s, want %s", got, tt.want)
			}
			if got := outcome(nil, by.Lookup(t.Context(), hookHost)); got != tt.want {
				t.Errorf("a look-up: %s, want %s", got, tt.want)
			}
			if n := l.server.Connections(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// Rule: many requests that fail at once ask the name server for a sign of life once.
func TestNameServerIsAskedOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, hostile.Options{})
	l.dns.Set(hookHost, hostile.Lookup{ServerFailure: true})
	by := l.transport()
	for range 5 {
		if got := l.post(by); got != "dns dns_server" {
			t.Error(got)
		}
	}
	root := 0
	for _, q := range l.dns.Queries() {
		if q.Name == "" {
			root++
		}
	}
	if root != 1 {
		t.Errorf("%d questions for the root", root)
	}
}

// Rule: an error of a socket is the target's fault, unless it tells that nothing could be sent to
// anybody.
func TestSocketErrors(t *testing.T) {
	t.Parallel()
	yes, no := func() bool { return true }, func() bool { return false }
	for _, tt := range []struct {
		errno  syscall.Errno
		routed func() bool
		want   Error
	}{
		{syscall.ECONNREFUSED, no, Error{Connect, Refused}},
		{syscall.ECONNRESET, no, Error{Connect, Reset}},
		{syscall.ETIMEDOUT, no, Error{Connect, TimedOut}},
		{syscall.EHOSTUNREACH, no, Error{Connect, Unreachable}},
		{syscall.ENETUNREACH, yes, Error{Connect, Unreachable}},
		{syscall.ENETUNREACH, no, Error{Egress, NoRoute}},
		{syscall.ENETDOWN, yes, Error{Connect, Unreachable}},
		{syscall.ENETDOWN, no, Error{Egress, NoRoute}},
		{syscall.EMFILE, yes, Error{Egress, Local}},
		{syscall.ENFILE, yes, Error{Egress, Local}},
		{syscall.ENOBUFS, yes, Error{Egress, Local}},
		{syscall.ENOMEM, yes, Error{Egress, Local}},
		{syscall.EADDRNOTAVAIL, yes, Error{Egress, Local}},
		{syscall.EPROTO, yes, Error{Connect, ""}},
	} {
		err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", tt.errno)}
		if got := connectError(err, tt.routed); *got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.errno, *got, tt.want)
		}
	}
}

// Rule: of several addresses those that the guard let through tell why there is no connection.
func TestAttemptsOfADial(t *testing.T) {
	t.Parallel()
	refusal := &net.OpError{Op: "dial", Err: allowlist.ErrRefused}
	first, second := errors.New("first"), errors.New("second")
	for name, tt := range map[string]struct {
		add       []error
		permitted error
		refused   bool
	}{
		"none":             {nil, nil, false},
		"refused alone":    {[]error{refusal, errPort}, nil, true},
		"refused first":    {[]error{refusal, first, second}, first, true},
		"refused last":     {[]error{first, second, refusal}, first, true},
		"none was refused": {[]error{first}, first, false},
	} {
		var a attempts
		for _, err := range tt.add {
			a.add("tcp4", "192.0.2.1:443", err)
		}
		if permitted, refused := a.result(); permitted != tt.permitted || refused != tt.refused {
			t.Errorf("%s: %v, %v", name, permitted, refused)
		}
	}
}

// Rule: of the errors of a transport that is not ours, what is certain is told, and no more.
func TestFailureOfAnotherTransport(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want Error
	}{
		"its own words":   {t.Context(), errors.New("secret"), Error{Protocol, ""}},
		"broken off":      {t.Context(), io.ErrUnexpectedEOF, Error{Protocol, ""}},
		"deadline":        {t.Context(), fmt.Errorf("x: %w", context.DeadlineExceeded), Error{Timeout, ""}},
		"after its time":  {ended, errors.New("http2: request cancelled"), Error{Timeout, ""}},
		"the guard":       {t.Context(), fmt.Errorf("x: %w", allowlist.ErrRefused), Error{BlockedAddress, ""}},
		"no such host":    {t.Context(), &net.DNSError{IsNotFound: true}, Error{DNS, NoSuchHost}},
		"names too slow":  {t.Context(), &net.DNSError{IsTimeout: true}, Error{DNS, DNSTimeout}},
		"a proxy":         {t.Context(), &net.OpError{Op: "proxyconnect", Err: io.EOF}, Error{Egress, Proxy}},
		"refused":         {t.Context(), &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Error{Connect, Refused}},
		"no certificates": {t.Context(), certificateError(x509.SystemRootsError{}), Error{Egress, Local}},
	} {
		if got := Begin(tt.ctx, nil).Failure(tt.err); *got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, *got, tt.want)
		}
	}
}
