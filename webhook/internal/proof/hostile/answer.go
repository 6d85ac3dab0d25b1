package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Field is a header field of an answer.
type Field struct{ Name, Value string }

// RetryAfter is the header field of that name, with any text as its value.
func RetryAfter(value string) Field { return Field{"Retry-After", value} }

// Location is the header field of that name.
func Location(url string) Field { return Field{"Location", url} }

// Status answers with a status, header fields and no body. The connection stays
// open for the next request.
func Status(code int, fields ...Field) Behavior { return Answer(code, "", fields...) }

// Answer answers with a status, header fields and a body. The connection stays
// open for the next request.
func Answer(code int, body string, fields ...Field) Behavior {
	return Behavior{Name: statusName(code, fields), answer: func(l *link) { l.answer(code, body, fields) }}
}

func statusName(code int, fields []Field) string {
	name := fmt.Sprint("status ", code)
	for _, f := range fields {
		name += fmt.Sprintf(", %s: %s", f.Name, f.Value)
	}
	return name
}

func (l *link) answer(code int, body string, fields []Field) {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", code, http.StatusText(code))
	for _, f := range fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	if code >= 200 && code != http.StatusNoContent && code != http.StatusNotModified {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	if l.close {
		b.WriteString("Connection: close\r\n")
	}
	l.write("%s\r\n%s", b.String(), body)
}

// Together answers 200 to n requests at once, as soon as n wait.
func Together(n int) Behavior {
	var mu sync.Mutex
	waiting, all := 0, make(chan struct{})
	return Behavior{Name: fmt.Sprint("answers to ", n, " at once"), answer: func(l *link) {
		mu.Lock()
		mine := all
		if waiting++; waiting == n {
			close(all)
			waiting, all = 0, make(chan struct{})
		}
		mu.Unlock()
		select {
		case <-mine:
			l.answer(http.StatusOK, "", nil)
		case <-l.s.done:
			l.close = true
		}
	}}
}

// EarlyAnswer answers after the header, and only then reads the body.
func EarlyAnswer(code int) Behavior {
	return Behavior{Name: fmt.Sprint("early status ", code), early: true, answer: func(l *link) {
		l.close = true
		l.answer(code, "", nil)
	}}
}

// Informational sends the given 1xx statuses and then 200.
func Informational(codes ...int) Behavior {
	return Behavior{Name: fmt.Sprint("informational ", codes), answer: func(l *link) {
		for _, code := range codes {
			l.answer(code, "", nil)
		}
		l.answer(http.StatusOK, "", nil)
	}}
}

// EndlessInformational sends 102 without end, one at each interval, or as fast as the client reads
// for 0. net/http returns an error for large headers, or its header timeout.
func EndlessInformational(every time.Duration) Behavior {
	const line = "HTTP/1.1 102 Processing\r\n\r\n"
	return Behavior{Name: fmt.Sprint("endless 1xx, one every ", every), answer: func(l *link) {
		l.close = true
		if every == 0 {
			l.flood(line)
			return
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for l.write(line) {
			select {
			case <-tick.C:
			case <-l.s.done:
				return
			}
		}
	}}
}

// SwitchingProtocols answers 101 and sends nothing else.
func SwitchingProtocols() Behavior {
	return Behavior{Name: "status 101", answer: func(l *link) {
		l.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		l.hang()
	}}
}

// CloseBeforeHeaders reads the request and closes the connection.
func CloseBeforeHeaders() Behavior {
	return Behavior{Name: "close before headers", answer: func(l *link) { l.close = true }}
}

// ResetBeforeHeaders reads the request and resets the connection.
func ResetBeforeHeaders() Behavior {
	return Behavior{Name: "reset before headers", answer: (*link).reset}
}

// HangBeforeHeaders reads the request and never answers.
func HangBeforeHeaders() Behavior {
	return Behavior{Name: "hang before headers", answer: (*link).hang}
}

// ResetOnReuse answers 200 and keeps the connection open until the next request arrives on it: that
// request is reset unread. It uses up no further step.
func ResetOnReuse() Behavior {
	b := Status(http.StatusOK)
	b.Name, b.reuse = "reset on reuse", (*link).reset
	return b
}

// CloseOnReuse answers 200 and keeps the connection open. It reads the next request on it to its
// end, and then closes the connection without an answer. It uses up no further step.
func CloseOnReuse() Behavior {
	b := Status(http.StatusOK)
	b.Name, b.reuse = "close on reuse, request read", (*link).readNext
	return b
}

// ResetAfterReuse is CloseOnReuse with a reset.
func ResetAfterReuse() Behavior {
	b := Status(http.StatusOK)
	b.Name = "reset on reuse, request read"
	b.reuse = func(l *link) {
		l.readNext()
		l.reset()
	}
	return b
}

// HangOnReuse is CloseOnReuse with a connection that stays open.
func HangOnReuse() Behavior {
	b := Status(http.StatusOK)
	b.Name = "hang on reuse, request read"
	b.reuse = func(l *link) {
		l.readNext()
		l.hang()
	}
	return b
}

func (l *link) readNext() {
	if r, err := http.ReadRequest(l.in); err == nil {
		l.receive(r, false)
	}
}

// CloseIdle answers 200 without announcing a close, and closes the connection.
func CloseIdle() Behavior {
	return Behavior{Name: "close of an idle connection", answer: func(l *link) {
		l.answer(http.StatusOK, "", nil)
		l.close = true
	}}
}
