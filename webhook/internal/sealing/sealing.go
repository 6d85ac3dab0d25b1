// Package sealing calls the funcs with which a host encrypts what a Store keeps. They get
// secrets in clear and may say anything, so what they say is shown to nobody.
package sealing

import (
	"errors"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// Reason is an error of a func that quotes nothing of what it was given: it may be shown.
type Reason string

// Error is the reason.
func (r Reason) Error() string { return string(r) }

// Call calls a host's Options.Seal or Options.Open, as name says. Of an error only a
// [Reason] is in the text of what is returned; errors.Is and errors.As find it whole. A
// panic becomes [webhook.ErrPanic].
func Call(name string, f func(string, []byte) ([]byte, error), id string, in []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("hook Options.%s: %w", name, webhook.ErrPanic)
		}
	}()
	if out, err = f(id, in); err != nil {
		return nil, &hostError{name, err}
	}
	return out, nil
}

// hostError keeps what a func answered.
type hostError struct {
	name string
	err  error
}

// Error shows of it what may be shown.
func (e *hostError) Error() string {
	var r Reason
	if errors.As(e.err, &r) {
		return r.Error()
	}
	return "Options." + e.name + " answered an error"
}

// Unwrap returns what the func answered.
func (e *hostError) Unwrap() error { return e.err }
