package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Rule: every contender without a server sends the same request, so that none has less to write.
// The test lists the additions of each client.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, contender := range []string{netHTTP, rawBytes, fastHTTP, roundTrip, retryable, onMemory, onSQLite} {
		t.Run(contender, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 10)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- describe(r) })}
			go srv.Serve(l)
			defer srv.Close()

			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			tally := newTally(1)
			s, err := newSender(ctx, setup{job{Part: "drain", Contender: contender, Receiver: l.Addr().String(), Dir: t.TempDir(), InFlight: 4, Endpoints: 2}, tally.done})
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			if err := s.dispatch(ctx, event{"evt_1", 1}); err != nil {
				t.Fatal(err)
			}
			running, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- s.run(running) }()
			select {
			case <-tally.all:
			case <-ctx.Done():
				t.Fatal("nothing was sent")
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			want := "POST h1.example.com/hook\nContent-Length: 430\nContent-Type: application/json\n" +
				"User-Agent: Postrider/1 (+https://github.com/postrider/postrider)\nWebhook-Id: evt_1\nX-Source: scheduled-tasks\nX-Tenant: acme\n" + string(body)
			if one := <-got; one != want {
				t.Errorf("sent\n%s\nwant\n%s", one, want)
			}
			if n := tally.failed.Load(); n > 0 {
				t.Errorf("%d failed", n)
			}
		})
	}
}

// describe writes a request as its method, address, headers in order, and body.
func describe(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s\n", r.Method, r.Host, r.URL.Path)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	_, _ = io.Copy(&b, r.Body)
	return b.String()
}
