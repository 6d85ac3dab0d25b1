package inspector

import (
	"fmt"
	"net/http"
	"strings"
)

// credentials are headers whose values are one, whoever sends them.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

const maxHeaderValue = 4 << 10

// maskHeader returns a copy without credentials.
func (in *Inspector) maskHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			switch {
			case isCredential(name), strings.EqualFold(name, in.o.TokenHeader):
				v = hidden(v)
			default:
				v = in.mask(cut(v, maxHeaderValue))
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}

func isCredential(name string) bool {
	for _, c := range credentials {
		if strings.EqualFold(name, c) {
			return true
		}
	}
	return false
}

// hidden tells the length, by which people recognise a secret that was cut off or pasted
// with a space, and the scheme of an Authorization header.
func hidden(v string) string {
	scheme, rest, ok := strings.Cut(v, " ")
	if !ok || len(scheme) > 10 {
		return fmt.Sprintf("(hidden, %d characters)", len(v))
	}
	return fmt.Sprintf("%s (hidden, %d characters)", scheme, len(rest))
}

// mask replaces known secrets in a text.
func (in *Inspector) mask(s string) string {
	for _, secret := range in.secrets() {
		s = strings.ReplaceAll(s, secret.Reveal(), "(hidden)")
	}
	return s
}
