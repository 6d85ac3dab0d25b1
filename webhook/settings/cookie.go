package settings

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

// A cookie carries a notice from a POST to the next page: 8 bytes with its end, the notice, and a
// MAC over both and the scope. The server therefore keeps nothing, no other site or tenant can
// forge one, and an old one is not shown.
const (
	noticeCookie = "postrider_notice"
	noticeLife   = time.Minute
	maxCookie    = 2048 // bytes of its value; browsers take 4,096 with everything
	minCookieKey = 32
)

var cookieEncoding = base64.RawURLEncoding.Strict()

// cookieKey is the host's key, or one that only this process has.
func cookieKey(o *Options) []byte {
	if key := o.CookieKey.Reveal(); key != "" {
		return []byte(key)
	}
	return []byte(rand.Text() + rand.Text()) // 260 bits
}

// seal returns the value of a cookie, "" if it is too long for one.
func (v *visit) seal(body []byte, now time.Time) string {
	value := binary.BigEndian.AppendUint64(nil, uint64(now.Add(noticeLife).Unix()))
	value = append(value, body...)
	sealed := cookieEncoding.EncodeToString(append(value, v.mac(value)...))
	if len(sealed) > maxCookie {
		return ""
	}
	return sealed
}

// open returns the argument of seal, if it was sealed for this scope within the last minute.
func (v *visit) open(sealed string, now time.Time) (body []byte, ok bool) {
	if len(sealed) > maxCookie {
		return nil, false
	}
	value, err := cookieEncoding.DecodeString(sealed)
	at := len(value) - sha256.Size
	if err != nil || at < 8 || !hmac.Equal(value[at:], v.mac(value[:at])) {
		return nil, false
	}
	left := time.Unix(int64(binary.BigEndian.Uint64(value)), 0).Sub(now)
	return value[8:at], left > 0 && left <= noticeLife
}

func (v *visit) mac(value []byte) []byte {
	h := hmac.New(sha256.New, v.key)
	h.Write([]byte("postrider settings notice\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(v.scope))))
	h.Write([]byte(v.scope))
	h.Write(value)
	return h.Sum(nil)
}

// cookie returns a cookie for the page and its subpages. A negative age deletes it.
func (v *visit) cookie(value string, age int) *http.Cookie {
	path := v.o.CookiePath
	if path == "" {
		if path = webpage.Mount(v.r) + "/"; strings.ContainsAny(path, ";, \"\\") || len(path) > maxCookiePath {
			path = "/" // a cookie cannot hold this path
		}
	}
	c := &http.Cookie{Name: noticeCookie, Value: value, Path: path, MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: v.r.TLS != nil || v.o.SecureCookie}
	if v.o.ofOthers() { // browsers keep the cookie apart for each site that shows the page
		c.SameSite, c.Secure, c.Partitioned = http.SameSiteNoneMode, true, true
	}
	return c
}

const maxCookiePath = 1024 // the limit of browsers
