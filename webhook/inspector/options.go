package inspector

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

// Options configures an [Inspector]. Nil, or a zero field, means the default.
type Options struct {
	// Secrets are shared with the senders. Tokens, Standard Webhooks and X-Hub-Signature are
	// checked against each of them. Without secrets no request from outside can be verified. They
	// are never shown.
	Secrets []sign.Secret
	// TokenHeader carries a token; default [sign.TokenHeader].
	TokenHeader string
	// BaseURL is the inspector's mount point as senders of Connect webhooks reach it, such as
	// "https://dev.example.com/inspector"; default is the one in the request for the descriptor.
	// Its host is one of Hosts.
	BaseURL string
	// Hosts are the names under which the page, the feed and the descriptor answer, beside
	// localhost and loopback addresses; default none. Ports are ignored. "*" means all, for a host
	// that checks names itself. Requests below in/ are received under every name.
	Hosts []string
	// Keep is the number of requests kept, 1 to 10,000; default 200. The oldest is dropped first.
	Keep int
	// KeepBytes bounds the memory of all kept requests; default 64 MiB.
	KeepBytes int
	// MaxBody is how many bytes of a body are kept, at most KeepBytes; default 1 MiB. The rest is
	// read and counted, up to 32 MiB.
	MaxBody int
	// Console gets one line for each request; default none. Its errors are ignored.
	Console io.Writer
	// Back is a link out of the page, into the host; default none.
	Back Link
	// Texts are the words, in the language and the time zone of a request; default is [English].
	Texts func(*http.Request) *Texts
	// Title replaces Texts.Title.
	Title string
	// CSS follows the page's own rules in its stylesheet. The variables are those that package
	// settings lists.
	CSS string
	// Header and Footer are put above and below every page as they are.
	Header, Footer template.HTML
	// Refresh is the interval of the page's polling; default 1 s, at least 250 ms.
	Refresh time.Duration
}

// Link is a link of the host.
type Link struct{ Text, URL string }

const (
	defaultKeep      = 200
	maxKeep          = 10_000
	defaultKeepBytes = 64 << 20
	defaultMaxBody   = 1 << 20
	maxRead          = 32 << 20
	minRefresh       = 250 * time.Millisecond
)

func (o *Options) withDefaults() (Options, error) {
	var out Options
	if o != nil {
		out = *o
	}
	out.Secrets = slices.Clone(out.Secrets)
	if out.TokenHeader == "" {
		out.TokenHeader = sign.TokenHeader
	}
	if out.Keep == 0 {
		out.Keep = defaultKeep
	}
	if out.KeepBytes == 0 {
		out.KeepBytes = defaultKeepBytes
	}
	if out.MaxBody == 0 {
		out.MaxBody = min(defaultMaxBody, out.KeepBytes)
	}
	if out.Refresh == 0 {
		out.Refresh = time.Second
	}
	refuse := func(format string, args ...any) (Options, error) {
		return Options{}, fmt.Errorf("inspector: "+format, args...)
	}
	switch {
	case out.Keep < 1 || out.Keep > maxKeep:
		return refuse("Options.Keep %d must be between 1 and %d", out.Keep, maxKeep)
	case out.KeepBytes < 1:
		return refuse("Options.KeepBytes %d must be positive", out.KeepBytes)
	case out.MaxBody < 1 || out.MaxBody > out.KeepBytes:
		return refuse("Options.MaxBody %d must be between 1 and KeepBytes %d", out.MaxBody, out.KeepBytes)
	case out.Refresh < minRefresh:
		return refuse("Options.Refresh %v must be at least %v", out.Refresh, minRefresh)
	}
	for i, s := range out.Secrets {
		if s.IsZero() {
			return refuse("Options.Secrets: secret %d is empty", i+1)
		}
	}
	if out.BaseURL != "" {
		u, err := url.Parse(out.BaseURL)
		if err != nil || !sign.InBase(u, out.BaseURL) { // a valid base URL lies in itself
			return Options{}, errors.New("inspector: Options.BaseURL must be an http or https URL with host and optional path, without user, query and fragment")
		}
		out.Hosts = append(slices.Clip(out.Hosts), u.Host)
	}
	return out, nil
}
