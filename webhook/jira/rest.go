package jira

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// maxRequest bounds the body of a request to a registration API, in bytes.
const maxRequest = 1 << 20

// restTime is a time in the format of Jira's REST API. It is a string as in the API's examples,
// although newer schemas call it a number.
type restTime struct{ time.Time }

// MarshalJSON writes 2019-06-01T12:42:30.000+0000.
func (t restTime) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000-0700"`), nil
}

// requestError refuses a whole request with a sentence for the caller.
type requestError struct {
	status  int
	message string
}

func (e *requestError) Error() string { return "jira: " + e.message }

func badRequest(message string) error { return &requestError{http.StatusBadRequest, message} }

// readJSON reads a body that must be one JSON object. Unknown members are
// ignored.
func readJSON(r *http.Request, to any) error {
	dec := json.NewDecoder(r.Body)
	err := dec.Decode(to)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("more than one value")
		}
	}
	var large *http.MaxBytesError
	var refused *requestError
	switch {
	case errors.As(err, &refused): // a list is too long
		return refused
	case errors.As(err, &large):
		return &requestError{http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB."}
	case err != nil:
		return badRequest("The body must be one JSON object of the documented shape.")
	}
	return nil
}

// writeError answers with Jira's collection of errors. It hides internal errors.
func writeError(w http.ResponseWriter, err error) {
	status, message := http.StatusInternalServerError, "Something went wrong. Try again."
	var refused *requestError
	switch {
	case errors.As(err, &refused):
		status, message = refused.status, refused.message
	case errors.Is(err, ErrUnauthenticated):
		status, message = http.StatusUnauthorized, "Authentication is required."
	case errors.Is(err, ErrNotApp):
		status, message = http.StatusForbidden, "Only apps may use this resource."
	}
	writeJSON(w, status, map[string]any{"errorMessages": []string{message}, "errors": map[string]string{}})
}

// writeJSON answers with a value, or with no body for nil.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer) // fails only if the caller has gone
}
