package transport

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
)

// writes counts the writes to a connection.
type writes struct {
	net.Conn
	n *atomic.Int32
}

func (w writes) Write(p []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(p)
}

// Rule: header and body of a small request are sent in one write, which is one packet.
func TestRequestIsOneWrite(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var n atomic.Int32
	by := New(Options{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		return writes{conn, &n}, err
	}})
	defer by.CloseIdleConnections()
	for i := range 3 {
		x := Begin(t.Context(), []byte(`{"processId":"1"}`))
		req := x.Request()
		req.Method, req.Header = http.MethodPost, http.Header{}
		req.URL = &url.URL{Scheme: "http", Host: "hooks.example.com", Path: "/hook"}
		resp, err := by.Send(x, req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := int(n.Load()); got != i+1 {
			t.Fatalf("%d writes after %d requests", got, i+1)
		}
	}
}
