// Package sign proves to a receiver that a webhook request comes from its
// sender, and helps a receiver to check that proof.
//
// The simplest proof is a shared token in a header:
//
//	signer := sign.Token(sign.TokenHeader, sign.NewSecret(token))
//
// The stronger one is a signature over identifier, time and body, after
// Standard Webhooks 1.0.0 (https://www.standardwebhooks.com):
//
//	secret, err := sign.GenerateSecret()
//	signer, err := sign.Standard(secret)
//
// [HMAC] signs as Jira does, [ConnectJWT] as Atlassian Connect does, with a token
// that fits one request and a few minutes. [StandardAs], [Timestamped] and [HMACAs] are for
// receivers that were made for another sender, such as Svix, Stripe or GitHub.
//
// A receiver answers with [VerifyToken], [VerifyStandard], [VerifyHMAC], [VerifyConnectJWT] or
// the one of the same name. [JWKSHandler] publishes the keys of asymmetric signatures. Anything
// else is a [Signer] of your own, usually a [Func].
//
// Keys are held in a [Secret], which no printer, logger or encoder shows.
// Everything here is safe for concurrent use and keeps no mutable package
// state; errors never carry a secret.
package sign

import (
	"net/http"
	"time"
)

// Message is what a Signer signs: one attempt to deliver one event.
type Message struct {
	// ID names the event. It stays the same on every attempt, so that a
	// receiver can drop repeats.
	ID string
	// Attempt counts the requests made for this delivery; the first is 1.
	Attempt int
	// Time is when this attempt is made. A signature that carries a time
	// carries this one, so a late retry is as fresh as the first attempt.
	Time time.Time
	// Body holds the exact bytes of the request body. A Signer reads them and
	// neither changes nor keeps them.
	Body []byte
}

// Signer adds the proof to a request.
//
// Sign runs once per attempt, right before the request is sent. Method, URL and
// body are final by then: Sign sets header fields of r and touches nothing else.
// It may be called from several goroutines at once, each with a request of its
// own. An error means that the request must not be sent; it holds no secret, and
// one that another attempt cannot cure matches [ErrConfig].
type Signer interface {
	Sign(r *http.Request, m Message) error
}

// Func is a function that is a Signer.
type Func func(r *http.Request, m Message) error

// Sign calls f.
func (f Func) Sign(r *http.Request, m Message) error { return f(r, m) }

// setHeader sets one header field, also on a request that was made without a
// header map.
func setHeader(r *http.Request, name, value string) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set(name, value)
}
