package inspector

import (
	"net/http"
	"slices"
	"time"
)

// Request is a received request with the results of its checks. Credentials in it are masked.
type Request struct {
	N      int       `json:"n"` // counts from 1
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	// Target is path and query as they came, up to 4 KiB, with known secrets masked.
	Target string `json:"target"`
	// Header holds up to 256 values of up to 4 KiB, with credentials masked. MoreHeaders is
	// the number of values beyond that.
	Header      http.Header `json:"header"`
	MoreHeaders int         `json:"moreHeaders,omitempty"`
	// Body holds the bytes as they came, without known secrets and without the sharedSecret of a
	// Connect installation; where that cannot be read, Body is empty. Hidden says that something is
	// missing for this reason. Size is the number of bytes that came, of which Body may hold fewer.
	Body   []byte `json:"body"`
	Size   int64  `json:"size"`
	Hidden bool   `json:"hidden,omitempty"`
	// Event is the type of the event, where the body or the path names it.
	Event string `json:"event,omitempty"`
	// ID is the identifier that the sender gave; see [Request.Copy].
	ID string `json:"id,omitempty"`
	// Retry is the number of the retry: the sender's X-Atlassian-Webhook-Retry, or else Copy - 1.
	Retry int `json:"retry"`
	// Copy counts the kept requests with this identifier to this target: 1 for the first. Changed
	// says that the body differs from the one before, which is a fault of the sender.
	Copy    int  `json:"copy"`
	Changed bool `json:"changed,omitempty"`
	// Checks has a line for each signature scheme that the request uses.
	Checks []Check `json:"checks"`
	Answer Answer  `json:"answer"`
}

// Check is the result of one signature.
type Check struct {
	Scheme string  `json:"scheme"` // one of the scheme constants
	Result Verdict `json:"result"`
	Detail string  `json:"detail,omitempty"` // why not
}

// The schemes.
const (
	SchemeToken     = "token"
	SchemePathToken = "token in path"
	SchemeStandard  = "Standard Webhooks"
	SchemeHub       = "X-Hub-Signature"
	SchemeConnect   = "Connect JWT"
)

// Verdict is the result of a [Check].
type Verdict string

// The verdicts.
const (
	Verified  Verdict = "verified"
	Rejected  Verdict = "rejected"
	Unchecked Verdict = "unchecked" // no known secret could fit
)

// Verdict is the worst of the checks: a request that uses no scheme is [Unchecked].
func (r Request) Verdict() Verdict {
	out := Unchecked
	for _, c := range r.Checks {
		switch c.Result {
		case Rejected:
			return Rejected
		case Verified:
			out = Verified
		}
	}
	return out
}

// clone returns a copy that shares nothing with r but the body, which is not changed.
func (r Request) clone() Request {
	r.Header = r.Header.Clone()
	r.Checks = slices.Clone(r.Checks)
	return r
}

// weight is roughly the memory of the request in bytes.
func (r *Request) weight() int {
	n := 512 + len(r.Body) + len(r.Target) + len(r.Event) + len(r.ID)
	for name, values := range r.Header {
		for _, v := range values {
			n += 64 + len(name) + len(v)
		}
	}
	return n
}
