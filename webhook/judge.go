package webhook

import "net/http"

// Verdict is the result of Profile.Judge for an attempt.
type Verdict uint8

// The verdicts.
const (
	VerdictGiveUp Verdict = iota // the delivery ends as failed
	VerdictRetry                 // it is tried again, as Profile.Retry says
	VerdictGone                  // it ends as failed, and the webhook is switched off with [DisabledGone]
	VerdictAccept                // it ends as delivered
)

// DefaultJudge is the default of Profile.Judge. It accepts the statuses 200 to 299. It retries if
// there is no connection, no answer in time or an answer that is not HTTP, if the request could not
// leave this process, and after the statuses 408, 409, 425, 429 and 500 to 599. It retries without
// a token too, unless the token endpoint says that the client, the scope or the grant is wrong. A
// certificate that does not verify is permanent: a fixed, well-run host with a bad certificate
// means interception or a wrong clock.
func DefaultJudge(a Attempt) Verdict {
	switch a.Code {
	case CodeDNS, CodeConnect, CodeTLS, CodeTimeout, CodeProtocol, CodeEgress:
		return VerdictRetry
	case CodeAuth:
		if !isPermanentAuth(a.Detail) {
			return VerdictRetry
		}
	case CodeOK, CodeStatus:
		switch s := a.Status; {
		case s >= 200 && s <= 299:
			return VerdictAccept
		case s >= 500 && s <= 599, s == http.StatusRequestTimeout, s == http.StatusConflict, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
			return VerdictRetry
		}
	}
	return VerdictGiveUp
}

// standardJudge also retries after every other status, a certificate that does not verify and a
// refused token. A 410 switches the webhook off, and redirects stay failures.
func standardJudge(a Attempt) Verdict {
	verdict := DefaultJudge(a)
	switch {
	case a.Status == http.StatusGone:
		return VerdictGone
	case verdict == VerdictGiveUp && (a.Code == CodeStatus || a.Code == CodeTLSVerify || a.Code == CodeAuth):
		return VerdictRetry
	}
	return verdict
}

// isolatingJudge returns a copy of the Profile whose Judge cannot end its goroutine.
func (p Profile) isolatingJudge() Profile {
	if judge := p.Judge; judge != nil {
		p.Judge = func(a Attempt) (v Verdict) {
			isolate(func() { v = judge(a) })
			return v
		}
	}
	return p
}

// verdict calls Judge, or DefaultJudge.
func (p *Profile) verdict(a *Attempt) (v Verdict) {
	if p.Judge == nil {
		return DefaultJudge(*a)
	}
	defer func() { _ = recover() }() // a Judge that panics has not accepted
	return p.Judge(*a)
}
