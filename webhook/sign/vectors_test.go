package sign_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// vectorFile holds the known answers of testdata/vectors.json.
type vectorFile struct {
	Standard []vector
	V1a      []struct {
		vector
		Public string // Secret is the private key
	}
	Ed25519 []struct{ Name, Seed, Public, Message, Signature string } // hexadecimal
	Hub     []struct{ Name, Secret, Body, Signature string }
	QSH     []struct{ Name, Method, URL, Canonical, QSH string }
	JWT     []jwtVector
}

// vector is a known answer of Standard Webhooks.
type vector struct {
	Name, Secret, ID, Body, Signature string
	Timestamp                         int64
}

type jwtVector struct {
	Name, Secret, Method, URL, Header, Claims, Signature string
	ClientKey                                            string `json:"client_key"`
	Iat, Exp                                             int64
}

// allVectors reads the file and refuses unknown members.
func allVectors(tb testing.TB) vectorFile {
	tb.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var all vectorFile
	if err := dec.Decode(&all); err != nil {
		tb.Fatal(err)
	}
	counts := map[string][2]int{
		"standard": {len(all.Standard), 2}, "v1a": {len(all.V1a), 1}, "ed25519": {len(all.Ed25519), 3},
		"hub": {len(all.Hub), 3}, "qsh": {len(all.QSH), 14}, "jwt": {len(all.JWT), 1},
	}
	for name, c := range counts {
		if c[0] != c[1] {
			tb.Fatalf("%d vectors under %q, want %d", c[0], name, c[1])
		}
	}
	return all
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	return allVectors(tb).Standard
}
