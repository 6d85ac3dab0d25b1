// Package sealing encrypts the data of a Store with the host's funcs, and decides which stored
// data is accepted. The funcs get secrets in clear, and their errors may quote them, so the
// errors' texts are not shown.
package sealing

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/postrider/postrider/webhook"
)

// Func encrypts or decrypts. The name identifies the data; the func must bind it to the result
// as associated data.
type Func = func(name string, in []byte) (out []byte, err error)

// Reason is an error of a func that quotes none of its arguments, so it may be shown.
type Reason string

// Error returns the reason.
func (r Reason) Error() string { return string(r) }

// Name joins a kind of data and the parts that identify one piece of it. Each part
// carries its length (netstrings, cr.yp.to/proto/netstrings.txt), so that different lists
// of parts give different names.
func Name(kind string, parts ...string) string {
	b := appendPart(nil, kind)
	for _, p := range parts {
		b = appendPart(b, p)
	}
	return string(b)
}

func appendPart(b []byte, p string) []byte {
	b = append(strconv.AppendInt(b, int64(len(p)), 10), ':')
	return append(append(b, p...), ',')
}

// mark is the prefix of data that is sealed to a full name. Older data has no mark: it was
// sealed to an older name, which the Store passes separately.
var mark = []byte("\x00pr2\x00")

// Box seals and opens with the funcs of a host.
type Box struct {
	// Seal and Open are both set, or both nil: then data is stored in clear.
	Seal, Open Func
	// Required refuses data in clear and data without a mark.
	Required bool
}

// Put returns the form in which plain is stored, and whether it is sealed. Its error matches
// [webhook.ErrSealed].
func (b Box) Put(name string, plain []byte) (stored []byte, sealed bool, err error) {
	if b.Seal == nil {
		return plain, false, nil
	}
	out, err := Call("Seal", b.Seal, name, plain)
	if err != nil {
		return nil, true, err
	}
	return append(bytes.Clone(mark), out...), true, nil
}

// Get returns the plain data of Put. Data without a mark was sealed to the older name. Its
// error matches [webhook.ErrSealed].
func (b Box) Get(name, older string, stored []byte, sealed bool) (plain []byte, err error) {
	rest, marked := bytes.CutPrefix(stored, mark)
	switch {
	case !sealed && b.Required:
		return nil, refuse("stored in clear, which Options.RequireSealed does not accept: store it anew with that off, as Reseal does, then set it")
	case !sealed:
		return stored, nil
	case b.Open == nil:
		return nil, refuse("stored encrypted, and Options.Open is not set")
	case marked:
		return Call("Open", b.Open, name, rest)
	case b.Required:
		return nil, refuse("sealed by an older release, which Options.RequireSealed does not accept: store it anew with that off, as Reseal does, then set it")
	}
	return Call("Open", b.Open, older, stored)
}

func refuse(why Reason) error { return &hostError{err: why} }

// Call calls a host's Options.Seal or Options.Open, which name names. The text of the returned
// error shows only a [Reason] of the func's error; errors.Is and errors.As find the func's
// error and [webhook.ErrSealed]. A panic becomes [webhook.ErrPanic].
func Call(name string, f Func, id string, in []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, &hostError{name, Reason(fmt.Sprintf("hook Options.%s: %v", name, webhook.ErrPanic)), true}
		}
	}()
	if out, err = f(id, in); err != nil {
		return nil, &hostError{name: name, err: err}
	}
	return out, nil
}

// hostError wraps the error of a func.
type hostError struct {
	name     string
	err      error
	panicked bool
}

// Error shows the part of the func's error that may be shown.
func (e *hostError) Error() string {
	var r Reason
	if errors.As(e.err, &r) {
		return r.Error()
	}
	return "Options." + e.name + " answered an error"
}

// Is makes errors.Is find webhook.ErrSealed, and webhook.ErrPanic after a panic.
func (e *hostError) Is(target error) bool {
	return target == webhook.ErrSealed || e.panicked && target == webhook.ErrPanic
}

// Unwrap returns the func's error.
func (e *hostError) Unwrap() error { return e.err }
