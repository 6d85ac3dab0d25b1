package sqlstore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/sqlstore"
)

func key(id string) sqlstore.Key {
	sum := sha256.Sum256([]byte(id))
	return sqlstore.Key{ID: id, Bytes: sum[:]}
}

func keyring(t testing.TB, newest sqlstore.Key, older ...sqlstore.Key) *sqlstore.Keyring {
	t.Helper()
	k, err := sqlstore.NewKeyring(newest, older...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyringRoundTrip(t *testing.T) {
	t.Parallel()
	long := key(strings.Repeat("k", 255))
	for _, k := range []*sqlstore.Keyring{keyring(t, key("a")), keyring(t, key("b"), key("a")), keyring(t, long)} {
		for _, plain := range []string{"", "secret", strings.Repeat("x", 100_000)} {
			sealed, err := k.Seal("wh_1", []byte(plain))
			if err != nil {
				t.Fatal(err)
			}
			if plain != "" && bytes.Contains(sealed, []byte(plain)) {
				t.Error("the sealed text holds the plain text")
			}
			got, err := k.Open("wh_1", sealed)
			if err != nil || string(got) != plain {
				t.Errorf("Open after Seal of %d bytes: %d bytes, %v", len(plain), len(got), err)
			}
			again, err := k.Seal("wh_1", []byte(plain))
			if err != nil || bytes.Equal(again, sealed) {
				t.Error("two seals of the same text are equal: the nonce repeats")
			}
		}
	}
}

func TestKeyringRotation(t *testing.T) {
	t.Parallel()
	sealed, err := keyring(t, key("old")).Seal("wh_1", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keyring(t, key("new"), key("old")).Open("wh_1", sealed); err != nil || string(got) != "secret" {
		t.Errorf("a ring with the old key: %q, %v", got, err)
	}
	if _, err := keyring(t, key("new")).Open("wh_1", sealed); err == nil || !strings.Contains(err.Error(), `"old"`) {
		t.Errorf("a ring without the old key: %v, want an error that names it", err)
	}
}

// TestKeyringRefuses: a secret that was moved, changed or cut off does not open.
func TestKeyringRefuses(t *testing.T) {
	t.Parallel()
	k := keyring(t, key("a"))
	sealed, err := k.Seal("wh_1", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open("wh_2", sealed); err == nil {
		t.Error("opened under the ID of another webhook")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := k.Open("wh_1", changed); err == nil {
			t.Errorf("opened although byte %d was changed", i)
		}
		if _, err := k.Open("wh_1", sealed[:i]); err == nil {
			t.Errorf("opened although cut off at %d", i)
		}
	}
}

// TestKeyringOpensOldSeals: a secret that an older release sealed under the webhook's ID, with
// a nonce that the package drew, still opens.
func TestKeyringOpensOldSeals(t *testing.T) {
	t.Parallel()
	const old = "010161a37aadb496f410e29c007951b866a0e2f7f24b5994b8794dc27a0f291f9110699a99"
	sealed, err := hex.DecodeString(old)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyring(t, key("b"), key("a")).Open("wh_1", sealed)
	if err != nil || string(got) != "secret" {
		t.Errorf("Open: %q, %v", got, err)
	}
}

func TestNewKeyring(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]sqlstore.Key{
		"no ID":      {{Bytes: key("a").Bytes}},
		"long ID":    {{ID: strings.Repeat("k", 256), Bytes: key("a").Bytes}},
		"short key":  {{ID: "a", Bytes: make([]byte, 16)}},
		"twice":      {key("a"), key("a")},
		"bad second": {key("a"), {ID: "b"}},
	} {
		if _, err := sqlstore.NewKeyring(keys[0], keys[1:]...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestKeyIsNotPrinted: no verb shows a key.
func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	k := sqlstore.Key{ID: "id", Bytes: []byte(strings.Repeat("A", 32))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, &k, keyring(t, k), struct{ K sqlstore.Key }{k}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "AAAA") || strings.Contains(out, "65 65") || strings.Contains(out, "4141") {
				t.Errorf("%s shows the key: %s", verb, out)
			}
		}
	}
}

func FuzzKeyringOpen(f *testing.F) {
	k := keyring(f, key("a"))
	sealed, err := k.Seal("wh_1", []byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{1, 255})
	f.Add([]byte{1, 1, 'a'})
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, err := k.Open("wh_1", in); err == nil && string(got) != "secret" {
			t.Errorf("opened a text that Seal did not make: %q", got)
		}
	})
}

func ExampleKeyring() {
	newest := sqlstore.Key{ID: "2026-02", Bytes: []byte("0123456789abcdef0123456789abcdef")}
	older := sqlstore.Key{ID: "2025-07", Bytes: []byte("fedcba9876543210fedcba9876543210")}
	before, _ := sqlstore.NewKeyring(older)
	sealed, _ := before.Seal("whk_1", []byte("the secret"))

	ring, _ := sqlstore.NewKeyring(newest, older)
	plain, err := ring.Open("whk_1", sealed)
	fmt.Printf("%s %v\n", plain, err)
	_, err = ring.Open("whk_2", sealed)
	fmt.Println(err)
	fmt.Println(ring)
	// Output:
	// the secret <nil>
	// key "2025-07" does not open it, or it was changed or moved
	// sqlstore.Keyring(2026-02)
}
