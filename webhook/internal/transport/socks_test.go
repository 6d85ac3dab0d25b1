package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
)

// Rule: names are sent to the proxy as names, addresses as addresses.
func TestSOCKSRequest(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"hooks.example.com:443":           "05010003" + "11" + "686f6f6b732e6578616d706c652e636f6d" + "01bb",
		"192.0.2.7:8443":                  "05010001" + "c0000207" + "20fb",
		"[2001:db8::7]:443":               "05010004" + "20010db8000000000000000000000007" + "01bb",
		"[::ffff:192.0.2.7]:443":          "05010001" + "c0000207" + "01bb",
		"hooks.example.com":               "",
		"hooks.example.com:65536":         "",
		strings.Repeat("x", 256) + ":443": "",
		"hooks.example.com:https":         "",
	} {
		got, err := socksRequest(address)
		if fmt.Sprintf("%x", got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %x, %v, want %s", address, got, err, want)
		}
	}
}

// FuzzSOCKS: for any answer of a proxy the handshake ends with a verdict and reads no byte behind the
// answer, where the target's first bytes may be.
func FuzzSOCKS(f *testing.F) {
	for _, s := range []string{"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\x02\x01\x00\x05\x00\x00\x03\x02hi\x00\x50", "\x05\xff",
		"\x05\x00\x05\x00\x00\x04" + strings.Repeat("\x00", 18), "\x05\x00\x05\x05\x00\x01", "\x05\x02\x01\x01", "\x04\x00", ""} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	const rest = "target"
	f.Fuzz(func(t *testing.T, said []byte, user bool) {
		p := &proxy{url: &url.URL{}}
		if user {
			p.url.User = url.UserPassword("user", "password")
		}
		all := append(bytes.Clone(said), rest...)
		in := bytes.NewReader(all)
		err := p.socks(struct {
			io.Reader
			io.Writer
		}{in, io.Discard}, "hooks.example.com:443")
		var own *Error
		if err != nil {
			if !errors.As(err, &own) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v", err)
			}
			return
		}
		answer := 2
		if all[1] == socksPassword {
			answer = 4
		}
		end := answer + 4 + 2 + map[byte]int{1: 4, 4: 16}[all[answer+3]]
		if all[answer+3] == 3 {
			end += 1 + int(all[answer+4])
		}
		if read := len(all) - in.Len(); read != end || all[answer+1] != 0 {
			t.Errorf("%x: %d bytes were read, want %d", all, read, end)
		}
	})
}
