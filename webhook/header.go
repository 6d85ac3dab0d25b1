package webhook

import (
	"errors"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/internal/httpfield"
	"github.com/postrider/postrider/webhook/internal/redact"
)

const (
	maxHeaders    = 20
	maxHeaderName = 128
)

// reservedHeaders cannot be custom headers: they belong to HTTP, to Postrider or to
// a signature, or make net/http repeat a request by itself.
var reservedHeaders = []string{
	"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive", "upgrade",
	"te", "trailer", "expect", "cookie", "idempotency-key", "x-idempotency-key", "authorization", "user-agent",
	"x-automation-webhook-token", "stripe-signature", "x-convoy-signature",
}

var reservedPrefixes = []string{"proxy-", "x-atlassian-webhook-", "x-hub-signature", "webhook-", "svix-"}

var (
	errHeaderName     = errors.New("a header name may hold letters, digits and !#$%&'*+-.^_`|~ only, up to 128 of them")
	errHeaderReserved = errors.New("this header belongs to HTTP, to Postrider or to a signature")
	errHeaderMasked   = errors.New("this is the mask that is shown in place of a value: enter the value itself")
	errHeaderValue    = errors.New("a header value may hold printable ASCII only, without a space at either end, up to 4096 bytes")
)

// checkHeader checks a custom header. Its errors do not repeat the value.
func checkHeader(name, value string) error {
	if len(name) > maxHeaderName || !httpfield.IsToken(name) {
		return errHeaderName
	}
	lower := strings.ToLower(name) // ASCII only by now
	hasPrefix := func(p string) bool { return strings.HasPrefix(lower, p) }
	switch {
	case slices.Contains(reservedHeaders, lower), slices.ContainsFunc(reservedPrefixes, hasPrefix):
		return errHeaderReserved
	case value == redact.Mask:
		return errHeaderMasked
	case !httpfield.IsValue(value):
		return errHeaderValue
	}
	return nil
}
