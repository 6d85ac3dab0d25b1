package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The faults below come after a complete header: a sender has its verdict by then, for any body.

// ResetMidBody announces 1,000 bytes, sends ten and resets the connection.
func ResetMidBody(code int) Behavior {
	return body("reset mid-body", code, "Content-Length: 1000", func(l *link) {
		if l.write("0123456789") {
			l.reset()
		}
	})
}

// CutBody announces 1,000 bytes, sends ten and closes the connection.
func CutBody(code int) Behavior {
	return body("cut body", code, "Content-Length: 1000", func(l *link) { l.write("0123456789") })
}

// SlowBody sends a body without end, one byte at each interval.
func SlowBody(code int, every time.Duration) Behavior {
	return body("slow body", code, "Content-Length: 1000000000", func(l *link) { l.drip(every, "x") })
}

// HangBody announces a body and sends none of it.
func HangBody(code int) Behavior {
	return body("hanging body", code, "Content-Length: 1000", (*link).hang)
}

// EndlessBody sends a body without end, as fast as the client reads.
func EndlessBody(code int) Behavior {
	block := strings.Repeat("x", 16<<10)
	return body("endless body", code, "Connection: close", func(l *link) { l.flood(block) })
}

// BrokenChunk sends one good chunk and then one whose length is no number.
func BrokenChunk(code int) Behavior {
	return body("broken chunk", code, "Transfer-Encoding: chunked", func(l *link) { l.write("5\r\nhello\r\nzz\r\nworld\r\n") })
}

// GzipBomb sends about 64 KiB of gzip that decompress to 64 MiB. It announces a close, because a
// client that has read all of it would use the connection again.
func GzipBomb(code int) Behavior {
	return body("gzip bomb", code, fmt.Sprintf("Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %d", len(bomb())), func(l *link) {
		_, _ = l.tls.Write(bomb())
	})
}

// bomb is made once, because compressing takes longer than every other behavior.
var bomb = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return out.Bytes()
})

func body(name string, code int, header string, send func(*link)) Behavior {
	return Behavior{Name: fmt.Sprint(name, " after ", code), answer: func(l *link) {
		l.close = true
		if l.write("HTTP/1.1 %03d %s\r\n%s\r\n\r\n", code, http.StatusText(code), header) {
			send(l)
		}
	}}
}
