package settings

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// filterView is the search in a list of deliveries, and the values it can take.
type filterView struct {
	State, Event, Type, Code, Since, Until string
	Types, Codes                           []option
	States                                 []stateLink
	Active                                 bool   // beside the state
	Zone                                   string // of Since and Until
}

type option struct {
	Value, Text string
	Chosen      bool
}

type stateLink struct {
	Text, Link string
	Here       bool
}

const (
	maxCursor = 4096 // longer than the cursor of any Store, in bytes
	maxField  = 300  // of a search field, in bytes
)

var stateNames = map[string]webhook.State{
	"pending": webhook.StatePending, "delivered": webhook.StateDelivered, "failed": webhook.StateFailed,
}

// accepted stands for webhook.CodeOK, which is empty, in a link.
const accepted = "ok"

// localTime is the layout of a browser's input of type datetime-local.
const localTime = "2006-01-02T15:04"

// filter reads the search of a request into a query. ok is false for an invalid one.
func (v *visit) filter(q *webhook.Query) (f filterView, ok bool) {
	asked := v.r.URL.Query()
	f = filterView{State: asked.Get("state"), Event: asked.Get("event"), Type: asked.Get("type"), Code: asked.Get("code"),
		Since: asked.Get("since"), Until: asked.Get("until")}
	q.Cursor, q.EventID, q.Type = asked.Get("after"), f.Event, f.Type
	for _, text := range []string{f.Event, f.Type, f.Code} {
		if len(text) > maxField {
			return f, false
		}
	}
	if f.State != "" {
		s, known := stateNames[f.State]
		if !known {
			return f, false
		}
		q.States = []webhook.State{s}
	}
	switch f.Code {
	case "":
	case accepted:
		q.Codes, q.States = []webhook.Code{webhook.CodeOK}, onlyDelivered(q.States)
	default:
		q.Codes = []webhook.Code{webhook.Code(f.Code)}
	}
	var from, to bool
	f.Zone = v.zoneName()
	q.Since, from = v.parseTime(f.Since)
	q.Until, to = v.parseTime(f.Until)
	f.Active = f.Event != "" || f.Type != "" || f.Code != "" || f.Since != "" || f.Until != ""
	v.choices(&f)
	return f, from && to && len(q.Cursor) <= maxCursor && (q.Since.IsZero() || q.Until.IsZero() || !q.Until.Before(q.Since))
}

// onlyDelivered narrows a search to delivered ones, because a delivery without an attempt has no
// code either.
func onlyDelivered(asked []webhook.State) []webhook.State {
	if len(asked) > 0 {
		return asked
	}
	return []webhook.State{webhook.StateDelivered}
}

// zoneName is the name of the time zone for times that people enter.
func (v *visit) zoneName() string {
	c := v.clock()
	return c.now.In(c.zone).Format("MST")
}

func (v *visit) parseTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{localTime, "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, v.clock().zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func (v *visit) choices(f *filterView) {
	for _, name := range v.o.Triggers {
		f.Types = append(f.Types, option{name, v.t.trigger(name).Name, name == f.Type})
	}
	if f.Type != "" && !slices.Contains(v.o.Triggers, f.Type) {
		f.Types = append(f.Types, option{f.Type, v.t.trigger(f.Type).Name, true})
	}
	for code, text := range v.t.Codes {
		name := cmp.Or(string(code), accepted)
		f.Codes = append(f.Codes, option{name, text, name == f.Code})
	}
	slices.SortFunc(f.Codes, func(a, b option) int { return cmp.Compare(a.Text, b.Text) })
	f.States = []stateLink{{v.t.All, f.link("", ""), f.State == ""}}
	for _, name := range []string{"pending", "delivered", "failed"} {
		f.States = append(f.States, stateLink{v.t.States[stateNames[name]], f.link(name, ""), f.State == name})
	}
}

// link returns the search with another state, or another page.
func (f *filterView) link(state, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "event": f.Event, "type": f.Type, "code": f.Code, "since": f.Since, "until": f.Until, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "?" + q.Encode()
}

// noPage is the answer to a link that was changed by hand.
func (v *visit) noPage() error { return problem{http.StatusNotFound, v.t.NoPage} }
