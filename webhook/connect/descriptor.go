package connect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/postrider/postrider/internal/ascii"
	"github.com/postrider/postrider/webhook/sign"
)

// Bounds of a descriptor.
const (
	maxDescriptor = 1 << 20 // bytes
	maxModules    = 1000
	maxList       = 100 // scopes, params and propertyKeys, each
	maxProblems   = 20  // reported at once
	maxKey        = 80  // bytes, from Connect's schema
	maxEvent      = 100 // bytes
)

var tooMany = fmt.Sprintf("has more than %d entries", maxList)

// ErrDescriptor matches (errors.Is) every [*DescriptorError] and [*ScopeError].
var ErrDescriptor = errors.New("connect: descriptor")

// DescriptorError describes the problem of one field of a descriptor. It matches [ErrDescriptor]
// and repeats no value.
type DescriptorError struct {
	Field   string // where, such as "modules.webhooks[1].url"
	Problem string // the problem and the allowed values; continues a sentence that starts with Field
}

// Error returns one line that names the field and what is allowed there.
func (e *DescriptorError) Error() string { return "connect: descriptor: " + e.Field + " " + e.Problem }

// Is reports whether target is ErrDescriptor.
func (e *DescriptorError) Is(target error) bool { return target == ErrDescriptor }

// Descriptor is the part of atlassian-connect.json about webhooks.
type Descriptor struct {
	Key, Name string
	// BaseURL is the add-on's base URL, without a slash at its end.
	BaseURL string
	// Authentication is AuthJWT or AuthNone.
	Authentication string
	// Scopes are in upper case.
	Scopes []string
	// Webhooks are the modules in their order. The same event may stand there several times.
	Webhooks []Module
}

// ParseDescriptor reads the parts of an add-on's descriptor that webhooks need: key, name, baseUrl
// (an https URL), authentication.type, scopes and modules.webhooks. Everything else is ignored. The
// names of members are compared exactly; of two with the same name the last counts.
//
// The error joins (errors.Join) up to 20 problems: [*DescriptorError] and, where an event needs a
// scope that the add-on does not request, [*ScopeError]. All of them match [ErrDescriptor].
func ParseDescriptor(data []byte) (Descriptor, error) {
	if len(data) > maxDescriptor {
		return Descriptor{}, &DescriptorError{"", "is longer than 1 MiB"}
	}
	var p parser
	var d Descriptor
	root := p.object("the document", data)
	if root == nil {
		return Descriptor{}, p.err()
	}
	d.Key = p.text("key", root["key"], true)
	if d.Key != "" && !validKey(d.Key) {
		p.refuse("key", "may hold 1 to 80 letters, digits and . _ - only")
		d.Key = "" // the errors below name the key
	}
	d.Name = p.text("name", root["name"], false)
	d.BaseURL = p.baseURL(root["baseUrl"])
	d.Authentication = p.authentication(root["authentication"])
	d.Scopes = p.scopes(root["scopes"])
	if modules := root["modules"]; modules != nil {
		d.Webhooks = p.webhooks(p.object("modules", modules)["webhooks"])
	}
	for _, m := range d.Webhooks {
		if m.Event != "" && !Grants(d.Scopes, ScopeRead) {
			p.add(&ScopeError{AddOn: d.Key, Event: m.Event, Scope: ScopeRead})
		}
	}
	if err := p.err(); err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

func validKey(key string) bool {
	for i := range len(key) {
		c := key[i]
		if !ascii.IsAlnum(c) && strings.IndexByte("._-", c) < 0 {
			return false
		}
	}
	return len(key) <= maxKey
}

func (p *parser) baseURL(raw json.RawMessage) string {
	text := p.text("baseUrl", raw, true)
	if text == "" {
		return ""
	}
	if problem := checkBase(text); problem != "" {
		p.refuse("baseUrl", problem)
	}
	return strings.TrimRight(text, "/")
}

// checkBase returns the problem of a base URL, "" for none.
func checkBase(text string) (problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https":
		return "must be an https URL"
	case strings.ContainsAny(text, "{}") || !sign.InBase(u, text): // a valid base URL lies in itself
		return "must have scheme, host and an optional path, without user, query, fragment, braces and dot segments"
	}
	return ""
}

func (p *parser) authentication(raw json.RawMessage) string {
	if raw == nil {
		p.refuse("authentication", "is missing: its type is jwt or none")
		return ""
	}
	kind := strings.ToLower(p.text("authentication.type", p.object("authentication", raw)["type"], true))
	if kind != "" && kind != AuthJWT && kind != AuthNone {
		p.refuse("authentication.type", "must be jwt or none")
	}
	return kind
}

func (p *parser) scopes(raw json.RawMessage) []string {
	scopes := p.texts("scopes", raw)
	for i, s := range scopes {
		scopes[i] = strings.ToUpper(s)
	}
	return scopes
}

// parser collects the problems of a descriptor.
type parser struct {
	problems []error
	more     int
}

func (p *parser) add(err error) {
	if len(p.problems) == maxProblems {
		p.more++
		return
	}
	p.problems = append(p.problems, err)
}

func (p *parser) refuse(field, problem string) { p.add(&DescriptorError{field, problem}) }

func (p *parser) err() error {
	if p.more > 0 {
		return errors.Join(append(p.problems, &DescriptorError{"as a whole", fmt.Sprintf("has %d problems more", p.more)})...)
	}
	return errors.Join(p.problems...)
}

// object reads an object. A map keeps the names exact; encoding/json ignores the case of struct
// fields.
func (p *parser) object(field string, raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		p.refuse(field, "must be a JSON object")
		return nil
	}
	return m
}

// text reads a string that is not empty.
func (p *parser) text(field string, raw json.RawMessage, required bool) string {
	var s *string
	switch err := json.Unmarshal(raw, &s); {
	case raw == nil && !required:
	case raw == nil:
		p.refuse(field, "is missing")
	case err != nil || s == nil:
		p.refuse(field, "must be a string")
	case *s == "" && required:
		p.refuse(field, "must not be empty")
	default:
		return *s
	}
	return ""
}

// texts reads a list of strings that are not empty.
func (p *parser) texts(field string, raw json.RawMessage) []string {
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		p.refuse(field, "must be a list of strings")
		return nil
	}
	if len(list) > maxList {
		p.refuse(field, tooMany)
		return nil
	}
	out := make([]string, 0, len(list))
	for i, item := range list {
		if s := p.text(fmt.Sprintf("%s[%d]", field, i), item, true); s != "" {
			out = append(out, s)
		}
	}
	return out
}
