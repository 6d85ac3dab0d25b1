package sqlstore

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/postrider/postrider/webhook/internal/sealing"
)

// Key is an AES-256 key with an ID by which stored data refers to it. The ID is not
// secret.
type Key struct {
	// ID is 1 to 255 bytes and must not be used for another key later.
	ID string
	// Bytes are 32 random bytes.
	Bytes []byte
}

// Format writes the ID for every verb, so that no log shows the key itself.
func (k Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "sqlstore.Key(%s)", k.ID) }

// Keyring encrypts with AES-256-GCM (NIST SP 800-38D), a random nonce of 96 bits for
// each webhook and change, and scope, ID and version of the webhook as associated data,
// so that a secret does not open after a move to another row, nor an older one after a
// change. It works where FIPS 140 is enforced. Give its methods to a Store:
//
//	ring, err := sqlstore.NewKeyring(newest, older)
//	store, err := sqlstore.New(db, sqlstore.PostgreSQL, &sqlstore.Options{Seal: ring.Seal, Open: ring.Open})
//
// To change the key, make it known everywhere before it is used: add the new one after
// the present one on all hosts, then put it first on all hosts, call [Store.Reseal]
// once, and remove the old one. In one step, a host that has not yet restarted could not
// open secrets that another host has sealed. A Keyring is safe for concurrent use.
type Keyring struct {
	newest string
	keys   map[string]cipher.AEAD
}

// format is the first byte of a sealed text.
const format = 1

// NewKeyring makes a Keyring. The newest key encrypts, all keys decrypt.
func NewKeyring(newest Key, older ...Key) (*Keyring, error) {
	k := &Keyring{newest: newest.ID, keys: make(map[string]cipher.AEAD)}
	for _, key := range append([]Key{newest}, older...) {
		switch {
		case key.ID == "" || len(key.ID) > 255:
			return nil, fmt.Errorf("sqlstore: key %q: an ID has 1 to 255 bytes", key.ID)
		case len(key.Bytes) != 32:
			return nil, fmt.Errorf("sqlstore: key %q has %d bytes, AES-256 needs 32", key.ID, len(key.Bytes))
		case k.keys[key.ID] != nil:
			return nil, fmt.Errorf("sqlstore: two keys have the ID %q", key.ID)
		}
		block, err := aes.NewCipher(key.Bytes)
		if err != nil {
			return nil, err
		}
		// The AEAD draws a nonce for each Seal and puts it first, as older releases did.
		if k.keys[key.ID], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Format writes the ID of the newest key for every verb.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "sqlstore.Keyring(%s)", k.newest)
}

// Seal encrypts with the newest key. The result is a format byte, the length of the
// key's ID, that ID, the nonce, and the ciphertext with its tag.
func (k *Keyring) Seal(name string, plain []byte) ([]byte, error) {
	aead := k.keys[k.newest]
	out := make([]byte, 0, 2+len(k.newest)+len(plain)+aead.Overhead())
	out = append(out, format, byte(len(k.newest)))
	out = append(out, k.newest...)
	return aead.Seal(out, nil, plain, associated(name)), nil
}

// Open decrypts a result of Seal under any of the keys. It fails if the key is not in
// the ring, if a byte was changed, or if it was sealed to another name.
func (k *Keyring) Open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < 2 || sealed[0] != format || len(sealed) < 2+int(sealed[1]) {
		return nil, sealing.Reason("not encrypted by a Keyring")
	}
	rest := sealed[2:]
	id, rest := string(rest[:sealed[1]]), rest[sealed[1]:]
	aead := k.keys[id]
	if aead == nil {
		return nil, sealing.Reason(fmt.Sprintf("encrypted with key %q, which is not in the Keyring", id))
	}
	if len(rest) < aead.Overhead() {
		return nil, sealing.Reason("cut off")
	}
	plain, err := aead.Open(nil, nil, rest, associated(name))
	if err != nil {
		return nil, sealing.Reason(fmt.Sprintf("key %q does not open it, or it was changed or moved", id))
	}
	return plain, nil
}

// associated includes the purpose, so that a key that the host also uses elsewhere opens
// only secrets that were sealed here.
func associated(name string) []byte { return []byte("postrider webhook\x00" + name) }

// Seals implements [webhook.Sealer].
func (s *Store) Seals() bool { return s.o.Seal != nil }
