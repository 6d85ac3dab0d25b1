package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

// unbound panics in what New and the Manager ask about a Store.
type unbound struct {
	panicky
	bind, notifies bool
}

func (u unbound) Bind(string) error {
	if u.bind {
		panic("bind")
	}
	return nil
}

func (u unbound) Notifies() bool {
	if u.notifies {
		panic("notifies")
	}
	return false
}

func (unbound) Seals() bool { panic("seals") }

// Rule: no panic of a Store passes New, and a nil Store is refused whatever its type.
func TestPanickingStoreInNew(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]unbound{"Bind": {bind: true}, "Notifies": {notifies: true}} {
		s.panicky = panicky{newStore(t)}
		if _, err := webhook.New(s, webhook.Automation(), nil); !errors.Is(err, webhook.ErrPanic) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an ErrPanic that names it", name, err)
		}
	}
	m, err := webhook.New(unbound{panicky: panicky{newStore(t)}}, webhook.Automation(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if manager, err := m.Manager(); err != nil || manager.KeepsKeys() {
		t.Errorf("Manager: %v; a Store whose Seals panics keeps private keys", err)
	}
	var none *memstore.Store
	for name, s := range map[string]webhook.Store{"nil": nil, "a nil pointer": none} {
		if _, err := webhook.New(s, webhook.Automation(), nil); err == nil || !strings.Contains(err.Error(), "needs a Store") {
			t.Errorf("%s: %v, want an error that says what is missing", name, err)
		}
	}
}
