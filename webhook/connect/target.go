package connect

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// Names in the query of a request, and in payload.Event.Vars.
const (
	userID  = "user_id"
	userKey = "user_key"
)

var (
	errOutside     = errors.New("connect: the URL lies outside the base URL of the add-on")
	errUninstalled = errors.New("connect: the add-on is uninstalled: it receives connect_addon_disabled only")
)

// target makes the final URL, below the base URL: variables filled in, the user appended. This URL
// is signed.
func (s *settings) target(w webhook.Webhook, d webhook.Delivery) (string, error) {
	// A delivery without a type is a test, or the Manager's check of the URL.
	if uninstalled(&w) && d.Type != Disabled && d.Type != "" {
		return "", errUninstalled
	}
	template, vars := w.URL, d.Vars
	if s.params {
		template, vars = appendParams(template, vars, Params(w))
	}
	if !s.withoutUser {
		template = appendQuery(template, userID+"={"+userID+"}&"+userKey+"={"+userKey+"}")
	}
	target := webhook.Expand(template, vars)
	u, err := url.Parse(target)
	if err != nil || !sign.InBase(u, baseURL(&w)) {
		return "", errOutside
	}
	return target, nil
}

// appendParams adds parameters as variables with names that no event has, so that names and values
// are encoded like all others.
func appendParams(template string, vars, params map[string]string) (string, map[string]string) {
	if len(params) == 0 {
		return template, vars
	}
	vars = maps.Clone(vars)
	if vars == nil {
		vars = make(map[string]string, 2*len(params))
	}
	const prefix = "connect.param."
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if strings.ContainsAny(name, "{}") {
			continue // ParseDescriptor refuses it
		}
		vars[prefix+"name."+name], vars[prefix+"value."+name] = name, params[name]
		template = appendQuery(template, "{"+prefix+"name."+name+"}={"+prefix+"value."+name+"}")
	}
	return template, vars
}

// appendQuery adds pairs to the query of a URL, or starts one.
func appendQuery(u, pairs string) string {
	switch i := strings.IndexByte(u, '?'); {
	case i < 0:
		return u + "?" + pairs
	case i == len(u)-1, u[len(u)-1] == '&':
		return u + pairs
	}
	return u + "&" + pairs
}
