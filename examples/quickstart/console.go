package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// startStandIn starts a receiver that checks a request like the real rule. It is busy at first:
// 503, then 429 with Retry-After.
func startStandIn(fail bool, out *console) (*webhooktest.Endpoint, error) {
	return webhooktest.Start(&webhooktest.Options{Script: func(n int, r webhooktest.Request) webhooktest.Response {
		answer := webhooktest.Response{Status: http.StatusOK}
		switch {
		case fail, n == 1:
			answer = webhooktest.Response{Status: http.StatusServiceUnavailable}
		case n == 2:
			answer = webhooktest.Response{Status: http.StatusTooManyRequests, RetryAfter: time.Second}
		}
		out.received(n, r, answer)
		return answer
	}})
}

// console prints one thing at a time, each with the time since the start.
type console struct {
	mu    sync.Mutex
	start time.Time
}

func (c *console) line(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Printf("%8.3fs  %s\n", time.Since(c.start).Seconds(), fmt.Sprintf(format, args...))
}

func (c *console) schedule(demo, real retry.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range demo.Slots {
		fmt.Printf("           retry %d after %v to %v (else %v to %v)\n", i+1, s.Min, s.Max, real.Slots[i].Min, real.Slots[i].Max)
	}
}

// received shows a request. The token was checked; it is not printed.
func (c *console) received(n int, r webhooktest.Request, a webhooktest.Response) {
	var b strings.Builder
	fmt.Fprintf(&b, "request %d received, answering %d", n, a.Status)
	if a.RetryAfter > 0 {
		fmt.Fprintf(&b, " with Retry-After: %.0f", a.RetryAfter.Seconds())
	}
	fmt.Fprintf(&b, "\n             %s %s", r.Method, r.Shape)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "X-Automation-Webhook-Token" {
			value = "(correct, not shown)"
		}
		fmt.Fprintf(&b, "\n             %s: %s", name, value)
	}
	fmt.Fprintf(&b, "\n             %s", r.Body)
	c.line("%s", b.String())
}

func (c *console) attempt(d webhook.Delivery, a webhook.Attempt) {
	outcome := "accepted"
	if !a.OK() {
		outcome = "refused: " + string(a.Code)
	}
	if a.Status != 0 {
		outcome += fmt.Sprintf(" (status %d)", a.Status)
	}
	kind := "first attempt"
	if a.Number > 1 {
		kind = fmt.Sprintf("retry %d", a.Number-1)
	}
	c.line("%s of %s %s", kind, d.Type, outcome)
}

// table prints the outcome of each delivery and their number, and returns how many were delivered.
func (c *console) table(ended []webhook.Delivery) (delivered int) {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "event\tstate\tattempts\tlast code")
	for _, d := range ended {
		code := string(d.LastCode)
		if d.Exhausted {
			code += ", retries used up"
		}
		if d.State == webhook.StateDelivered {
			delivered++
			code = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", d.Type, d.State, d.Attempts, code)
	}
	_ = w.Flush()
	fmt.Printf("delivered %d of %d\n", delivered, len(ended))
	return delivered
}
