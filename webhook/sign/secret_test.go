package sign_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/sign"
)

// canary must not be in any output, in any encoding of a printer.
const canary = "canary-7f3a91c2"

var canaryForms = []string{
	canary,
	"63616e6172792d3766336139316332",  // %x
	"63616E6172792D3766336139316332",  // %X
	"Y2FuYXJ5LTdmM2E5MWMy",            // base64, as JSON shows bytes
	"[99 97 110 97 114 121",           // %d and %v of bytes
	"%!d(string=canary",               // a verb that does not fit
	"63 61 6e 61 72 79", "0x63, 0x61", // % x and %#v of bytes
}

func mustHide(t *testing.T, how, out string) {
	t.Helper()
	for _, form := range canaryForms {
		if strings.Contains(out, form) {
			t.Errorf("%s shows the secret: %s", how, out)
			return
		}
	}
}

type exported struct{ S sign.Secret }

type hidden struct {
	s   sign.Secret
	ps  *sign.Secret
	all []sign.Secret
	by  map[string]sign.Secret
	any any
}

func TestSecretIsHiddenFromEveryPrinter(t *testing.T) {
	t.Parallel()
	s := sign.NewSecret(canary)
	key, err := sign.Standard(sign.NewSecret("Y2FuYXJ5LTdmM2E5MWMyY2FuYXJ5LTdmM2E5MWMy"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"value":             s,
		"pointer":           &s,
		"slice":             []sign.Secret{s},
		"array":             [1]sign.Secret{s},
		"map":               map[string]sign.Secret{"k": s},
		"exported field":    exported{s},
		"unexported fields": hidden{s, &s, []sign.Secret{s}, map[string]sign.Secret{"k": s}, s},
		"pointer to struct": &hidden{s: s, ps: &s},
		"slice of structs":  []any{exported{s}, &exported{s}, hidden{s: s}},
		"token signer":      sign.Token(sign.TokenHeader, s),
		"standard signer":   key,
	}
	flags := []string{"", "+", "#", "-", " ", "0", "30", "-30", ".3", "#30.3", "+#"}
	for name, v := range values {
		for _, verb := range "vsqxXdobcUeEfFgGtTpOz" {
			for _, flag := range flags {
				format := "%" + flag + string(verb)
				mustHide(t, name+" with "+format, fmt.Sprintf(format, v))
			}
		}
		mustHide(t, name+" with Sprint", fmt.Sprint(v))
		mustHide(t, name+" with Errorf", fmt.Errorf("%w", fmt.Errorf("%v", v)).Error())

		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v, slog.Group("g", "v", v))
		mustHide(t, name+" with slog", out.String())

		if b, err := json.Marshal(v); err == nil {
			mustHide(t, name+" with encoding/json", string(b))
		}
		if b, err := xml.Marshal(v); err == nil {
			mustHide(t, name+" with encoding/xml", string(b))
		}
	}
}

func TestSecretShowsAMask(t *testing.T) {
	t.Parallel()
	const mask = "[redacted]"
	for name, s := range map[string]sign.Secret{"set": sign.NewSecret(canary), "empty": sign.NewSecret(""), "zero": {}} {
		for _, verb := range "vsqxXdobcUeEfFgGtz" {
			for _, flag := range []string{"", "+", "#", "40", "-40", ".2", "040"} {
				format := "%" + flag + string(verb)
				if got := fmt.Sprintf(format, s); got != mask {
					t.Errorf("%s: %s prints %q, want %q", name, format, got, mask)
				}
			}
		}
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		object, err := json.Marshal(exported{s})
		if err != nil {
			t.Fatal(err)
		}
		for how, got := range map[string]string{
			"String": s.String(), "GoString": s.GoString(), "LogValue": s.LogValue().String(),
			"MarshalText": string(text), "MarshalJSON": strings.TrimSuffix(strings.TrimPrefix(string(object), `{"S":"`), `"}`),
		} {
			if got != mask {
				t.Errorf("%s: %s gives %q, want %q", name, how, got, mask)
			}
		}
	}
}

func TestSecretIsNeverReadBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"[redacted]"`, `"other"`, `""`, `{}`, `[]`, `1`} {
		s := sign.NewSecret("kept")
		if err := json.Unmarshal([]byte(text), &s); !errors.Is(err, sign.ErrSecretText) {
			t.Errorf("Unmarshal(%s) = %v, want ErrSecretText", text, err)
		}
		if s.Reveal() != "kept" {
			t.Errorf("Unmarshal(%s) changed the secret", text)
		}
	}
	s := sign.NewSecret("kept")
	if err := json.Unmarshal([]byte("null"), &s); err != nil || s.Reveal() != "kept" {
		t.Errorf("Unmarshal(null) = %v, changed = %t; want no effect", err, s.Reveal() != "kept")
	}
	if err := s.UnmarshalText([]byte("[redacted]")); !errors.Is(err, sign.ErrSecretText) || s.Reveal() != "kept" {
		t.Errorf("UnmarshalText = %v, want ErrSecretText and no change", err)
	}
}

func TestSecretEqualAndIsZero(t *testing.T) {
	t.Parallel()
	var zero sign.Secret
	tests := []struct {
		name string
		a, b sign.Secret
		want bool
	}{
		{"same string", sign.NewSecret("k1"), sign.NewSecret("k1"), true},
		{"other string", sign.NewSecret("k1"), sign.NewSecret("k2"), false},
		{"prefix", sign.NewSecret("k1"), sign.NewSecret("k10"), false},
		{"case", sign.NewSecret("k"), sign.NewSecret("K"), false},
		{"zero value and empty string", zero, sign.NewSecret(""), true},
		{"zero value and set", zero, sign.NewSecret("k"), false},
	}
	for _, tt := range tests {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("%s: Equal = %t, want %t", tt.name, got, tt.want)
		}
		if got := tt.b.Equal(tt.a); got != tt.want {
			t.Errorf("%s, swapped: Equal = %t, want %t", tt.name, got, tt.want)
		}
	}
	if !zero.IsZero() || !sign.NewSecret("").IsZero() || sign.NewSecret(" ").IsZero() {
		t.Error("IsZero must hold for the empty string alone")
	}
	if got := sign.NewSecret(canary).Reveal(); got != canary {
		t.Errorf("Reveal = %q, want what NewSecret got", got)
	}
}

func TestPathSafe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0123456789abcdef0123456789abcdef01234567": true,
		"AZaz09._~-": true, ".x": true, "...": true, "~": true,
		"": false, ".": false, "..": false, "a/b": false, "a b": false, "a%2Fb": false,
		"a;b": false, "a?b": false, "a#b": false, "a\\b": false, "a\x00": false, "ä": false, "a+b": false, "a=": false,
	} {
		if got := sign.PathSafe(sign.NewSecret(text)); got != want {
			t.Errorf("PathSafe(%q) = %t, want %t", text, got, want)
		}
	}
}
