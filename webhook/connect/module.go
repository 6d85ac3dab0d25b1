package connect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/payload/jiraevent"
)

// Module is one entry of modules.webhooks.
type Module struct {
	// Event is the name in the catalogues of payload/jiraevent and payload/confluenceevent:
	// "enabled" becomes connect_addon_enabled. An unknown name is refused when the webhook is
	// added.
	Event string
	// URL is relative to the add-on's base URL and may hold variables.
	URL string
	// Params are free pairs; numbers, true, false and null are kept as their text.
	Params map[string]string
	// Filter, ExcludeBody and PropertyKeys are the optional members of that name.
	// Without WithFilters a webhook with a Filter or PropertyKeys cannot be added.
	Filter       string
	ExcludeBody  bool
	PropertyKeys []string
}

func (p *parser) webhooks(raw json.RawMessage) []Module {
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &list) != nil || list == nil:
		p.refuse("modules.webhooks", "must be a list of objects")
		return nil
	case len(list) > maxModules:
		p.refuse("modules.webhooks", fmt.Sprintf("has more than %d entries", maxModules))
		return nil
	}
	out := make([]Module, len(list))
	for i, item := range list {
		out[i] = p.module(fmt.Sprintf("modules.webhooks[%d]", i), item)
	}
	return out
}

func (p *parser) module(field string, raw json.RawMessage) (m Module) {
	members := p.object(field, raw)
	if members == nil {
		return Module{}
	}
	if m.Event = canonicalEvent(p.text(field+".event", members["event"], true)); m.Event != "" && !validEvent(m.Event) {
		p.refuse(field+".event", "must have 1 to 100 characters of printable ASCII without spaces")
		m.Event = ""
	}
	m.URL = p.text(field+".url", members["url"], true)
	if m.URL != "" {
		if problem := checkRelative(m.URL); problem != "" {
			p.refuse(field+".url", problem)
		}
	}
	m.Params = p.params(field+".params", members["params"])
	m.Filter = p.text(field+".filter", members["filter"], false)
	if raw := members["excludeBody"]; raw != nil {
		var exclude *bool
		if json.Unmarshal(raw, &exclude) != nil || exclude == nil {
			p.refuse(field+".excludeBody", "must be true or false")
		} else {
			m.ExcludeBody = *exclude
		}
	}
	m.PropertyKeys = p.texts(field+".propertyKeys", members["propertyKeys"])
	return m
}

// canonicalEvent translates the short names of the documentation, and names of version events
// without "jira:".
func canonicalEvent(name string) string {
	switch name {
	case "enabled":
		return Enabled
	case "disabled":
		return Disabled
	}
	if info, err := jiraevent.Lookup(name); err == nil {
		return info.Name
	}
	return name
}

// validEvent reports whether the Manager accepts a name and an error may repeat it.
func validEvent(name string) bool {
	return len(name) <= maxEvent && ascii.IsVisible(name)
}

func (p *parser) params(field string, raw json.RawMessage) map[string]string {
	if raw == nil {
		return nil
	}
	members := p.object(field, raw)
	if len(members) > maxList {
		p.refuse(field, tooMany)
		return nil
	}
	params := make(map[string]string, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, scalar := scalarText(members[name])
		switch {
		case name == "" || strings.ContainsAny(name, "{}"):
			p.refuse(field, "must have names without braces that are not empty")
		case !scalar:
			p.refuse(field, "must have values that are strings, numbers, true, false or null")
		default:
			params[name] = value
		}
	}
	return params
}

// scalarText is the text of a string, or the JSON of a number, true, false or null.
func scalarText(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	switch raw[0] {
	case '{', '[':
		return "", false
	case '"':
		var s string
		return s, json.Unmarshal(raw, &s) == nil
	}
	return string(raw), true
}
