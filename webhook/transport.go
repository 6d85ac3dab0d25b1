package webhook

import (
	"cmp"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/testhook"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// bounds are the time limits within one attempt, below Options.Timeout.
type bounds struct {
	dial   time.Duration
	tls    time.Duration
	header time.Duration // also ends trickled headers and endless 1xx answers
	body   time.Duration // begins after the headers: a slow body must not hold a slot
}

var defaultBounds = bounds{dial: 10 * time.Second, tls: 10 * time.Second, header: 15 * time.Second, body: 5 * time.Second}

func init() { testhook.SetBounds = setBounds }

// setBounds shortens time limits for tests. It must be called before the first attempt.
func setBounds(dispatcher any, b testhook.Bounds) {
	d, ok := dispatcher.(*Dispatcher)
	if !ok {
		return
	}
	s := d.sender
	s.bounds = bounds{
		dial: cmp.Or(b.Dial, s.bounds.dial), tls: cmp.Or(b.TLS, s.bounds.tls),
		header: cmp.Or(b.Header, s.bounds.header), body: cmp.Or(b.Body, s.bounds.body),
	}
	s.makeTransports(&d.o)
}

// makeTransports makes the sender's own transports. The one to token endpoints differs in the
// addresses that it may dial and in the idle connections that it keeps, and it shows no client
// certificate. It bounds the wait for an answer itself; an attempt bounds its own.
func (s *sender) makeTransports(o *Options) {
	t := transport.Options{
		Allow:             s.profile.Allow,
		RootCAs:           o.RootCAs,
		ClientCertificate: o.ClientCertificate,
		Resolver:          o.Resolver,
		DialContext:       o.DialContext,
		HTTP2:             s.profile.HTTP2,
		// Each request in flight may leave an idle connection. One host keeps Capacity of them: so
		// many requests end within moments and need a connection again. A slower request uses one
		// that another request has just left.
		MaxIdle:        o.MaxInFlight,
		MaxIdlePerHost: o.Capacity,
		MaxAge:         o.MaxConnAge,
		Dial:           s.bounds.dial,
		TLS:            s.bounds.tls,
	}
	if o.Proxy != nil {
		t.Proxy = o.Proxy.URL
	}
	s.ownTransport = transport.New(t)
	s.identities = transport.NewIdentities(s.ownTransport)
	t.Allow, t.HTTP2, t.MaxIdlePerHost, t.ClientCertificate = s.profile.Form.AllowToken, false, 2, nil
	t.Header = s.bounds.header
	s.tokenTransport = transport.New(t)
}

// unanswered returns the cause of a request without an answer.
func unanswered(x *transport.Exchange, err error) (Code, Detail) {
	var own *transport.Error
	if !errors.As(err, &own) {
		own = x.Failure(err) // a transport of the host
	}
	return Code(own.Kind), Detail(own.Reason)
}
