package hostile_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

const payload = `{"trigger":"taskSuccess"}`

// limits are a client's timeouts; 0 is none. A test sets only the one that its fault reaches, so
// that a busy machine does not make it fail.
type limits struct{ handshake, header, body time.Duration }

const short = 150 * time.Millisecond

// client has the limits of a careful sender.
type client struct {
	*http.Transport
	body time.Duration
}

func newClient(t *testing.T, ca *hostile.Authority, l limits) client {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: ca.Pool()},
		TLSHandshakeTimeout:    l.handshake,
		ResponseHeaderTimeout:  l.header,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return client{tr, l.body}
}

// result is a sender's result of one request.
type result struct {
	status  int
	header  http.Header
	body    int // bytes read
	bodyErr error
	err     error
}

// post sends one request and reads at most 64 KiB of the answer.
func (c client) post(t *testing.T, url string) result {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return c.do(r)
}

var errSlow = errors.New("the body takes too long")

func (c client) do(r *http.Request) result {
	resp, err := c.RoundTrip(r)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	var late atomic.Bool
	if c.body > 0 {
		timer := time.AfterFunc(c.body, func() {
			late.Store(true)
			resp.Body.Close()
		})
		defer timer.Stop()
	}
	out := result{status: resp.StatusCode, header: resp.Header}
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	out.body, out.bodyErr = int(n), err
	if late.Load() {
		out.bodyErr = errSlow
	}
	return out
}
