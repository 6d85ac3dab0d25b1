package webhook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/payload"
)

// addCatalogueEvents adds the types of the catalogue to Events.
func (p *Profile) addCatalogueEvents() {
	if p.Form.Catalogue == nil {
		return
	}
	p.Form.Events = slices.Clone(p.Form.Events)
	for _, t := range p.Form.Catalogue.Types() {
		if !slices.Contains(p.Form.Events, t.Name) {
			p.Form.Events = append(p.Form.Events, t.Name)
		}
	}
}

// sample is the body of an example of an event type.
func (p *Profile) sample(typ, scope string) (body []byte, err error) {
	defer contain("Profile.Form.Sample", &err)
	if p.Form.Catalogue != nil {
		if data, ok := p.Form.Catalogue.Sample(typ); ok {
			e, err := p.Form.Catalogue.New(scope, data)
			return e.Body, err
		}
	}
	sample := p.Form.Sample
	if sample == nil {
		sample = payload.Sample
	}
	data, ok := sample(typ)
	if !ok {
		return nil, fmt.Errorf("%w: no sample of trigger %q", ErrInvalid, typ)
	}
	e, err := payload.New(scope, data)
	return e.Body, err
}

// anyEvent among a webhook's Events stands for all types.
const anyEvent = "*"

// wildcardPrefix returns the prefix of the types that a wildcard of Webhook.Events matches: "task."
// for "task.*".
func wildcardPrefix(event string) (prefix string, is bool) {
	prefix, is = strings.CutSuffix(event, "*")
	return prefix, is && len(prefix) > 1 && strings.HasSuffix(prefix, ".") && !strings.Contains(prefix, "*")
}

// hasEvent reports whether events of a type may be dispatched.
func (p *Profile) hasEvent(typ string) bool {
	return p.Form.Events == nil || slices.Contains(p.Form.Events, typ)
}

// acceptsEvent reports whether a webhook may listen to a type, or to a wildcard that matches a
// type.
func (p *Profile) acceptsEvent(event string) bool {
	prefix, is := wildcardPrefix(event)
	return p.hasEvent(event) || event == anyEvent ||
		is && slices.ContainsFunc(p.Form.Events, func(typ string) bool { return strings.HasPrefix(typ, prefix) })
}
