package sealing_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/sealing"
)

// Rule: a func's result goes through; of its error only a Reason is shown, and all of it is
// found; a panic is contained.
func TestCall(t *testing.T) {
	t.Parallel()
	quoting := errors.New("cannot encrypt secretCanary")
	const reason = sealing.Reason("no such key")
	for name, c := range map[string]struct {
		f    func(string, []byte) ([]byte, error)
		text string
		is   error
	}{
		"an error that quotes": {func(string, []byte) ([]byte, error) { return []byte("out"), quoting }, "Options.Seal answered an error", quoting},
		"a reason":             {func(string, []byte) ([]byte, error) { return nil, reason }, "no such key", reason},
		"a wrapped reason":     {func(_ string, in []byte) ([]byte, error) { return nil, fmt.Errorf("%s: %w", in, reason) }, "no such key", reason},
		"a panic":              {func(string, []byte) ([]byte, error) { panic("secretCanary") }, "hook Options.Seal: webhook: hook panicked", webhook.ErrPanic},
	} {
		out, err := sealing.Call("Seal", c.f, "whk_1", []byte("secretCanary"))
		if out != nil || !errors.Is(err, c.is) || err.Error() != c.text {
			t.Errorf("%s: %q, %v, want the text %q", name, out, err, c.text)
		}
	}
	out, err := sealing.Call("Open", func(id string, in []byte) ([]byte, error) { return append([]byte(id), in...), nil }, "whk_1", []byte("x"))
	if err != nil || string(out) != "whk_1x" {
		t.Errorf("%q, %v", out, err)
	}
}
