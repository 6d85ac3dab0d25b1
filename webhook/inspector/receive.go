package inspector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/postrider/postrider/webhook/sign"
)

// Receive records a request that did not come through ServeHTTP, such as one to a stand-in for the
// real receiver, and returns its answer. The caller waits for Answer.Delay. The signature covers
// the request's RequestURI, or its URL where RequestURI is empty.
func (in *Inspector) Receive(r *http.Request) Answer {
	return in.record(r).Answer
}

func (in *Inspector) record(r *http.Request) Request {
	body, size := in.readBody(r.Body)
	out := Request{Time: time.Now().UTC().Round(0), Method: cut(r.Method, maxMethod), Target: target(r), Size: size, Body: body}
	out.Event = cut(visible(in.mask(eventOf(body, out.Target))), maxEvent)
	out.ID = cut(visible(in.mask(identifier(r.Header))), maxID)
	out.Retry, _ = strconv.Atoi(r.Header.Get(jiraRetry))
	out.Retry = max(0, out.Retry)
	out.Checks = in.verify(r, out.Target, body, out.Time)
	out.Body = in.maskBody(in.install(out.Target, body, out.Size == int64(len(body))), out.Size > int64(len(body)))
	out.Hidden = !bytes.Equal(out.Body, body)
	out.Target = cut(visible(in.mask(out.Target)), maxText)
	out.Header, out.MoreHeaders = in.maskHeader(r.Header)
	out = in.keep(out)
	in.writeLine(&out)
	return out
}

// Bounds of a kept request beside its body, in bytes.
const (
	maxMethod  = 32
	maxEvent   = 200
	maxID      = 400
	maxText    = 4 << 10 // the target, a header value
	maxName    = 256     // of a header
	maxHeaders = 256     // values
)

// readBody keeps the beginning and counts the rest.
func (in *Inspector) readBody(body io.Reader) (kept []byte, size int64) {
	if body == nil {
		return nil, 0
	}
	kept, err := io.ReadAll(io.LimitReader(body, int64(in.o.MaxBody)))
	size = int64(len(kept))
	if err == nil && len(kept) == in.o.MaxBody {
		rest, _ := io.Copy(io.Discard, io.LimitReader(body, maxRead))
		size += rest
	}
	return slices.Clip(kept), size
}

// target is path and query as the sender wrote them.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// eventOf finds the type: "trigger" of Automation's bodies, "webhookEvent" of Jira's, "eventType"
// of Connect's lifecycle, "event" or "type" of others. Confluence's bodies have no type, so below
// in/connect/ the last segment of the path is the type.
func eventOf(body []byte, target string) string {
	var names struct{ Trigger, WebhookEvent, EventType, Event, Type any }
	if json.Unmarshal(body, &names) == nil {
		for _, v := range []any{names.Trigger, names.WebhookEvent, names.EventType, names.Event, names.Type} {
			if s, ok := v.(string); ok && s != "" {
				return s
			}
		}
	}
	where, _, _ := strings.Cut(target, "?")
	if strings.Contains(where, "/"+connectPath) {
		return path.Base(where)
	}
	return ""
}

// Headers of Jira's webhooks.
const (
	jiraIdentifier = "X-Atlassian-Webhook-Identifier"
	jiraRetry      = "X-Atlassian-Webhook-Retry"
)

func identifier(h http.Header) string {
	for _, name := range []string{sign.IDHeader, jiraIdentifier} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// visible escapes characters without a shape and those that change the direction of a text, because
// with them one event could look like another in a list.
func visible(s string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }
	if strings.IndexFunc(s, odd) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if odd(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "?")
}

// writeLine writes a line to the console. Text from outside is quoted, so that a sender cannot
// control the terminal.
func (in *Inspector) writeLine(r *Request) {
	if in.o.Console == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s #%d %s %+q %d bytes", r.Time.Format("15:04:05.000"), r.N, r.Method, r.Event, r.Size)
	for _, c := range r.Checks {
		fmt.Fprintf(&b, ", %s %s", c.Scheme, c.Result)
	}
	if r.Retry > 0 {
		fmt.Fprintf(&b, ", retry %d", r.Retry)
	}
	fmt.Fprintf(&b, " -> %d\n", r.Answer.Status)
	in.console.Lock()
	defer in.console.Unlock()
	_, _ = io.WriteString(in.o.Console, b.String())
}
