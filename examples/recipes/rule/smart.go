package rule

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Values are the values of smart values.
type Values struct {
	Data  map[string]any // webhookData: the whole body of the request
	Agent string         // agentResponse
	Now   time.Time      // now
}

var (
	smart = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	call  = regexp.MustCompile(`^(minusDays|plusDays)\((\d{1,4})\)$`)
)

// Expand replaces smart values such as {{webhookData.name}}, {{agentResponse}}, {{now()}} and
// {{webhookData.expiresAt.toDate.minusDays(2).jiraDate}}. An unresolved one is empty. The result is
// not expanded again.
func Expand(text string, v Values) string {
	return smart.ReplaceAllStringFunc(text, func(m string) string {
		return show(v.resolve(strings.TrimSpace(m[2 : len(m)-2])))
	})
}

func (v Values) resolve(expression string) any {
	steps := strings.Split(expression, ".")
	var at any
	switch steps[0] {
	case "webhookData":
		at = v.Data
	case "agentResponse":
		at = v.Agent
	case "now", "now()":
		at = v.Now.UTC()
	}
	for _, s := range steps[1:] {
		at = step(at, s)
	}
	return at
}

// step reads a member of an object or applies a function of dates.
func step(at any, name string) any {
	if m, ok := at.(map[string]any); ok {
		return m[name]
	}
	day, ok := date(at)
	if !ok {
		return nil
	}
	if m := call.FindStringSubmatch(name); m != nil {
		n, _ := strconv.Atoi(m[2]) // up to four digits
		if m[1] == "minusDays" {
			n = -n
		}
		return day.AddDate(0, 0, n)
	}
	switch name {
	case "toDate":
		return day
	case "jiraDate":
		return day.Format(time.DateOnly)
	}
	return nil
}

func date(at any) (time.Time, bool) {
	switch x := at.(type) {
	case time.Time:
		return x, true
	case string:
		for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
			if t, err := time.Parse(layout, x); err == nil {
				return t.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

func show(at any) string {
	switch x := at.(type) {
	case nil:
		return ""
	case string:
		return x
	case time.Time:
		return x.Format(time.RFC3339)
	case []any:
		parts := make([]string, 0, len(x))
		for _, e := range x {
			parts = append(parts, show(e))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		text, _ := json.Marshal(x) // the value came from JSON
		return string(text)
	}
	return fmt.Sprint(at)
}
