package webhook

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/postrider/postrider/webhook/internal/redact"
	"github.com/postrider/postrider/webhook/internal/transport"
)

var readBuffers = sync.Pool{New: func() any { return new([maxSnippet]byte) }}

// readBody reads at most 64 KiB of an answer's body within five seconds, so that the connection can
// be used again, and returns the cleaned beginning. It ignores errors, because the status has
// decided.
func (s *sender) readBody(body io.Reader, x *transport.Exchange, to *target, sent http.Header) string {
	if body == http.NoBody {
		return ""
	}
	x.Within(s.bounds.body)
	buf := readBuffers.Get().(*[maxSnippet]byte)
	defer readBuffers.Put(buf)
	n, err := 0, error(nil)
	for n < len(buf) && err == nil { // io.ReadFull does not tell an end from an answer that broke off
		var more int
		more, err = body.Read(buf[n:])
		n += more
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxBodyRead-maxSnippet))
	}
	switch {
	case n == 0, !redact.IsText(buf[:n]):
		return ""
	case n < redact.MinPartial && err == io.EOF && sent["Authorization"] == nil:
		return to.cleanShort(buf[:n])
	}
	secrets := to.secrets().WithHeader(sent)
	return secrets.Clean(string(buf[:n]), maxSnippet, err != io.EOF)
}

// cleanShort cleans an answer that is too short for a secret of a header, such as "ok". It keeps
// the latest one, because most receivers repeat the same answer.
func (t *target) cleanShort(answer []byte) string {
	if known := t.answer.Load(); known != nil && known.said == string(answer) {
		return known.cleaned
	}
	said := string(answer)
	a := &shortAnswer{said, t.secrets().Clean(said, maxSnippet, false)}
	t.answer.Store(a)
	return a.cleaned
}

type shortAnswer struct{ said, cleaned string }

// credentials lists the texts of a webhook that a receiver may echo and a tenant must not see: every
// secret and every header value.
func (w *Webhook) credentials() []string {
	texts := w.Auth.secretParts()
	for _, s := range w.Secrets {
		texts = append(texts, s.Reveal(), strings.TrimPrefix(s.Reveal(), "whsec_"))
	}
	for _, v := range w.Headers {
		texts = append(texts, v)
	}
	return texts
}
