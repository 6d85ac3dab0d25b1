package main

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
)

// endpoint is the receiver of both webhooks. It refuses everything until it is up.
type endpoint struct {
	server  *httptest.Server
	up      atomic.Bool
	refused atomic.Int64

	mu      sync.Mutex
	arrived []arrival // accepted requests
}

// arrival is an accepted request.
type arrival struct {
	webhook string // the name in the path
	number  string // of the delivery
	edited
}

func startEndpoint() *endpoint {
	e := &endpoint{}
	e.server = httptest.NewTLSServer(e)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := arrival{webhook: strings.TrimPrefix(r.URL.Path, "/"), number: r.Header.Get("Webhook-Sequence")}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &a.edited)
	}
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case !e.up.Load():
		e.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		e.mu.Lock()
		e.arrived = append(e.arrived, a)
		e.mu.Unlock()
		w.WriteHeader(http.StatusOK)
	}
}

func (e *endpoint) address() string { return e.server.Listener.Addr().String() }

func (e *endpoint) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(e.server.Certificate())
	return roots
}
