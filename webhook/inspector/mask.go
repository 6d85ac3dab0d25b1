package inspector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/sign"
)

// credentials are headers whose values are credentials, in requests of any sender.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// maskHeader returns a copy without credentials, and the number of values beyond maxHeaders.
func (in *Inspector) maskHeader(h http.Header) (out http.Header, more int) {
	out = make(http.Header, min(len(h), maxHeaders))
	kept := 0
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			if kept == maxHeaders {
				more++
				continue
			}
			kept++
			switch {
			case isCredential(name), strings.EqualFold(name, in.o.TokenHeader):
				v = hidden(name, v)
			default:
				v = cut(in.mask(v), maxText)
			}
			short := cut(in.mask(name), maxName)
			out[short] = append(out[short], v)
		}
	}
	return out, more
}

func isCredential(name string) bool {
	for _, c := range credentials {
		if strings.EqualFold(name, c) {
			return true
		}
	}
	return false
}

// hidden returns the length of a value, so that people recognise a secret that was cut off or
// pasted with a space, and the scheme of an Authorization header.
func hidden(name, v string) string {
	scheme, rest, ok := strings.Cut(v, " ")
	if !ok || len(scheme) > 10 || !strings.HasSuffix(strings.ToLower(name), "authorization") {
		return fmt.Sprintf("(hidden, %d characters)", len(v))
	}
	return fmt.Sprintf("%s (hidden, %d characters)", scheme, len(rest))
}

// mask replaces known secrets in a text.
func (in *Inspector) mask(s string) string {
	for _, secret := range in.masked {
		s = strings.ReplaceAll(s, secret, mark)
	}
	return s
}

// maskBody replaces known secrets in a body, and the beginning of one at its end where the
// body was cut off.
func (in *Inspector) maskBody(body []byte, cutOff bool) []byte {
	longest := 0
	for _, secret := range in.masked {
		if bytes.Contains(body, []byte(secret)) {
			body = bytes.ReplaceAll(body, []byte(secret), []byte(mark))
		}
		for n := min(len(secret)-1, len(body)); cutOff && n > longest; n-- {
			if bytes.HasSuffix(body, []byte(secret[:n])) {
				longest = n
			}
		}
	}
	return slices.Clip(body[:len(body)-longest])
}

const mark = "(hidden)"

// spellings lists secrets as they are, and as JSON, HTML and URLs usually write them, the
// longest first.
func spellings(secrets []sign.Secret) (all []string) {
	plainJSON := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	for _, secret := range secrets {
		for _, s := range []string{secret.Reveal(), strings.TrimPrefix(secret.Reveal(), "whsec_")} {
			all = append(all, s, plainJSON.Replace(s), html.EscapeString(s), url.QueryEscape(s), url.PathEscape(s))
			if escaped, err := json.Marshal(s); err == nil {
				inner := string(escaped[1 : len(escaped)-1])
				all = append(all, inner, strings.ReplaceAll(inner, "/", `\/`))
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(all)
}
