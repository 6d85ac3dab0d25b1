package stores_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
)

// keys is a key service that can be unavailable for some webhooks.
type keys struct {
	mu   sync.Mutex
	away map[string]bool
}

func (k *keys) set(id string, away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away[id] = away
}

func (k *keys) seal(id string, plain []byte) ([]byte, error) {
	return append([]byte(id+":"), plain...), nil
}

func (k *keys) open(id string, sealed []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for hook, away := range k.away {
		if away && strings.Contains(id, hook) { // the associated data has scope, webhook and version
			return nil, errors.New("the key service is away")
		}
	}
	plain, ok := bytes.CutPrefix(sealed, []byte(id+":"))
	if !ok {
		return nil, errors.New("it was sealed under another name")
	}
	return plain, nil
}
