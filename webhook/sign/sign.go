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
// that is valid for one request and a few minutes. [StandardAs], [Timestamped] and [HMACAs] are
// for receivers that were made for another sender, such as Svix, Stripe or GitHub.
//
// A receiver uses [VerifyToken], [VerifyStandard], [VerifyHMAC], [VerifyConnectJWT] or the
// function with the name of the scheme. [JWKSHandler] publishes the keys of asymmetric
// signatures. For another scheme, write your own [Signer], usually as a [Func].
//
// A [Secret] holds a key, and no printer, logger or encoder shows it. All functions are
// safe for concurrent use and keep no mutable package state; errors never contain a
// secret.
package sign

import (
	"net/http"
	"time"
)

// Message is the input of a Signer: one attempt to deliver one event.
type Message struct {
	// ID names the event. It stays the same on every attempt, so that a
	// receiver can drop repeats.
	ID string
	// Attempt counts the requests made for this delivery; the first is 1.
	Attempt int
	// Time is the time of this attempt. Signatures with a time use it, so a late
	// retry is as fresh as the first attempt.
	Time time.Time
	// Body holds the exact bytes of the request body. A Signer reads them and
	// neither changes nor keeps them.
	Body []byte
}

// Signer adds the proof to a request.
//
// Sign runs once per attempt, right before the request is sent. Method, URL and
// body are final: Sign only sets header fields of r. It must be safe for concurrent
// use with different requests. After an error the request must not be sent. The error
// contains no secret, and matches [ErrConfig] where another attempt cannot succeed.
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
