package settings

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/webpage"
)

// described is an event type as a Profile's catalogue describes it.
type described struct {
	Trigger
	example    string // a body, indented
	deprecated bool
}

// maxExample bounds the example of one type, in bytes. A longer one is not shown, because a form
// shows the examples of all types.
const maxExample = 4 << 10

// readCatalogue reads a catalogue, which may be nil.
func readCatalogue(c *payload.Catalogue) map[string]described {
	if c == nil {
		return nil
	}
	all := make(map[string]described)
	for _, t := range c.Types() {
		d := described{Trigger: Trigger{t.Title, t.Description}, deprecated: t.Deprecated}
		if e, err := c.New("example", t.Example, payload.WithID("example")); err == nil && len(e.Body) <= maxExample {
			d.example, _ = webpage.Pretty(e.Body, maxExample)
		}
		all[t.Name] = d
	}
	return all
}

// describe adds the catalogue's description of each type that the texts do not have.
func (t *Texts) describe(types map[string]described) {
	for name, d := range types {
		if _, has := t.Triggers[name]; !has {
			t.Triggers[name] = d.Trigger
		}
	}
}

// trigger describes an event type, or a wildcard such as "task.*".
func (t *Texts) trigger(name string) Trigger {
	if d, ok := t.Triggers[name]; ok {
		return d
	}
	if prefix, is := strings.CutSuffix(name, "*"); is && prefix != "" {
		return Trigger{name, t.Family(prefix)}
	}
	return Trigger{Name: name}
}

// offered returns the event types that a form offers for a webhook: those of Options.Triggers,
// without the deprecated ones that the webhook does not have. Behind them stand the wildcards that
// the webhook has, or that cover at least two of these types.
func (h *Handler) offered(w *webhook.Webhook) []string {
	var names []string
	members := make(map[string]int)
	for _, name := range h.o.Triggers {
		if h.types[name].deprecated && !slices.Contains(w.Events, name) {
			continue
		}
		names = append(names, name)
		if first, _, dotted := strings.Cut(name, "."); dotted && first != "" {
			members[first+".*"]++
		}
	}
	for _, event := range w.Events {
		if strings.HasSuffix(event, ".*") {
			members[event] = 2
		}
	}
	families := make([]string, 0, len(members))
	for family, n := range members {
		if n > 1 {
			families = append(families, family)
		}
	}
	slices.Sort(families)
	return append(names, families...)
}
