package settings

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// difference is a field of a webhook in which two people disagree.
type difference struct{ Field, Yours, Theirs string }

// differences lists each field with the input and the value that another person has stored since.
// It shows only the hosts of URLs, and of secrets only whether there is a new one.
func (v *visit) differences(yours, theirs *webhook.Webhook) []difference {
	t := v.t
	var out []difference
	add := func(field, a, b string) {
		if a != b {
			out = append(out, difference{field, a, b})
		}
	}
	add(t.FieldName, yours.Name, theirs.Name)
	if yours.URL != "" && yours.URL != theirs.URL {
		at, there := hostOf(yours.URL), hostOf(theirs.URL)
		if at == there {
			at = t.OtherURL
		}
		add(t.FieldURL, at, there)
	}
	if len(yours.Secrets) > 0 {
		add(t.FieldSecret, t.SecretReplaced, t.SecretKept)
	}
	events := func(w *webhook.Webhook) string {
		var names []string
		for _, e := range w.Events {
			names = append(names, t.trigger(e).Name)
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	add(t.FieldTriggers, events(yours), events(theirs))
	add(t.FieldNotes, yours.Notes, theirs.Notes)
	onOff := map[bool]string{true: t.On, false: t.Off}
	add(t.FieldActive, onOff[yours.Active], onOff[theirs.Active])
	return out
}
