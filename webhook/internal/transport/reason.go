package transport

// Kind is the failed part of a request. The values are codes of package webhook.
type Kind string

// The kinds.
const (
	BlockedAddress Kind = "blocked_address"
	DNS            Kind = "dns"
	Connect        Kind = "connect"
	TLSVerify      Kind = "tls_verify"
	TLS            Kind = "tls"
	Timeout        Kind = "timeout"
	Protocol       Kind = "protocol"
	Config         Kind = "config" // the certificate of the sender is not available
	Egress         Kind = "egress" // the fault is on this side: this machine or its proxy
)

// Reason is the cause within a Kind. The set is closed: package webhook has a constant and a
// sentence for each.
type Reason string

// The reasons.
const (
	Expired            Reason = "expired"
	NotYetValid        Reason = "not_yet_valid"
	Hostname           Reason = "hostname"
	Authority          Reason = "authority"
	Certificate        Reason = "certificate"
	TLSVersion         Reason = "tls_version"
	ClientCertRequired Reason = "client_cert_required"
	NotTLS             Reason = "not_tls"
	Handshake          Reason = "handshake"

	NoSuchHost  Reason = "no_such_host"
	DNSTimeout  Reason = "dns_timeout"
	DNSServer   Reason = "dns_server"
	Refused     Reason = "refused"
	Unreachable Reason = "unreachable"

	TimedOut   Reason = "timeout"
	TLSTimeout Reason = "tls_timeout"
	NoAnswer   Reason = "no_answer"

	Reset        Reason = "reset"
	Closed       Reason = "closed"
	Malformed    Reason = "malformed"
	ProxyRefused Reason = "proxy_refused"

	Proxy      Reason = "proxy"
	ProxyAuth  Reason = "proxy_auth"
	NoRoute    Reason = "no_route"
	NoResolver Reason = "no_resolver"
	Local      Reason = "local"
)

// Error is the reason why a request got no answer. It does not wrap the original error, because the
// errors of net, net/http and crypto/tls contain names, addresses and bytes of the remote side.
type Error struct {
	Kind   Kind
	Reason Reason // "" where the Kind is enough
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return "transport: " + string(e.Kind)
	}
	return "transport: " + string(e.Kind) + ": " + string(e.Reason)
}
