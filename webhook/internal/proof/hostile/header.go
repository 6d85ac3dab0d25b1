package hostile

import (
	"fmt"
	"strings"
	"time"
)

// SlowHeaders sends a header without end, one byte at each interval.
func SlowHeaders(every time.Duration) Behavior {
	return Behavior{Name: "headers one byte at a time", answer: func(l *link) {
		l.close = true
		if l.write("HTTP/1.1 200 OK\r\n") {
			l.drip(every, "X-Slow: 0123456789\r\n")
		}
	}}
}

// BigHeaders sends a complete 200 with at least n bytes of header fields.
func BigHeaders(n int) Behavior {
	return Behavior{Name: fmt.Sprint("headers of ", n, " bytes"), answer: func(l *link) {
		l.close = true
		const line = "X-Big: 0123456789012345678901234567890123456789012345678901234\r\n" // 64 bytes
		l.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n", strings.Repeat(line, (n+len(line)-1)/len(line)))
	}}
}

// EndlessHeaders sends header fields without end.
func EndlessHeaders() Behavior {
	return Behavior{Name: "endless headers", answer: func(l *link) {
		l.close = true
		if l.write("HTTP/1.1 200 OK\r\n") {
			l.flood("X-Big: 0123456789012345678901234567890123456789012345678901234\r\n")
		}
	}}
}

// Raw sends bytes as they are and closes the connection.
func Raw(name, bytes string) Behavior {
	return Behavior{Name: name, answer: func(l *link) {
		l.close = true
		l.write("%s", bytes)
	}}
}

// Malformed returns answers that are not HTTP/1.1. net/http refuses each.
func Malformed() []Behavior {
	return []Behavior{
		Raw("banner of another protocol", "SSH-2.0-OpenSSH_9.9 banner-canary\r\n"),
		Raw("HTTP/0.9", "<html>banner-canary</html>\n"),
		Raw("no status", "HTTP/1.1\r\n\r\n"),
		Raw("status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
		Raw("status of four digits", "HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n"),
		Raw("negative status", "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n"),
		Raw("status in words", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
		Raw("two Content-Lengths", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\nx"),
		Raw("negative Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
		Raw("unknown Transfer-Encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: other\r\n\r\n"),
		Raw("header without a colon", "HTTP/1.1 200 OK\r\nbanner-canary\r\n\r\n"),
		Raw("header cut off", "HTTP/1.1 200 OK\r\nContent-Le"),
	}
}
