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
	// MaxAnswer bounds an answer in bytes. A longer one is refused.
	MaxAnswer = 64 << 10
	// maxToken bounds a token in bytes, because it is sent in a header field.
	maxToken = 4096
	// lifetime is the validity of a token without expires_in, maxLifetime the longest accepted
	// validity.
	lifetime    = 5 * time.Minute
	maxLifetime = 24 * time.Hour
	// margin is the time before its end from which a token is not used, so that it does not
	// expire during a request; half of its validity where that is less.
	margin = time.Minute
)

// Names are the errors of RFC 6749 section 5.2. No other text of a token endpoint is shown.
var Names = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// Token is an access token.
type Token struct {
	Value string
	end   time.Time // with a monotonic reading, independent of the server's clock
}

// Error is an answer of a token endpoint without a token.
type Error struct {
	Status int
	Name   string // one of Names, or empty
}

// Error returns status and name.
func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("token endpoint: %d", e.Status)
	}
	return fmt.Sprintf("token endpoint: %d %s", e.Status, e.Name)
}

// parse parses an answer to a request that began at the given time.
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
		failed.Name = nameIn(answer) // some servers send errors with status 200
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

// life parses expires_in: seconds as a number or, from some servers, in quotes. A token that has
// already expired is used once.
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
