package payload_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload"
)

// Rule: there are three triggers. A name that is only announced has neither a sample nor a schema,
// Decode does not know it, and a host may use it for its own Data.
func TestTriggers_areThree(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"taskSuccess", "taskFailure", "orgKeyExpiry"}, payload.Triggers()); diff != "" {
		t.Errorf("Triggers (-want +got):\n%s", diff)
	}
	payload.Triggers()[0] = "changed"
	if got := payload.Triggers()[0]; got != "taskSuccess" {
		t.Errorf("a caller can change what Triggers returns: %s", got)
	}
	for _, name := range []string{"bulkOperationCompleted", "syncCompleted", "syncFailed", "licenseThreshold", "preDeactivationNotice"} {
		if _, ok := payload.Sample(name); ok {
			t.Errorf("%s has a sample", name)
		}
		if _, ok := payload.Schema(name); ok {
			t.Errorf("%s has a schema", name)
		}
		if _, err := payload.Decode([]byte(object(`"trigger":"` + name + `"`))); !errors.Is(err, payload.ErrUnknownTrigger) {
			t.Errorf("%s: Decode = %v, want ErrUnknownTrigger", name, err)
		}
		ev := mustNew(t, plain{Type: name, Name: "of the host's own"})
		if ev.Type != name || string(ev.Body) != `{"name":"of the host's own"}` {
			t.Errorf("%s: type %s, body %s", name, ev.Type, ev.Body)
		}
	}
}
