package canary_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/canary"
)

// failures is a test that records its failures.
type failures struct {
	testing.TB
	texts []any
}

func (f *failures) Helper()                           {}
func (f *failures) Errorf(format string, args ...any) { f.texts = append(f.texts, args[0]) }

// leaky shows its secret in one form only.
type leaky struct{ Secret, Only string }

func (l leaky) show(way string) string {
	if l.Only == way {
		return l.Secret
	}
	return "-"
}

func (l leaky) String() string               { return l.show("String") }
func (l leaky) GoString() string             { return l.show("GoString") }
func (l leaky) MarshalJSON() ([]byte, error) { return []byte(`"` + l.show("MarshalJSON") + `"`), nil }
func (l leaky) MarshalText() ([]byte, error) { return []byte(l.show("MarshalText")), nil }

// Rule: a word is found in every form, and nothing is found without a word.
func TestNotes(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"String", "GoString", "MarshalJSON", "MarshalText", "nowhere"} {
		var n canary.Notes
		n.Add("value", leaky{"theCanary", way}, errors.New("other"))
		var found failures
		n.MustNotHold(&found, "theCanary", "theSparrow")
		if want := way != "nowhere"; (len(found.texts) == 1 && found.texts[0] == "theCanary") != want || len(found.texts) > 1 {
			t.Errorf("%s: found %v in\n%s", way, found.texts, &n)
		}
	}
	var n canary.Notes
	slog.New(slog.NewTextHandler(&n, nil)).Info("a line of a log")
	if !strings.Contains(n.String(), "a line of a log") {
		t.Errorf("noted %q", n.String())
	}
}
