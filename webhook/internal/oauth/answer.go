package oauth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/httpfield"
)

const (
	// MaxAnswer is how much of an answer is read, in bytes. What is longer is refused.
	MaxAnswer = 64 << 10
	// maxToken is the longest token, in bytes; it is sent as a header field.
	maxToken = 4096
	// lifetime is that of a token whose answer names none, maxLifetime the longest that is
	// believed.
	lifetime    = 5 * time.Minute
	maxLifetime = 24 * time.Hour
	// margin is how long before its end a token is used no more, so that it does not end on its
	// way; half of its life where that is less.
	margin = time.Minute
)

// Names are the errors of RFC 6749 section 5.2. Nothing else that a token endpoint says
// is repeated to anyone.
var Names = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// Token is an access token.
type Token struct {
	Value string
	end   time.Time // with its monotonic part: the server's clock does not enter
}

// Error says why a token endpoint that answered gave no token.
type Error struct {
	Status int
	Name   string // one of Names, or empty
}

// Error is status and name.
func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("token endpoint: %d", e.Status)
	}
	return fmt.Sprintf("token endpoint: %d %s", e.Status, e.Name)
}

// parse reads an answer to a request that began at the given time.
func parse(status int, answer []byte, began time.Time) (Token, error) {
	failed := &Error{Status: status}
	if len(answer) > MaxAnswer {
		return Token{}, failed
	}
	if status < 200 || status > 299 {
		failed.Name = nameIn(answer)
		return Token{}, failed
	}
	var in struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	switch {
	case json.Unmarshal(answer, &in) != nil:
		return Token{}, failed
	case in.AccessToken == "":
		failed.Name = nameIn(answer) // some servers refuse with 200
		return Token{}, failed
	case len(in.AccessToken) > maxToken, !httpfield.IsValue(in.AccessToken),
		in.TokenType != "" && !strings.EqualFold(in.TokenType, "Bearer"):
		return Token{}, failed
	}
	lives := life(in.ExpiresIn)
	return Token{in.AccessToken, began.Add(lives - min(margin, lives/2))}, nil
}

func nameIn(answer []byte) string {
	var in struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &in) == nil && slices.Contains(Names, in.Error) {
		return in.Error
	}
	return ""
}

// life reads expires_in, seconds as a number or, as some servers have it, in quotes. A token that is
// said to have ended is used once.
func life(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	switch {
	case err != nil || seconds != seconds:
		return lifetime
	case seconds <= 0:
		return 0
	case seconds >= maxLifetime.Seconds():
		return maxLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}
