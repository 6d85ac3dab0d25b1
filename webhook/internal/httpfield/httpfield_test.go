package httpfield_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/internal/httpfield"
)

// Rule: each byte is accepted, in a name and in a value, exactly if net/http sends it
// unchanged.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		c := string([]byte{byte(b)})
		name, value := "X"+c+"Y", "x"+c+"y"
		if got, want := httpfield.IsToken(name), sends(t, name, "v"); got != want {
			t.Errorf("IsToken(%q) = %t, net/http says %t", name, got, want)
		}
		// net/http sends tabs and bytes above 0x7E, but proxies change them.
		if got, want := httpfield.IsValue(value), sends(t, "X", value) && b != '\t' && b < 0x7F; got != want {
			t.Errorf("IsValue(%q) = %t, want %t", value, got, want)
		}
	}
	for value, want := range map[string]bool{"": true, " a": false, "a ": false, "a b": true, " ": false,
		strings.Repeat("a", 4096): true, strings.Repeat("a", 4097): false} {
		if got := httpfield.IsValue(value); got != want {
			t.Errorf("IsValue of %d bytes, %.5q: %t, want %t", len(value), value, got, want)
		}
	}
	if httpfield.IsToken("") {
		t.Error("the empty name is a token")
	}
}

var errDialed = errors.New("dialed")

// sends reports whether net/http accepts a field: it checks the fields before it dials.
func sends(t *testing.T, name, value string) bool {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://receiver.invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header[name] = []string{value}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errDialed }}
	_, err = transport.RoundTrip(r)
	return errors.Is(err, errDialed)
}
