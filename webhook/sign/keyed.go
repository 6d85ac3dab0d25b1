package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
)

// newMAC returns an HMAC-SHA256 with the key, or a [*ConfigError] for the named field.
// Where the process enforces FIPS 140 (GODEBUG=fips140=only), crypto/hmac panics for a
// key below 112 bits (NIST SP 800-131A). Only the call itself shows this, because not every
// supported release of Go has a function in package fips140 for it.
func newMAC(field string, key []byte) (mac hash.Hash, err error) {
	defer func() {
		if recover() != nil {
			mac, err = nil, &ConfigError{Field: field, Problem: "is shorter than the 14 bytes that FIPS 140 asks for, which GODEBUG=fips140=only enforces: use a longer one"}
		}
	}()
	return hmac.New(sha256.New, key), nil
}

// newMACs returns an HMAC for each secret, none of which may be empty. Errors name a secret
// by its position.
func newMACs(secrets []Secret) ([]hash.Hash, error) {
	macs := make([]hash.Hash, len(secrets))
	for i, s := range secrets {
		if s.IsZero() {
			return nil, &ConfigError{Field: ordinal(i), Problem: "is empty"}
		}
		var err error
		if macs[i], err = newMAC(ordinal(i), []byte(s.Reveal())); err != nil {
			return nil, err
		}
	}
	return macs, nil
}

// anyFits reports whether one of the MACs of message is the given one. It does not return
// early, so that its duration does not show the position of a match.
func anyFits(macs []hash.Hash, message, given []byte) bool {
	match := false
	for _, mac := range macs {
		mac.Write(message)
		if hmac.Equal(mac.Sum(nil), given) {
			match = true
		}
	}
	return match
}

// decodeBase64 decodes the canonical spelling of e. Package base64 also accepts others: it
// skips line breaks and, unless it is strict, ignores the bits behind the last byte. With
// two accepted spellings a replay could pass for a new request.
func decodeBase64(e *base64.Encoding, text string) (data []byte, ok bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	data, err := e.Strict().DecodeString(text)
	return data, err == nil
}
