package webhooktest

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

const (
	// automationPath is the path of URL: a product, a site and a rule.
	automationPath = "/automation/webhooks/jira/a/0b7d1a3e-52c4-4f86-9a1e-6d2f8c3b4a59/0190d5a8-7c1e-7b3a-8f52-4e6d9c0b1a27"
	// maxBody exceeds the limit of every kind of receiver, 25 MB.
	maxBody = 32 << 20
)

// automationShape matches the paths that callers of the real endpoint use. The
// last group is the secret, for senders that cannot set a header.
var automationShape = regexp.MustCompile(`^/automation/webhooks/[a-z]+/a/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+(/[^/]+)?/?$`)

// handle reads, checks and records a request, and answers it.
func (e *Endpoint) handle(w http.ResponseWriter, r *http.Request) {
	if !e.begin() {
		panic(http.ErrAbortHandler)
	}
	defer e.handlers.Done()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the sender disconnected, or its body is too long
	}
	e.respond(r.Context(), w, e.decide(r, body))
}

// begin counts a new handler, unless the endpoint is closing.
func (e *Endpoint) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing.Err() != nil {
		return false
	}
	e.handlers.Add(1)
	return true
}

// decide numbers requests one at a time, so that numbers, records and answers
// are in the same order.
func (e *Endpoint) decide(r *http.Request, body []byte) Response {
	e.turn.Lock()
	defer e.turn.Unlock()
	e.mu.Lock()
	n := len(e.requests) + 1
	e.mu.Unlock()
	shape, pathSecret := splitPath(r.URL.EscapedPath())
	req := Request{
		N: n, Time: time.Now(), Proto: r.Proto, Method: r.Method, Host: r.Host,
		Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Shape: shape, Header: r.Header.Clone(), Body: body,
	}
	answer := Response{}
	if !e.opts.Generic {
		answer.Status, req.Problem = e.check(req, pathSecret)
		answer.Body = req.Problem
	}
	if req.Problem == "" {
		answer = e.next(req)
	}
	answer.Status = cmp.Or(answer.Status, http.StatusOK)
	if answer.Status < 200 || answer.Status > 999 {
		req.Problem = "webhooktest: Response.Status must be 200 to 999"
		answer = Response{Status: http.StatusInternalServerError, Body: req.Problem}
	}
	req.Answer = answer
	e.record(req)
	return answer
}

// splitPath returns the shape of a path and the secret at its end, if any.
func splitPath(path string) (shape, secret string) {
	m := automationShape.FindStringSubmatch(path)
	if m == nil {
		return "", ""
	}
	shape = "/automation/webhooks/{product}/a/{id}/{id}"
	if m[1] == "" {
		return shape, ""
	}
	secret, err := url.PathUnescape(m[1][1:])
	if err != nil {
		return "", ""
	}
	return shape + "/{secret}", secret
}

// check returns the status and text with which the real endpoint refuses a
// request, or zero values. Only the text "Missing token" is the real one; the status of
// a wrong token is not documented and is 401 here.
func (e *Endpoint) check(r Request, pathSecret string) (status int, problem string) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isJSON := err == nil && mediaType == "application/json"
	var object map[string]json.RawMessage
	switch tokenErr := e.checkToken(r, pathSecret); {
	case !e.hasHost(hostOnly(r.Host)):
		return http.StatusMisdirectedRequest, "Not a host of this endpoint"
	case r.Shape == "":
		return http.StatusNotFound, "No such webhook"
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "Use POST"
	case errors.Is(tokenErr, sign.ErrMissingHeader):
		return http.StatusBadRequest, "Missing token"
	case tokenErr != nil:
		return http.StatusUnauthorized, "Wrong token"
	case !isJSON:
		return http.StatusUnsupportedMediaType, "Content-Type must be application/json"
	case json.Unmarshal(r.Body, &object) != nil || object == nil:
		return http.StatusBadRequest, "The body must be a JSON object"
	case e.opts.NeedsWorkItems && object["issues"] == nil:
		return http.StatusBadRequest, "The body names no work items"
	}
	return 0, ""
}

func (e *Endpoint) checkToken(r Request, pathSecret string) error {
	if pathSecret == "" {
		return sign.VerifyToken(r.Header, sign.TokenHeader, e.opts.Secret)
	}
	if !sign.NewSecret(pathSecret).Equal(e.opts.Secret) {
		return sign.ErrToken
	}
	return nil
}

// hostOnly cuts the port off.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}
