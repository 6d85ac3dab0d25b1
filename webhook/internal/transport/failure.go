package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"reflect"
	"syscall"
	"time"

	"github.com/postrider/postrider/allowlist"
)

// Failure classifies an error of net/http or of another transport. The result contains no text of err.
func (x *Exchange) Failure(err error) *Error {
	var (
		own    *Error
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		dns    *net.DNSError
		op     *net.OpError
	)
	err = x.cause(err)
	late := isLate(x)
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, allowlist.ErrRefused):
		return &Error{Kind: BlockedAddress} // the host's own dialer uses the guard
	case errors.As(err, &verify):
		return certificateError(verify.Err)
	case errors.As(err, &record):
		return &Error{TLS, NotTLS}
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return &Error{TLS, alertReason(op.Err, op.Op == "remote error")} // crypto/tls gives alerts these Ops
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return &Error{Egress, Proxy}
	case errors.As(err, &dns):
		return dnsError(dns)
	case errors.As(err, &op) && op.Op == "dial":
		return connectError(err, routed)
	case late, timedOut(err) && !errors.Is(err, syscall.ETIMEDOUT):
		return x.timeout() // HTTP/2 reports a cancellation
	}
	return x.broken(err)
}

// cause replaces the error of a write that failed because the server had ended the connection with
// an alert, for example for a missing client certificate in TLS 1.3. A connection of crypto/tls has
// then read the alert and keeps it.
func (x *Exchange) cause(err error) error {
	var op *net.OpError
	conn, ok := x.conn.(*tls.Conn)
	wrote := errors.Is(err, net.ErrClosed) || errors.As(err, &op) && op.Op == "write"
	if !ok || !wrote || x.answered.Load() {
		return err
	}
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // do not wait for further data
	_, alert := conn.Read(make([]byte, 1))
	if errors.As(alert, &op) && op.Op == "remote error" {
		return alert
	}
	return err
}

// dnsError classifies a DNS error of the host's own dialer, whose name servers are unknown.
func dnsError(err *net.DNSError) *Error {
	switch {
	case err.IsNotFound:
		return &Error{DNS, NoSuchHost}
	case err.IsTimeout:
		return &Error{DNS, DNSTimeout}
	}
	return &Error{DNS, DNSServer}
}

// timeout returns the phase that timed out, as far as it is known.
func (x *Exchange) timeout() *Error {
	switch x.phase.Load() {
	case started:
		return &Error{Kind: Timeout}
	case lookingUp:
		return &Error{Timeout, DNSTimeout}
	case dialling, atProxy:
		return &Error{Timeout, TimedOut}
	case shaking:
		return &Error{Timeout, TLSTimeout}
	}
	return &Error{Timeout, NoAnswer}
}

// broken classifies the end of an exchange by its phase, as far as it is known.
func (x *Exchange) broken(err error) *Error {
	var (
		op     *net.OpError
		stream streamError
	)
	input := errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case x.phase.Load() == started, errors.Is(err, context.Canceled):
		return &Error{Kind: Protocol}
	case isAny(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED), errors.As(err, &stream):
		return &Error{Protocol, Reset}
	case input:
		return &Error{Protocol, Closed}
	case x.phase.Load() == shaking:
		return &Error{TLS, Handshake}
	case x.answered.Load():
		return &Error{Protocol, Malformed}
	case x.phase.Load() == connected:
		return &Error{Protocol, Closed}
	}
	return &Error{Kind: Protocol}
}

// certificateError classifies an error of a server's certificate.
func certificateError(err error) *Error {
	var (
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		roots     x509.SystemRootsError
	)
	switch {
	case errors.As(err, &roots):
		return &Error{Egress, Local} // this machine has no certificates to verify with
	case errors.As(err, &name):
		return &Error{TLSVerify, Hostname}
	case errors.As(err, &authority):
		return &Error{TLSVerify, Authority}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return &Error{TLSVerify, NotYetValid}
		}
		return &Error{TLSVerify, Expired}
	}
	return &Error{TLSVerify, Certificate}
}

// Alerts of TLS, RFC 8446 section 6.
const (
	alertBadCertificate         = 42
	alertUnsupportedCertificate = 43
	alertCertificateRevoked     = 44
	alertCertificateExpired     = 45
	alertCertificateUnknown     = 46
	alertUnknownAuthority       = 48
	alertAccessDenied           = 49
	alertProtocolVersion        = 70
	alertUnrecognizedName       = 112
	alertCertificateRequired    = 116
)

// alertReason reads the number of an alert, whose type crypto/tls does not export.
func alertReason(err error, remote bool) Reason {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Uint8 {
		return Handshake
	}
	switch v.Uint() {
	case alertBadCertificate, alertUnsupportedCertificate, alertCertificateRevoked, alertCertificateExpired, alertCertificateUnknown,
		alertUnknownAuthority, alertAccessDenied:
		if remote {
			return ClientCertRequired // the server refused our certificate, or requires one
		}
	case alertProtocolVersion:
		return TLSVersion
	case alertUnrecognizedName:
		return Hostname
	case alertCertificateRequired:
		return ClientCertRequired
	}
	return Handshake
}
