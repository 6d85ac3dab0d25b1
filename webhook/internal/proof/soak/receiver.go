package main

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// The names of the receiver, each with its own listener.
const (
	healthyHost = "example.com"         // HTTP/2
	hostileHost = "hostile.example.com" // HTTP/1.1
	closedHost  = "closed.example.com"  // accepts connections and closes them
)

// senderHeader is the header with the name of the sending host.
const senderHeader = "X-Sender"

// receiverConfig is the configuration of the receiver.
type receiverConfig struct{ Hooks []hook }

// receipt is the receiver's message: about itself in the first one, about a request in all others.
type receipt struct {
	Addrs       map[string]string `json:",omitempty"`
	Certificate []byte            `json:",omitempty"`

	Hook, Event, Sender string
	Sum                 uint64 // of the body
	Status              int    // of the answer, 0 when there is none
	Fault               string `json:",omitempty"`
}

// checksum is the checksum of a body.
func checksum(body []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(body)
	return h.Sum64()
}

type receiver struct {
	hooks map[string]hook
	mu    sync.Mutex // guards out
	out   *json.Encoder
}

// receiverMain runs the receiver.
func receiverMain(in *json.Decoder, out *json.Encoder) error {
	var cfg receiverConfig
	if err := in.Decode(&cfg); err != nil {
		return err
	}
	r := &receiver{hooks: make(map[string]hook), out: out}
	for _, h := range cfg.Hooks {
		r.hooks[h.ID] = h
	}
	good, bad := r.serve(true), r.serve(false)
	shut, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := shut.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	r.report(receipt{Certificate: good.Certificate().Raw, Addrs: map[string]string{
		healthyHost: good.Listener.Addr().String(), hostileHost: bad.Listener.Addr().String(), closedHost: shut.Addr().String()}})
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends with its parent
	return nil
}

func (r *receiver) serve(http2 bool) *httptest.Server {
	s := httptest.NewUnstartedServer(r)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // killed senders abort handshakes
	s.StartTLS()
	return s
}

func (r *receiver) report(one receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.out.Encode(one)
}

// ServeHTTP reports a request before it answers, so that the answer is known even if the sender
// dies then.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the sender left
	}
	one := receipt{Hook: path.Base(req.URL.Path), Event: req.Header.Get(sign.IDHeader), Sender: req.Header.Get(senderHeader), Sum: checksum(body)}
	h, known := r.hooks[one.Hook]
	if !known {
		one.Fault = "a request to a URL that is not a webhook's"
	} else if err := sign.VerifyStandard(req.Header, body, time.Now(), 0, sign.NewSecret(h.Secret)); err != nil {
		one.Fault = err.Error()
	}
	answer := answers[h.Behaviour]
	one.Status = answer.status
	r.report(one)
	answer.send(w, req)
}

// startReceiver starts the receiver and gives its addresses to the hosts.
func (s *soak) startReceiver(ctx context.Context) (*process, error) {
	ready := make(chan receipt, 1)
	p, err := start(receiverRole, receiverConfig{Hooks: s.field.hooks}, func(line []byte) {
		var one receipt
		switch err := json.Unmarshal(line, &one); {
		case err != nil:
		case one.Addrs != nil:
			ready <- one
		default:
			s.book.received(one)
		}
	}, func(line []byte) { s.book.fault("the receiver says: %s", line) })
	if err != nil {
		return nil, err
	}
	select {
	case one := <-ready:
		s.config.Addrs, s.config.Certificate = one.Addrs, one.Certificate
		return p, nil
	case <-p.done:
		return nil, p.close()
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	}
}
