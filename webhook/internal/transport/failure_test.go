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
)

// Rule: an error of a socket is the target's fault, unless it shows that this machine cannot send
// at all.
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

// Rule: with several addresses, the reason for a failed dial is that of the permitted ones.
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

// Rule: errors of another transport are classified only as far as they are certain.
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
