package webhook

import (
	"net/http"
	"strings"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// HeaderField is a field of an answer's header as [Attempt] keeps it.
type HeaderField struct {
	// Name is as net/http writes it, and one of a fixed list; see Attempt.Header.
	Name string `json:"name"`
	// Value is at most 200 bytes of text in one line, without control characters, secrets,
	// URL paths and addresses. Several values of one name are joined by a comma.
	Value string `json:"value"`
}

const (
	maxHeaderFields = 10
	maxHeaderValue  = 200 // bytes
)

// keptFields are the names of header fields that an attempt keeps of an answer, the most useful
// first. Each names the server, the reason, or the identifier of the request in the log of the
// receiver. A field that holds a credential, a cookie or a URL is never among them.
var keptFields = [...]string{
	"Content-Type", "Content-Length", "Www-Authenticate", "Allow", "Retry-After", "Date", "Server", "Via",
	"X-Request-Id", "X-Correlation-Id", "Traceparent", "Cf-Ray", "Cf-Mitigated", "X-Amzn-Requestid", "X-Amzn-Errortype",
	"X-Cache", "X-Github-Request-Id",
}

// answerHeader returns the fields of an answer's header that help to find the cause of a failure.
// It returns nil, and allocates nothing, if the answer has none of them.
func answerHeader(h http.Header, to *target, sent http.Header) (kept []HeaderField) {
	var secrets redact.Secrets
	for _, name := range keptFields {
		values := h[name]
		if len(values) == 0 {
			continue
		}
		if secrets == nil {
			secrets = to.secrets().WithHeader(sent)
		}
		if value := cleanField(strings.Join(values, ", "), secrets); value != "" {
			kept = append(kept, HeaderField{name, value})
		}
		if len(kept) == maxHeaderFields {
			break
		}
	}
	return kept
}

// cleanField cleans the value of a field. The copy keeps the rest of a large header out of memory.
func cleanField(value string, secrets redact.Secrets) string {
	cut := len(value) > maxHeaderValue
	if cut {
		value = value[:maxHeaderValue]
	}
	if !redact.IsText([]byte(value)) {
		return ""
	}
	return strings.Clone(secrets.Clean(value, maxHeaderValue, cut))
}
