package hostile

import (
	"bytes"
	"net/netip"
	"testing"
)

// query asks for the A record of x.example.com, with an EDNS record after it.
var query = []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" +
	"\x01X\x07example\x03com\x00\x00\x01\x00\x01" +
	"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00")

func TestReplyOnTheWire(t *testing.T) {
	t.Parallel()
	q, ok := parseQuestion(query)
	if !ok || q.name != "x.example.com" || q.kind() != "A" {
		t.Fatalf("parseQuestion = %+v, %t", q, ok)
	}
	got := q.reply(0, []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::1")}, true)
	want := []byte("\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" +
		"\x01X\x07example\x03com\x00\x00\x01\x00\x01" +
		"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00\x00\x02")
	if !bytes.Equal(got, want) {
		t.Errorf("reply\n%q, want\n%q", got, want)
	}
}

func FuzzParseQuestion(f *testing.F) {
	f.Add(query)
	f.Add(query[:20])
	f.Add([]byte("\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		q, ok := parseQuestion(msg)
		if !ok {
			return
		}
		if !bytes.HasPrefix(msg[headerLen:], q.wire) {
			t.Fatalf("the question %q is not that of %q", q.wire, msg)
		}
		again, ok := parseQuestion(append(append(append([]byte{}, msg[:4]...), 0, 1, 0, 0, 0, 0, 0, 0), q.wire...))
		if !ok || again.name != q.name || again.typ != q.typ {
			t.Fatalf("%q parses as %+v, then as %+v", msg, q, again)
		}
	})
}
