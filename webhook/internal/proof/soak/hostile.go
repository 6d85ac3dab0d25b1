package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// behaviour is the fault of a hostile webhook; empty for a healthy one.
type behaviour string

const (
	hang        behaviour = "hang"         // no answer
	refuse      behaviour = "500"          // and the answer repeats the path and the signature
	busy        behaviour = "429"          // with Retry-After in seconds
	unavailable behaviour = "503"          // with Retry-After as a date, an hour from now
	reset       behaviour = "reset"        // the connection, after the request
	slowHeader  behaviour = "slow header"  // a header that never ends
	slowBody    behaviour = "slow body"    // 200, then a byte now and then
	endless     behaviour = "endless body" // 200, then as much as the sender reads
	redirect    behaviour = "redirect"     // to a URL that must not be called
	closed      behaviour = "closed"       // connections are closed before the handshake
)

var behaviours = []behaviour{hang, refuse, busy, unavailable, reset, slowHeader, slowBody, endless, redirect, closed}

// An answer has a status, 0 if the sender cannot get one, and the code of the attempt. 200 counts
// as delivered for any body.
type answer struct {
	status int
	code   webhook.Code
	send   func(http.ResponseWriter, *http.Request)
}

var answers = map[behaviour]answer{
	"": {200, webhook.CodeOK, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }},
	hang: {0, webhook.CodeTimeout, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // a return would answer 200
	}},
	refuse: {500, webhook.CodeStatus, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		fmt.Fprintf(w, "cannot handle %s with %v", r.URL, r.Header)
	}},
	busy: {429, webhook.CodeStatus, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(429)
	}},
	unavailable: {503, webhook.CodeStatus, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(503)
	}},
	reset: {0, webhook.CodeProtocol, func(w http.ResponseWriter, _ *http.Request) {
		if c := seize(w); c != nil {
			abort(c)
		}
	}},
	slowHeader: {0, webhook.CodeTimeout, func(w http.ResponseWriter, _ *http.Request) {
		if c := seize(w); c != nil {
			drip(c, "HTTP/1.1 200 OK\r\nX-Slow: ")
		}
	}},
	slowBody: {200, webhook.CodeOK, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	}},
	endless: {200, webhook.CodeOK, func(w http.ResponseWriter, _ *http.Request) {
		block := []byte(strings.Repeat("x", 32<<10))
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}},
	redirect: {302, webhook.CodeRedirect, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://"+healthyHost+"/redirected")
		w.WriteHeader(302)
	}},
	closed: {0, webhook.CodeProtocol, nil}, // no request arrives
}

// seize takes a connection over.
func seize(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	return c
}

// abort closes a connection with a TCP reset.
func abort(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// drip writes bytes until the other side goes away.
func drip(c net.Conn, text string) {
	defer c.Close()
	for {
		if _, err := c.Write([]byte(text)); err != nil {
			return
		}
		text = "x"
		time.Sleep(100 * time.Millisecond)
	}
}
