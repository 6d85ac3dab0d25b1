package jira

import (
	"errors"
	"maps"
	"strings"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
)

// Missing is the treatment of a URL variable without a value.
type Missing uint8

const (
	// MissingEmpty replaces the variable by nothing, as Atlassian does.
	MissingEmpty Missing = iota
	// MissingLiteral keeps the variable, percent-encoded, as ${name}.
	MissingLiteral
	// MissingFails ends the delivery as failed with webhook.CodeURLRejected.
	MissingFails
)

var errMissing = errors.New("jira: the event has no value for a variable of the URL")

// target fills in the variables of a URL and appends the user who caused the event. Both happen in
// one pass of webhook.Expand, so that all values are encoded alike.
func (s *settings) target(w webhook.Webhook, d webhook.Delivery) (string, error) {
	vars := d.Vars
	if s.missing != MissingEmpty {
		var err error
		if vars, err = s.complete(w.URL, vars); err != nil {
			return "", err
		}
	}
	template := w.URL
	if !s.withoutUser && !isApp(&w) {
		template = appendUser(template, vars)
	}
	return webhook.Expand(template, vars), nil
}

// complete returns the values with a replacement for each missing variable of the URL.
func (s *settings) complete(url string, vars map[string]string) (map[string]string, error) {
	full := vars
	for _, name := range webhook.Variables(url) {
		if _, ok := full[name]; ok {
			continue
		}
		if s.missing == MissingFails {
			return nil, errMissing
		}
		if len(full) == len(vars) {
			full = maps.Clone(vars)
		}
		if full == nil {
			full = make(map[string]string)
		}
		full[name] = "${" + name + "}"
	}
	return full, nil
}

// appendUser appends the parameters that have a value, as variables.
func appendUser(template string, vars map[string]string) string {
	for _, name := range [...]string{jiraevent.VarUserID, jiraevent.VarUserKey} {
		if vars[name] == "" {
			continue
		}
		separator := "?"
		if i := strings.IndexByte(template, '?'); i >= 0 {
			separator = "&"
			if last := template[len(template)-1]; last == '&' || i == len(template)-1 {
				separator = ""
			}
		}
		template += separator + name + "={" + name + "}"
	}
	return template
}
