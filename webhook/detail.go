package webhook

// Detail says more than a [Code]: why a connection, a handshake or an answer failed. The set is
// closed and stable, and safe to show to tenants: a Detail holds no name, no address and nothing
// that the remote side said. It is empty where the Code needs none, as with a status.
type Detail string

// The details, by the Code that they stand beside.
const (
	// CodeTLSVerify
	DetailExpired     Detail = "expired"       // the certificate has run out
	DetailNotYetValid Detail = "not_yet_valid" // the certificate's time has not begun
	DetailHostname    Detail = "hostname"      // the certificate is for other names; with CodeTLS: the server does not know the name
	DetailAuthority   Detail = "authority"     // signed by an authority that is not trusted, or by itself
	DetailCertificate Detail = "certificate"   // anything else about the certificate

	// CodeTLS
	DetailTLSVersion         Detail = "tls_version"          // no TLS version that both sides speak; 1.2 is the oldest
	DetailClientCertRequired Detail = "client_cert_required" // the server refused our certificate, or asks for one
	DetailNotTLS             Detail = "not_tls"              // the server does not speak TLS on this port
	DetailHandshake          Detail = "handshake"            // the server, or we, broke the handshake off

	// CodeDNS
	DetailNoSuchHost Detail = "no_such_host" // the name has no address
	DetailDNSTimeout Detail = "dns_timeout"  // the name's servers did not answer in time; also with CodeTimeout
	DetailDNSServer  Detail = "dns_server"   // the name's servers answered with an error

	// CodeConnect
	DetailRefused     Detail = "refused"     // nothing listens on the port
	DetailUnreachable Detail = "unreachable" // no way to the address
	DetailTimeout     Detail = "timeout"     // the connection was not accepted in time; also with CodeTimeout

	// CodeTimeout
	DetailTLSTimeout Detail = "tls_timeout" // the handshake did not end in time
	DetailNoAnswer   Detail = "no_answer"   // the request was sent and not answered in time

	// CodeProtocol; the first two also with CodeConnect
	DetailReset        Detail = "reset"         // the other side reset the connection
	DetailClosed       Detail = "closed"        // the other side closed the connection without a complete answer
	DetailMalformed    Detail = "malformed"     // the answer is not HTTP, or its header is larger than 64 KiB
	DetailProxyRefused Detail = "proxy_refused" // the proxy does not let requests to this host through

	// CodeAuth: the errors of RFC 6749 section 5.2. One of another code says why the token
	// endpoint did not answer.
	DetailInvalidRequest       Detail = "invalid_request"        // the token endpoint misses something
	DetailInvalidClient        Detail = "invalid_client"         // client ID or secret is wrong
	DetailInvalidGrant         Detail = "invalid_grant"          // no token for these credentials
	DetailUnauthorizedClient   Detail = "unauthorized_client"    // the client may not use this grant
	DetailUnsupportedGrantType Detail = "unsupported_grant_type" // the server has no client credentials grant
	DetailInvalidScope         Detail = "invalid_scope"          // a scope is unknown or not granted

	// CodeEgress
	DetailProxy      Detail = "proxy"       // the proxy cannot be reached, or does not behave like one
	DetailProxyAuth  Detail = "proxy_auth"  // the proxy does not accept our user name and password
	DetailNoRoute    Detail = "no_route"    // this machine has no route to anywhere
	DetailNoResolver Detail = "no_resolver" // no name server of this machine answers
	DetailLocal      Detail = "local"       // this process is out of file descriptors, ports or memory, or has no root certificates
)

// Text is a sentence for people, "" for the empty Detail and for one that is not known.
func (d Detail) Text() string { return detailTexts[d] }

var detailTexts = map[Detail]string{
	DetailExpired:              "The certificate of the server has expired.",
	DetailNotYetValid:          "The certificate of the server is not valid yet.",
	DetailHostname:             "The certificate of the server is for another host name.",
	DetailAuthority:            "The certificate of the server is not signed by a trusted authority.",
	DetailCertificate:          "The certificate of the server cannot be used.",
	DetailTLSVersion:           "The server does not support TLS 1.2 or newer.",
	DetailClientCertRequired:   "The server refused our client certificate, or asks for one.",
	DetailNotTLS:               "The server does not speak TLS on this port.",
	DetailHandshake:            "The TLS handshake failed.",
	DetailNoSuchHost:           "The host name does not exist or has no address.",
	DetailDNSTimeout:           "The name servers of the host name did not answer in time.",
	DetailDNSServer:            "The name servers of the host name answered with an error.",
	DetailRefused:              "The server refused the connection.",
	DetailUnreachable:          "The server cannot be reached.",
	DetailTimeout:              "The server did not accept a connection in time.",
	DetailTLSTimeout:           "The server did not complete the TLS handshake in time.",
	DetailNoAnswer:             "The server took the request and did not answer in time.",
	DetailReset:                "The server reset the connection.",
	DetailClosed:               "The server closed the connection without a complete answer.",
	DetailMalformed:            "The answer is not HTTP, or its header is too large.",
	DetailProxyRefused:         "The proxy of this application does not allow requests to this host.",
	DetailInvalidRequest:       "The token endpoint did not understand the request.",
	DetailInvalidClient:        "The token endpoint does not accept the client ID or its secret.",
	DetailInvalidGrant:         "The token endpoint gives no token for these credentials.",
	DetailUnauthorizedClient:   "The token endpoint does not let this client use client credentials.",
	DetailUnsupportedGrantType: "The token endpoint does not support client credentials.",
	DetailInvalidScope:         "The token endpoint does not grant a scope.",
	DetailProxy:                "The proxy of this application cannot be reached. Nothing is wrong with the webhook.",
	DetailProxyAuth:            "The proxy of this application refused its credentials. Nothing is wrong with the webhook.",
	DetailNoRoute:              "This application has no network. Nothing is wrong with the webhook.",
	DetailNoResolver:           "This application cannot reach a name server. Nothing is wrong with the webhook.",
	DetailLocal:                "This application has run out of a resource that it needs for connections. Nothing is wrong with the webhook.",
}
