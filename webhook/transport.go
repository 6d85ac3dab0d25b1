package webhook

import (
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/testhook"
	"github.com/postrider/postrider/webhook/internal/transport"
)

// bounds are the times of one attempt below Options.Timeout.
type bounds struct {
	dial   time.Duration
	tls    time.Duration
	header time.Duration // also ends trickled headers and endless 1xx answers
	body   time.Duration // counts from the headers: a slow body must not hold a slot
}

func defaultBounds() bounds {
	return bounds{dial: 10 * time.Second, tls: 10 * time.Second, header: 15 * time.Second, body: 5 * time.Second}
}

func init() { testhook.SetBounds = setBounds }

// setBounds shortens what would make a test wait. It must come before the first attempt.
func setBounds(dispatcher any, b testhook.Bounds) {
	d, ok := dispatcher.(*Dispatcher)
	if !ok {
		return
	}
	s := d.sender
	keep := func(to *time.Duration, from time.Duration) {
		if from > 0 {
			*to = from
		}
	}
	keep(&s.bounds.dial, b.Dial)
	keep(&s.bounds.tls, b.TLS)
	keep(&s.bounds.header, b.Header)
	keep(&s.bounds.body, b.Body)
	s.connect(&d.o)
}

// newTransport makes the transport of a Dispatcher's requests to webhooks.
func newTransport(p *Profile, o *Options, b bounds) *transport.Transport {
	return transport.New(transportOptions(p, o, b))
}

// newTokenTransport makes the one of requests to token endpoints: the same but for the addresses
// that it may dial, what it keeps open, and a certificate, which it does not show.
func newTokenTransport(p *Profile, o *Options, b bounds) *transport.Transport {
	t := transportOptions(p, o, b)
	t.Allow, t.HTTP2, t.MaxIdlePerHost, t.ClientCertificate = p.Form.AllowToken, false, 2, nil
	return transport.New(t)
}

func transportOptions(p *Profile, o *Options, b bounds) transport.Options {
	t := transport.Options{
		Allow:             p.Allow,
		RootCAs:           o.RootCAs,
		ClientCertificate: o.ClientCertificate,
		Resolver:          o.Resolver,
		DialContext:       o.DialContext,
		HTTP2:             p.HTTP2,
		// As many requests as can be in flight leave a connection each. One host gets a share:
		// of what is in flight, Capacity is what ends within moments and needs a connection
		// again; a slower request finds one that another has just left.
		MaxIdle:        o.MaxInFlight,
		MaxIdlePerHost: o.Capacity,
		MaxAge:         o.MaxConnAge,
		Dial:           b.dial,
		TLS:            b.tls,
		Header:         b.header,
	}
	if o.Proxy != nil {
		t.Proxy = o.Proxy.URL
	}
	return t
}

// unanswered tells why a request got no answer.
func unanswered(x *transport.Exchange, err error) (Code, Detail) {
	var own *transport.Error
	if !errors.As(err, &own) {
		own = x.Failure(err) // a transport of the host
	}
	return Code(own.Kind), Detail(own.Reason)
}
