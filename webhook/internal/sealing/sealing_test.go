package sealing_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/sealing"
)

// Rule: a func's result is returned. Of its error only a Reason is shown, and errors.Is finds the
// whole error. A panic is contained.
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
		"a panic":              {func(string, []byte) ([]byte, error) { panic("secretCanary") }, "hook Options.Seal: webhook: hook panicked or ended its goroutine", webhook.ErrPanic},
	} {
		out, err := sealing.Call("Seal", c.f, "whk_1", []byte("secretCanary"))
		if out != nil || !errors.Is(err, c.is) || !errors.Is(err, webhook.ErrSealed) || err.Error() != c.text {
			t.Errorf("%s: %q, %v, want an ErrSealed with the text %q", name, out, err, c.text)
		}
	}
	out, err := sealing.Call("Open", func(id string, in []byte) ([]byte, error) { return append([]byte(id), in...), nil }, "whk_1", []byte("x"))
	if err != nil || string(out) != "whk_1x" {
		t.Errorf("%q, %v", out, err)
	}
}

// Rule: different lists of parts have different names.
func TestNameIsUnambiguous(t *testing.T) {
	t.Parallel()
	lists := [][]string{
		{"webhook", "a", "b", "1"}, {"webhook", "a,1:b", "1"}, {"webhook", "ab", "", "1"}, {"webhook", "", "ab", "1"}, {"webhook", "a", "b1"},
		{"webhook", "a", "b", "11"}, {"webhook", "a", "b", "1", ""}, {"webhook"}, {"webhook", ""}, {"7:webhook,"}, {"", "webhook"}, {"webhook", "a b"}, {"webhook", "a", "b"},
	}
	seen := map[string][]string{}
	for _, list := range lists {
		name := sealing.Name(list[0], list[1:]...)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %q", list, other, name)
		}
		seen[name] = list
	}
	if got, want := sealing.Name("webhook", "acme", "whk_1", "3"), "7:webhook,4:acme,5:whk_1,1:3,"; got != want {
		t.Errorf("Name is %q, want %q: older sealed data no longer opens", got, want)
	}
}

// Rule: stored data is accepted or refused by the way in which it was stored.
func TestBox(t *testing.T) {
	t.Parallel()
	// The stand-in for a cipher writes the name in front, and opens only under that name.
	seal := func(name string, in []byte) ([]byte, error) { return append([]byte(name+"|"), in...), nil }
	open := func(name string, in []byte) ([]byte, error) {
		rest, ok := bytes.CutPrefix(in, []byte(name+"|"))
		if !ok {
			return nil, sealing.Reason("another name")
		}
		return rest, nil
	}
	box := sealing.Box{Seal: seal, Open: open}
	strict := sealing.Box{Seal: seal, Open: open, Required: true}
	put, sealed, err := box.Put("new", []byte("plain"))
	if err != nil || !sealed {
		t.Fatal(sealed, err)
	}
	older, _ := seal("old", []byte("plain"))
	for name, c := range map[string]struct {
		box    sealing.Box
		name   string
		stored []byte
		sealed bool
		ok     bool
	}{
		"as it was put":                       {box, "new", put, true, true},
		"as it was put, required":             {strict, "new", put, true, true},
		"under another name":                  {box, "other", put, true, false},
		"under the older name":                {box, "old", put, true, false},
		"without its mark":                    {box, "new", put[5:], true, false},
		"sealed by an older release":          {box, "new", older, true, true},
		"the same, required":                  {strict, "new", older, true, false},
		"the same, with a mark put in front":  {box, "new", append(bytes.Clone(put[:5]), older...), true, false},
		"in clear":                            {box, "new", []byte("plain"), false, true},
		"in clear, required":                  {strict, "new", []byte("plain"), false, false},
		"sealed, and said to be clear":        {strict, "new", put, false, false},
		"sealed, and nothing to open it":      {sealing.Box{}, "new", put, true, false},
		"sealed before, and nothing to open":  {sealing.Box{}, "new", older, true, false},
		"in clear, and nothing to seal it":    {sealing.Box{}, "new", []byte("plain"), false, true},
		"said to be sealed, and empty":        {strict, "new", nil, true, false},
		"said to be sealed, and a mark alone": {strict, "new", put[:5], true, false},
	} {
		got, err := c.box.Get(c.name, "old", c.stored, c.sealed)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, webhook.ErrSealed) || err == nil && string(got) != "plain" {
			t.Errorf("%s: %q, %v; want accepted = %t", name, got, err, c.ok)
		}
	}
	broken := func(string, []byte) ([]byte, error) { return nil, errors.New("away") }
	if out, _, err := (sealing.Box{Seal: broken, Open: open}).Put("new", []byte("plain")); out != nil || !errors.Is(err, webhook.ErrSealed) {
		t.Errorf("a Seal that fails: %q, %v; want ErrSealed and nothing to store", out, err)
	}
}
