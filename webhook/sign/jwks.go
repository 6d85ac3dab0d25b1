package sign

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// jwk is a public key after RFC 8037 section 2.
type jwk struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

// JWKS returns a JSON Web Key Set (RFC 7517) of public keys, "whpk_" and 32 bytes in base64 as
// [PublicKey] returns them: key type OKP, curve Ed25519, alg EdDSA, use sig. The kid of a key is its
// thumbprint after RFC 7638 with SHA-256, so it is the same in every set. A key that is given
// twice is listed once; without keys the set is empty. JWKS returns a [*ConfigError] for any
// other text, so that a private key is not published by mistake.
func JWKS(public ...string) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	seen := make(map[string]bool, len(public))
	for i, text := range public {
		key, problem := parseV1aPublic(text)
		if problem != "" {
			return nil, &ConfigError{Field: "key " + ordinal(i)[len("secret "):], Problem: problem}
		}
		if seen[text] {
			continue
		}
		seen[text] = true
		set.Keys = append(set.Keys, newJWK(key))
	}
	return json.Marshal(set)
}

func newJWK(key ed25519.PublicKey) jwk {
	x := base64.RawURLEncoding.EncodeToString(key)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`)) // the members that RFC 8037 appendix A.3 hashes
	return jwk{KeyType: "OKP", Curve: "Ed25519", X: x, KeyID: base64.RawURLEncoding.EncodeToString(sum[:]), Algorithm: "EdDSA", Use: "sig"}
}

// parseV1aPublic returns the key, or a problem with the text.
func parseV1aPublic(text string) (key ed25519.PublicKey, problem string) {
	text, ok := strings.CutPrefix(text, v1aPublic)
	if !ok {
		return nil, "must begin with whpk_"
	}
	raw, problem := decodeKey(text)
	if problem == "" && len(raw) != ed25519.PublicKeySize {
		return nil, "must be 32 bytes before base64"
	}
	return raw, problem
}

const (
	jwksAge     = "public, max-age=300" // seconds for which a receiver may keep the set
	jwksTimeout = 10 * time.Second
)

// JWKSHandler serves the set of the keys that the function returns. Answers have an ETag and may
// be cached for five minutes. Every request calls the function, so that a revoked key leaves the
// set at once. Concurrent requests share one call, so that strangers cannot multiply its work. The
// function has ten seconds, and requests wait no longer even if it goes on. When it fails, panics or
// returns a text that is no public key, the answer is 500 without details.
//
// One key for each webhook separates tenants: a receiver that trusts the set of its own tenant
// accepts no request of another. A sender with one key for all tenants, in its
// Profile.Prepare.Sign, has one set, and a receiver must check the tenant in the body of each event.
func JWKSHandler(keys func(context.Context) ([]string, error)) http.Handler {
	h := &jwksHandler{keys: keys}
	return http.HandlerFunc(h.serve)
}

type jwksHandler struct {
	keys func(context.Context) ([]string, error)

	mu      sync.Mutex
	current *jwksCall // nil between calls
}

// jwksCall is one call of the function, for all requests that wait for it.
type jwksCall struct {
	ctx  context.Context // ends with the time of the function
	done chan struct{}   // closed after set and err are set
	set  []byte
	err  error
}

// wait returns the set, or an error at the end of either time.
func (c *jwksCall) wait(ctx context.Context) ([]byte, error) {
	select {
	case <-c.done:
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	select {
	case <-c.done:
		return c.set, c.err
	default:
		return nil, errNoKeys
	}
}

var errNoKeys = errors.New("sign: the function of JWKSHandler did not return")

func (h *jwksHandler) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	set, err := h.join().wait(r.Context())
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "the key set cannot be read now, try again later", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(set)
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", jwksAge)
	w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(set))
}

// join returns the current call, or begins one.
func (h *jwksHandler) join() *jwksCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == nil {
		// Not the context of a request, because requests share the answer.
		ctx, cancel := context.WithTimeout(context.Background(), jwksTimeout)
		h.current = &jwksCall{ctx: ctx, done: make(chan struct{}), err: errNoKeys}
		go h.run(h.current, cancel)
	}
	return h.current
}

// run calls the function, which may panic or end this goroutine.
func (h *jwksHandler) run(call *jwksCall, cancel context.CancelFunc) {
	defer cancel() // after done is closed
	defer func() {
		_ = recover() // the panic's value may contain a secret
		h.mu.Lock()
		h.current = nil
		h.mu.Unlock()
		close(call.done)
	}()
	public, err := h.keys(call.ctx)
	if err != nil {
		call.err = err
		return
	}
	call.set, call.err = JWKS(public...)
}
