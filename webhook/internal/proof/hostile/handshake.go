package hostile

import "io"

// CloseOnAccept closes the connection before any byte. The client sees an early end or a reset,
// depending on its first write.
func CloseOnAccept() Behavior {
	return Behavior{Name: "close on accept", accept: func(*link) {}}
}

// ResetOnAccept resets the connection before any byte.
func ResetOnAccept() Behavior {
	return Behavior{Name: "reset on accept", accept: (*link).reset}
}

// HangHandshake reads the client's first message and never answers it.
func HangHandshake() Behavior {
	return Behavior{Name: "hang in the handshake", accept: (*link).hang}
}

// ResetHandshake resets the connection after the client's first message.
func ResetHandshake() Behavior {
	return Behavior{Name: "reset in the handshake", accept: func(l *link) {
		l.hello()
		l.reset()
	}}
}

// AlertHandshake answers the client's first message with the fatal alert
// handshake_failure (RFC 8446 section 6).
func AlertHandshake() Behavior {
	return Behavior{Name: "alert in the handshake", accept: func(l *link) {
		l.hello()
		_, _ = l.raw.Write([]byte{21, 3, 3, 0, 2, 2, 40})
	}}
}

// PlainHTTP answers in plain text, like a web server without TLS.
func PlainHTTP() Behavior {
	return Behavior{Name: "plain HTTP on the TLS port", accept: func(l *link) {
		l.hello()
		_, _ = io.WriteString(l.raw, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}}
}

// hello reads one TLS record, because unread bytes would turn a close into a reset.
func (l *link) hello() {
	var head [5]byte
	if _, err := io.ReadFull(l.raw, head[:]); err != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, l.raw, int64(head[3])<<8|int64(head[4]))
}
