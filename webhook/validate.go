package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/internal/httpfield"
	"github.com/postrider/postrider/webhook/internal/redact"
	"github.com/postrider/postrider/webhook/internal/text"
)

// The bounds of a webhook's fields.
const (
	maxName       = 200  // runes
	maxNotes      = 4000 // runes
	maxEvents     = 200
	maxEventName  = 100  // bytes
	maxSecret     = 4096 // bytes
	maxSecrets    = 10
	maxSecretID   = 100 // bytes
	maxScope      = 255 // bytes, as payload.New has it
	maxFilter     = 10_000
	maxAttributes = 50
	maxAttribute  = 4096 // bytes, key and value together
)

// validateAll is validate without further checks.
func (m *Manager) validateAll(w *Webhook) error { return m.validate(w, nil) }

// validate checks the fields of a webhook like a form and makes its URL canonical. more, if it is
// not nil, adds errors of a webhook whose URL is accepted.
func (m *Manager) validate(w *Webhook, more func(*Webhook) []FieldError) (err error) {
	p := &m.d.profile
	v := &ValidationError{}
	add := func(field, rule, message string) { v.Fields = append(v.Fields, FieldError{field, rule, message}) }

	if w.Scope == "" {
		add("scope", "required", "A webhook needs the scope of its tenant.")
	}
	validateLine("scope", w.Scope, add)
	switch n := utf8.RuneCountInString(w.Name); {
	case strings.TrimSpace(w.Name) == "":
		add("name", "required", "Give the webhook a name.")
	case n > maxName:
		add("name", "too_long", fmt.Sprintf("The name may have up to %d characters; this one has %d.", maxName, n))
	case !text.IsLine(w.Name) || !text.IsVisible(w.Name):
		add("name", "text", "The name may hold visible text in one line only, without characters of no width or that change the direction.")
	}
	m.validateURL(w, add)
	m.validateSecrets(w, add)
	m.validateEvents(w, add)
	if n := utf8.RuneCountInString(w.Notes); n > maxNotes {
		add("notes", "too_long", fmt.Sprintf("Notes may have up to %d characters; these have %d.", maxNotes, n))
	} else if !text.IsLines(w.Notes) || !text.IsVisible(w.Notes) {
		add("notes", "text", "Notes may hold visible text only, without characters of no width or that change the direction.")
	}
	switch {
	case len(w.Filter) > maxFilter:
		add("filter", "too_long", fmt.Sprintf("A filter may have up to %d bytes.", maxFilter))
	case !text.IsLines(w.Filter):
		add("filter", "text", "A filter may hold text only.")
	}
	validateHeaders(w, add)
	m.validateAuth(w, add)
	m.validateTLS(w, add)
	if w.Timeout < 0 || w.Timeout > m.d.o.Timeout {
		add("timeout", "range", fmt.Sprintf("The timeout must be between 0 and %v.", m.d.o.Timeout))
	}
	m.validateOrder(w, add)
	validateLine("group", w.Group, add)
	validateAttributes(w, add)
	if p.Form.Check != nil {
		defer contain("Profile.Form.Check", &err)
		v.Fields = append(v.Fields, p.Form.Check(w.Clone())...)
	}
	if v.Field("url") == "" && (v.Field("secret") == "" || strings.Contains(w.URL, "{")) { // otherwise the same fault is reported twice
		m.validateTarget(w, add)
	}
	if more != nil && v.Field("url") == "" {
		v.Fields = append(v.Fields, more(w)...)
	}
	if len(v.Fields) == 0 {
		return nil
	}
	slices.SortStableFunc(v.Fields, func(a, b FieldError) int { return cmp.Compare(formPosition(a.Field), formPosition(b.Field)) })
	return v
}

// formPosition is the position of a field in a form. Fields that only a Profile knows come last.
func formPosition(field string) int {
	form := [...]string{"scope", "name", "url", "secret", "events", "filter", "notes", "headers",
		"auth.scheme", "auth.username", "auth.secret", "auth.token_url", "auth.client_id", "auth.scopes", "auth.audience", "auth.resource",
		"auth.client_auth", "tls", "timeout", "order", "coalesce", "coalesce_wait", "group", "attributes"}
	if i := slices.Index(form[:], field); i >= 0 {
		return i
	}
	return len(form)
}

// validateLine checks a scope or a group.
func validateLine(field, value string, add func(field, rule, message string)) {
	switch {
	case len(value) > maxScope:
		add(field, "too_long", fmt.Sprintf("A %s may have up to %d bytes.", field, maxScope))
	case !text.IsLine(value):
		add(field, "text", fmt.Sprintf("A %s may hold text in one line only.", field))
	}
}

func (m *Manager) validateURL(w *Webhook, add func(field, rule, message string)) {
	p := &m.d.profile
	if w.URL == "" {
		add("url", "required", "Enter the webhook URL.")
		return
	}
	if strings.Contains(w.URL, "{") {
		return // validateTarget checks a template
	}
	canonical, err := p.Allow.CheckURL(w.URL)
	if err != nil {
		addURL(add, err)
		return
	}
	w.URL = canonical
}

// validateTarget checks the URL of a sample request, with variables, or the secret, in it.
func (m *Manager) validateTarget(w *Webhook, add func(field, rule, message string)) {
	p := &m.d.profile
	if p.Prepare.Target == nil && !strings.Contains(w.URL, "{") {
		return // validateURL has checked it
	}
	err := func() (err error) {
		defer contain("Profile.Prepare.Target", &err)
		_, err = p.checkTemplate(w)
		return err
	}()
	addURL(add, err)
}

func addURL(add func(field, rule, message string), err error) {
	var refused *allowlist.Error
	switch {
	case errors.As(err, &refused):
		add("url", refused.Rule, sentence("This URL is not allowed: "+refused.Reason))
	case err != nil:
		add("url", "refused", "A request to this URL cannot be built.")
	}
}

func (m *Manager) validateSecrets(w *Webhook, add func(field, rule, message string)) {
	if m.d.profile.Form.RequireSecret && len(w.Secrets) == 0 {
		add("secret", "required", "Enter the secret.")
	}
	if len(w.Secrets) > maxSecrets {
		add("secret", "too_many", fmt.Sprintf("A webhook may have up to %d secrets.", maxSecrets))
	}
	for i, s := range w.Secrets {
		plain := s.Reveal()
		switch {
		case plain == "":
			add("secret", "required", "A secret must not be empty.")
		case len(plain) > maxSecret:
			add("secret", "too_long", fmt.Sprintf("A secret may have up to %d bytes.", maxSecret))
		case plain == redact.Mask:
			add("secret", "masked", "This is the mask that is shown in place of a secret; enter the secret itself.")
		case strings.TrimSpace(plain) != plain || !ascii.IsPrintable(plain):
			add("secret", "characters", "A secret may hold printable ASCII only, without a space at either end.")
		case len(s.ID()) > maxSecretID || !httpfield.IsToken(s.ID()):
			add("secret", "id", fmt.Sprintf("The ID of a secret may have 1 to %d letters, digits and marks.", maxSecretID))
		case slices.ContainsFunc(w.Secrets[:i], func(o Secret) bool { return o.ID() == s.ID() }):
			add("secret", "repeated", "Two secrets are the same, or have the same ID.")
		default:
			continue
		}
		return // one message is enough for a form
	}
}

func (m *Manager) validateEvents(w *Webhook, add func(field, rule, message string)) {
	p := &m.d.profile
	if len(w.Events) == 0 && !p.Form.AllowNoEvents {
		add("events", "required", "Select at least one trigger.")
	}
	if len(w.Events) > maxEvents {
		add("events", "too_many", fmt.Sprintf("A webhook may listen to up to %d triggers.", maxEvents))
	}
	for i, e := range w.Events {
		switch {
		case e == "" || len(e) > maxEventName || !ascii.IsVisible(e):
			add("events", "format", "The name of a trigger is 1 to 100 letters, digits and marks without spaces.")
		case slices.Contains(w.Events[:i], e):
			add("events", "repeated", "A trigger is selected twice.")
		case !validWildcard(e):
			add("events", "wildcard", `A "*" stands alone, or behind a dot at the end, as in "task.*".`)
		case !p.acceptsEvent(e):
			add("events", "unknown", "Unknown trigger. Known are: "+strings.Join(p.Form.Events, ", ")+".")
		default:
			continue
		}
		return
	}
}

// validWildcard reports whether a star in an event belongs to a valid wildcard.
func validWildcard(event string) bool {
	_, is := wildcardPrefix(event)
	return is || event == anyEvent || !strings.Contains(event, "*")
}

func validateHeaders(w *Webhook, add func(field, rule, message string)) {
	if len(w.Headers) > maxHeaders {
		add("headers", "too_many", fmt.Sprintf("A webhook may have up to %d headers.", maxHeaders))
		return
	}
	names := slices.Sorted(maps.Keys(w.Headers))
	for i, name := range names {
		if err := checkHeader(name, w.Headers[name]); err != nil {
			add("headers", "refused", sentence(fmt.Sprintf("header %d: %v", i+1, err)))
			return
		}
		if slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
			add("headers", "repeated", "Two headers have the same name.")
			return
		}
	}
}

func validateAttributes(w *Webhook, add func(field, rule, message string)) {
	bad := len(w.Attributes) > maxAttributes
	for k, v := range w.Attributes {
		bad = bad || k == "" || len(k)+len(v) > maxAttribute || !text.IsLine(k) || !text.IsLines(v)
	}
	if bad {
		add("attributes", "too_long", fmt.Sprintf("A webhook may have up to %d attributes of %d bytes of text each.", maxAttributes, maxAttribute))
	}
}

// sentence makes a sentence of an error text: a capital first and a full stop last.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return strings.TrimSuffix(string(unicode.ToUpper(r))+s[n:], ".") + "."
}
