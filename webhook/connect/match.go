package connect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
)

// VarAddOn is the name in payload.Event.Vars of the key of the add-on that an event is about.
// [NewLifecycle] sets it.
const VarAddOn = "connect.addon"

// ErrNoAddOn is the error of Dispatch for an event about an add-on that does not name the add-on.
var ErrNoAddOn = errors.New("connect: the event does not name its add-on: set VarAddOn with payload.WithVars, or use NewLifecycle")

// ErrNoFilters is the [webhook.ErrUnusable] of a webhook that was stored with a filter or with
// property keys while WithFilters was given. Without WithFilters they would have no effect, and the
// webhook would receive everything. Deliveries to it fail.
var ErrNoFilters = fmt.Errorf("connect: a webhook has a filter or property keys, which nothing heeds: give WithFilters, or delete it: %w", webhook.ErrUnusable)

// postFunction is the event of an add-on's own workflow post function.
const postFunction = "remote_workflow_post_function"

// matches reports whether a webhook receives an event: it listens to the event and, where the event
// is about one add-on, belongs to that add-on.
func (s *settings) matches(w webhook.Webhook, e payload.Event) (bool, error) {
	if uninstalled(&w) && e.Type != Disabled {
		return false, nil
	}
	key := e.Vars[VarAddOn]
	if about := e.Type == Enabled || e.Type == Disabled || e.Type == postFunction; about && key == "" {
		if key = keyOf(e); key == "" {
			return false, fmt.Errorf("%w: %s", ErrNoAddOn, e.Type)
		}
	}
	if key != "" && key != w.Attributes[AttrAddOn] {
		return false, nil
	}
	switch {
	case s.match != nil:
		ok, err := s.match(w, e)
		return ok && err == nil && heedsKeys(&w, &e), err
	case !w.Listens(e.Type) && !w.Listens(alias(e)):
		return false, nil
	case w.Filter != "" || w.Attributes[AttrPropertyKeys] != "":
		return false, ErrNoFilters
	}
	return true, nil
}

// heedsKeys reports whether the propertyKeys of a module let an event through. They are about events
// of issue properties, whose key jiraevent.New puts into the variable.
func heedsKeys(w *webhook.Webhook, e *payload.Event) bool {
	if w.Attributes[AttrPropertyKeys] == "" || !strings.HasPrefix(e.Type, "issue_property_") {
		return true
	}
	return slices.Contains(PropertyKeys(*w), e.Vars["property.key"])
}

// keyOf reads the add-on's key in the body of a lifecycle event.
func keyOf(e payload.Event) string {
	var body map[string]json.RawMessage
	var key string
	if e.Type == postFunction || json.Unmarshal(e.Body, &body) != nil || json.Unmarshal(body["key"], &key) != nil {
		return ""
	}
	return key
}

// alias is the other name of a merge of versions, or the event's own name. Jira Cloud calls a merge
// a deletion; add-ons of 2015 use its own name.
func alias(e payload.Event) string {
	switch {
	case e.Type == jiraevent.VersionMerged:
		return jiraevent.VersionDeleted
	case e.Type == jiraevent.VersionDeleted && e.Vars["mergedVersion.id"] != "":
		return jiraevent.VersionMerged
	}
	return e.Type
}
