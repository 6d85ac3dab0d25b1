package webhook

import "net/http"

// Verdict is what Profile.Judge says of an attempt.
type Verdict uint8

// The verdicts.
const (
	// VerdictGiveUp ends the delivery as failed.
	VerdictGiveUp Verdict = iota
	// VerdictRetry tries again, as Profile.Retry says.
	VerdictRetry
	// VerdictGone gives up and switches the webhook off, with [DisabledGone] as the reason.
	VerdictGone
	// VerdictAccept ends the delivery as delivered.
	VerdictAccept
)

// DefaultJudge is the default of Profile.Judge. It accepts the statuses 200 to 299. Worth
// another attempt are: no connection, no answer in time, an answer that is not HTTP, our own
// way out, and the statuses 408, 409, 425, 429 and 500 to 599. So is having no token, unless
// its endpoint says that the client, the scope or the grant is wrong. A certificate that does not
// verify is permanent: a fixed, well-run host with a bad certificate means interception or a wrong clock.
func DefaultJudge(a Attempt) Verdict {
	switch a.Code {
	case CodeOK:
		return VerdictAccept
	case CodeDNS, CodeConnect, CodeTLS, CodeTimeout, CodeProtocol, CodeEgress:
		return VerdictRetry
	case CodeAuth:
		if !givesUpOnAuth(a.Detail) {
			return VerdictRetry
		}
	case CodeStatus:
		switch {
		case a.Status >= 200 && a.Status <= 299:
			return VerdictAccept
		case a.Status >= 500 && a.Status <= 599:
			return VerdictRetry
		}
		switch a.Status {
		case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
			return VerdictRetry
		}
	}
	return VerdictGiveUp
}

// standardJudge gives up at redirects, and at what is no failure of the endpoint.
func standardJudge(a Attempt) Verdict {
	if a.Code == CodeStatus && a.Status == http.StatusGone {
		return VerdictGone
	}
	verdict := DefaultJudge(a)
	if verdict == VerdictGiveUp && (a.Code == CodeStatus || a.Code == CodeTLSVerify || a.Code == CodeAuth) {
		return VerdictRetry
	}
	return verdict
}

// verdict asks Judge about an attempt.
func (p *Profile) verdict(a *Attempt) (v Verdict) {
	if p.Judge == nil {
		return DefaultJudge(*a)
	}
	defer func() { _ = recover() }() // a Judge that panics has not accepted
	return p.Judge(*a)
}
