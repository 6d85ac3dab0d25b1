// Package sealing encrypts what a Store keeps with the funcs of the host, and says which
// of what is stored counts. The funcs get secrets in clear and may say anything, so what
// they say is shown to nobody.
package sealing

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/postrider/postrider/webhook"
)

// Func encrypts or decrypts. The name says whose data it is and is to be bound to the
// result as associated data.
type Func = func(name string, in []byte) (out []byte, err error)

// Reason is an error of a func that quotes nothing of what it was given: it may be shown.
type Reason string

// Error is the reason.
func (r Reason) Error() string { return string(r) }

// Name joins a kind of data and what tells one piece of it from every other. Each part
// carries its length (netstrings, cr.yp.to/proto/netstrings.txt), so that no two lists
// of parts give the same name.
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

// mark begins what is sealed to a full name. Older data has none: it was sealed to a name
// that a Store gives separately.
var mark = []byte("\x00pr2\x00")

// Box seals and opens with the funcs of a host.
type Box struct {
	// Seal and Open are both set, or neither: then data is stored in clear.
	Seal, Open Func
	// Required refuses data in clear and data without a mark.
	Required bool
}

// Put returns what is to be stored of plain, and whether it is sealed. Its error matches
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

// Get returns what was put. What bears no mark was sealed to the older name. Its error
// matches [webhook.ErrSealed].
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

// Call calls a host's Options.Seal or Options.Open, as name says. Of an error only a
// [Reason] is in the text of what is returned; errors.Is and errors.As find it whole, and
// [webhook.ErrSealed] too. A panic becomes [webhook.ErrPanic].
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

// hostError keeps what a func answered.
type hostError struct {
	name     string
	err      error
	panicked bool
}

// Error shows of it what may be shown.
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

// Unwrap returns what the func answered.
func (e *hostError) Unwrap() error { return e.err }
