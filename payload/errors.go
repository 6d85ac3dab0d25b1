package payload

import (
	"errors"
	"fmt"
	"strings"
)

// Sentinels for errors.Is. Each one has a typed error with the details.
var (
	// ErrInvalid: an argument of New, Validate or DeepLink may not be sent. See [InvalidError].
	ErrInvalid = errors.New("payload: invalid")
	// ErrTooLarge: the body is longer than [WithMaxBody] allows. See [TooLargeError].
	ErrTooLarge = errors.New("payload: body too large")
	// ErrDecode: the argument of Decode is no body of a known trigger. See [DecodeError].
	ErrDecode = errors.New("payload: body cannot be decoded")
	// ErrUnknownTrigger: Decode does not know the trigger. See [UnknownTriggerError].
	ErrUnknownTrigger = errors.New("payload: unknown trigger")
)

// InvalidError names the refused field and the reason. It matches [ErrInvalid].
type InvalidError struct {
	Type   string // event type, empty where the fault is not in the Data
	Field  string // JSON key, or the name of the argument or option; empty when Err names it
	Reason string // the rule of the field
	Err    error  // cause, from a Validator, an encoder or a panic; may be nil
}

func (e *InvalidError) Error() string {
	parts := []string{"payload"}
	if e.Type != "" {
		parts = append(parts, e.Type)
	}
	if what := strings.TrimSpace(e.Field + " " + e.Reason); what != "" {
		parts = append(parts, what)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Is reports whether target is [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Unwrap returns the cause, if there is one.
func (e *InvalidError) Unwrap() error { return e.Err }

// PanicError is the cause inside an [InvalidError] when a method of the host's
// Data panicked. Its text leaves the value out, which may hold anything.
type PanicError struct {
	Method string // "EventType", "Validate" or the encoding method
	Value  any    // the argument of panic
	Stack  []byte // as of runtime/debug.Stack
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s panicked with a value of type %T", e.Method, e.Value)
}

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// TooLargeError has the length of a body and its limit, in bytes. It matches [ErrTooLarge].
type TooLargeError struct {
	Type        string
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("payload: %s: the body has %d bytes, the limit is %d; send less or raise WithMaxBody", e.Type, e.Size, e.Limit)
}

// Is reports whether target is [ErrTooLarge].
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// DecodeError has the reason why [Decode], or [Catalogue.Decode], refused a body. It matches
// [ErrDecode].
type DecodeError struct {
	Field  string // JSON key, such as "expiresAt" or "actionTypes[2]"; empty when the body as a whole is at fault
	Reason string
	Body   []byte // a copy of the bytes; the text leaves them out
	Err    error  // cause, from a method of the host's Data; may be nil; the text leaves it out, because it may quote the body
}

func (e *DecodeError) Error() string {
	if e.Field == "" {
		return "payload: decode: the body " + e.Reason
	}
	return "payload: decode: " + e.Field + " " + e.Reason
}

// Is reports whether target is [ErrDecode].
func (e *DecodeError) Is(target error) bool { return target == ErrDecode }

// Unwrap returns the cause, if there is one.
func (e *DecodeError) Unwrap() error { return e.Err }

// UnknownTriggerError holds a body whose trigger [Decode] does not know, for
// instance one of a later version. It matches [ErrUnknownTrigger].
type UnknownTriggerError struct {
	Trigger string // as sent, of any length; the text leaves it out
	Body    []byte // a copy of the bytes
}

func (e *UnknownTriggerError) Error() string {
	return "payload: decode: unknown trigger; Trigger and Body of the error hold what was sent"
}

// Is reports whether target is [ErrUnknownTrigger].
func (e *UnknownTriggerError) Is(target error) bool { return target == ErrUnknownTrigger }
