package hostile_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/hostile"
)

const payload = `{"trigger":"taskSuccess"}`

// newClient is a transport with the bounds of a careful sender. The timeouts
// are short, because the faults that need them never end by themselves.
func newClient(t *testing.T, ca *hostile.Authority) *http.Transport {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: ca.Pool()},
		TLSHandshakeTimeout:    300 * time.Millisecond,
		ResponseHeaderTimeout:  300 * time.Millisecond,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// result is what a sender learns from one request.
type result struct {
	status  int
	header  http.Header
	body    int // bytes read
	bodyErr error
	err     error
}

// post sends one request and reads at most 64 KiB of the answer, for no longer
// than 300 ms.
func post(t *testing.T, tr http.RoundTripper, url, body string) result {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return do(tr, r)
}

var errSlow = errors.New("the body takes too long")

func do(tr http.RoundTripper, r *http.Request) result {
	resp, err := tr.RoundTrip(r)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	type read struct {
		n   int64
		err error
	}
	done := make(chan read, 1)
	go func() {
		n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		done <- read{n, err}
	}()
	out := result{status: resp.StatusCode, header: resp.Header}
	select {
	case got := <-done:
		out.body, out.bodyErr = int(got.n), got.err
	case <-time.After(300 * time.Millisecond):
		resp.Body.Close()
		out.body, out.bodyErr = int((<-done).n), errSlow
	}
	return out
}
