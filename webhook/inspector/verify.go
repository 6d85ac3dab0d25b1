package inspector

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/webpage"
	"github.com/postrider/postrider/webhook/sign"
)

// verify checks every scheme that the request uses.
func (in *Inspector) verify(r *http.Request, target string, body []byte, now time.Time) []Check {
	checks := []Check{}
	h := r.Header
	if h.Get(in.o.TokenHeader) != "" {
		checks = append(checks, in.anySecret(SchemeToken, func(s sign.Secret) error { return sign.VerifyToken(h, in.o.TokenHeader, s) }))
	}
	where, _, _ := strings.Cut(target, "?")
	segment := where[strings.LastIndexByte(where, '/')+1:]
	if slices.ContainsFunc(in.secrets(), func(s sign.Secret) bool { return sign.NewSecret(segment).Equal(s) }) {
		checks = append(checks, Check{Scheme: SchemePathToken, Result: Verified})
	}
	if h.Get(sign.SignatureHeader) != "" {
		checks = append(checks, in.anySecret(SchemeStandard, func(s sign.Secret) error { return sign.VerifyStandard(h, body, now, 0, s) }))
	}
	if h.Get(sign.HubSignatureHeader) != "" {
		checks = append(checks, in.anySecret(SchemeHub, func(s sign.Secret) error { return sign.VerifyHMAC(h, body, s) }))
	}
	if strings.HasPrefix(strings.ToUpper(h.Get("Authorization")), "JWT ") {
		checks = append(checks, in.verifyConnect(r, target, now))
	}
	return checks
}

// anySecret succeeds when one of the secrets does. Otherwise it returns the most specific reason: a
// secret that is invalid for this scheme says nothing about the request.
func (in *Inspector) anySecret(scheme string, try func(sign.Secret) error) Check {
	if len(in.o.Secrets) == 0 && try(in.own) != nil {
		return Check{scheme, Unchecked, "no secret is known; give Options.Secrets"}
	}
	var reason error
	for _, s := range in.secrets() {
		err := try(s)
		if err == nil {
			return Check{Scheme: scheme, Result: Verified}
		}
		if reason == nil || errors.Is(reason, sign.ErrConfig) || errors.Is(reason, sign.ErrSignature) && !errors.Is(err, sign.ErrConfig) {
			reason = err
		}
	}
	return Check{scheme, Rejected, strings.TrimPrefix(reason.Error(), "sign: ")}
}

// secrets returns the host's secrets and the one that signs samples.
func (in *Inspector) secrets() []sign.Secret {
	return append(slices.Clip(in.o.Secrets), in.own)
}

func (in *Inspector) verifyConnect(r *http.Request, target string, now time.Time) Check {
	asSent := r.Clone(r.Context())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return Check{SchemeConnect, Rejected, "the target is no URL"}
	}
	asSent.URL = u
	base := in.o.BaseURL
	if base == "" {
		base = "http://" + r.Host + webpage.Mount(r)
	}
	_, err = sign.VerifyConnectJWT(asSent, now, sign.ConnectReceiver{Secrets: in.installed, BaseURL: base})
	switch {
	case err == nil:
		return Check{Scheme: SchemeConnect, Result: Verified}
	case errors.Is(err, sign.ErrIssuer):
		return Check{SchemeConnect, Unchecked, "the sender has not installed the app here"}
	}
	return Check{SchemeConnect, Rejected, strings.TrimPrefix(err.Error(), "sign: ")}
}
