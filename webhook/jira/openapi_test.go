package jira_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/jira"
)

// document is the OpenAPI document.
type document struct{ root map[string]any }

func (d document) resolve(v any) map[string]any {
	node, _ := v.(map[string]any)
	for node != nil {
		ref, ok := node["$ref"].(string)
		if !ok {
			return node
		}
		var at any = d.root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(map[string]any)[name]
		}
		node, _ = at.(map[string]any)
	}
	return nil
}

// fault returns how a value breaks a schema, "" where it does not. It supports the keywords that
// the document uses.
func (d document) fault(schema, value any) string {
	s := d.resolve(schema)
	if s == nil {
		return "no schema"
	}
	if choices, ok := s["oneOf"].([]any); ok {
		fits, last := 0, ""
		for _, c := range choices {
			if f := d.fault(c, value); f == "" {
				fits++
			} else {
				last = f
			}
		}
		if fits != 1 {
			return fmt.Sprintf("fits %d of the choices: %s", fits, last)
		}
		return ""
	}
	switch s["type"] {
	case "string":
		if _, ok := value.(string); !ok {
			return fmt.Sprintf("%v is no string", value)
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return fmt.Sprintf("%v is no boolean", value)
		}
	case "integer":
		if n, ok := value.(float64); !ok || n != math.Trunc(n) {
			return fmt.Sprintf("%v is no integer", value)
		}
	case "array":
		list, ok := value.([]any)
		if !ok {
			return fmt.Sprintf("%v is no array", value)
		}
		for _, element := range list {
			if f := d.fault(s["items"], element); f != "" {
				return f
			}
		}
	case "object":
		return d.objectFault(s, value)
	default:
		return fmt.Sprintf("unknown type %v", s["type"])
	}
	return ""
}

func (d document) objectFault(s map[string]any, value any) string {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprintf("%v is no object", value)
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := object[name.(string)]; !ok {
			return fmt.Sprintf("%v is missing", name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, member := range object {
		switch p, ok := properties[name]; {
		case ok:
			if f := d.fault(p, member); f != "" {
				return name + ": " + f
			}
		case s["additionalProperties"] == false:
			return name + " is not described"
		}
	}
	return ""
}

var number = regexp.MustCompile(`/\d+$`)

func TestOpenAPI_describesWhatIsServed(t *testing.T) {
	t.Parallel()
	var doc document
	if err := json.Unmarshal(jira.OpenAPI(), &doc.root); err != nil || doc.root["openapi"] != "3.1.0" {
		t.Fatalf("the document: %v", err)
	}
	paths := doc.root["paths"].(map[string]any)
	unseen := map[string]bool{} // operation and status
	for path, item := range paths {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				if status != "5XX" { // needs a failing store
					unseen[strings.ToUpper(method)+" "+path+" "+status] = true
				}
			}
		}
	}
	judge := func(api http.Handler, app, method, path, body string) string {
		t.Helper()
		code, got := call(t, api, app, method, path, body)
		template, _, _ := strings.Cut(path, "?")
		template = number.ReplaceAllString(template, "/{id}")
		what := method + " " + template
		item, _ := paths[template].(map[string]any)
		operation, ok := item[strings.ToLower(method)].(map[string]any)
		if !ok {
			t.Errorf("%s is served and not described", what)
			return got
		}
		responses := operation["responses"].(map[string]any)
		status := fmt.Sprint(code)
		if responses[status] == nil {
			status = status[:1] + "XX"
		}
		delete(unseen, what+" "+status)
		content, _ := doc.resolve(responses[status])["content"].(map[string]any)
		if content == nil {
			if got != "" {
				t.Errorf("%s answers %d with a body that is not described: %s", what, code, got)
			}
			return got
		}
		var value any
		if err := json.Unmarshal([]byte(got), &value); err != nil {
			t.Errorf("%s answers %d with %q", what, code, got)
		}
		if f := doc.fault(content["application/json"].(map[string]any)["schema"], value); f != "" {
			t.Errorf("%s answers %d with %s: %s", what, code, got, f)
		}
		return got
	}

	for _, old := range []bool{false, true} {
		api, _ := newAdmin(t, &jira.AdminOptions{Shape2019: old})
		for _, body := range []string{body2019, currentBody, "{"} {
			judge(api, "acme/ann", "POST", hooksPath, body)
		}
		judge(api, "acme/ann", "GET", hooksPath, "")
		judge(api, "", "GET", hooksPath, "")
		_, path := create(t, api, "acme/ann", body2019)
		for _, p := range []string{path, hooksPath + "/70"} {
			judge(api, "acme/ann", "GET", p, "")
			judge(api, "acme/ann", "PUT", p, "{}")
			judge(api, "acme/ann", "DELETE", p, "")
		}
	}
	for _, path := range []string{path2, path3} {
		memory := new(jira.Memory)
		api := newAPI(t, memory, &jira.DynamicOptions{Max: 1, Failures: memory})
		for i := range 2 {
			f := jira.Failure{ID: fmt.Sprint(i), URL: "https://one.example.com/", Body: []byte("{}"), At: time.Now().Add(time.Duration(i) * time.Second)}
			if err := memory.AddFailure(t.Context(), jira.Owner{Tenant: "acme", App: "one"}, f); err != nil {
				t.Fatal(err)
			}
		}
		judge(api, "acme/one", "GET", path+"/failed?maxResults=1", "")
		judge(api, "", "GET", path+"/failed", "")
		judge(api, "broken", "GET", path+"/failed", "")
		full := strings.Replace(three, `"events":["jira:issue_updated"]`, `"events":["jira:issue_updated"],"fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]`, 1)
		judge(api, "acme/one", "POST", path, full)
		judge(api, "acme/one", "GET", path+"?startAt=0", "")
		for _, refresh := range []string{path, path + "/refresh"} {
			judge(api, "acme/one", "PUT", refresh, `{"webhookIds":[1000]}`)
			judge(api, "acme/one", "PUT", refresh, `{}`)
		}
		judge(api, "acme/one", "DELETE", path, `{"webhookIds":[1000]}`)
		for _, method := range []string{"POST", "GET", "DELETE"} {
			judge(api, "a person", method, path, `{}`)
		}
	}
	if len(unseen) > 0 {
		t.Errorf("described and never served: %s", slices.Sorted(maps.Keys(unseen)))
	}
}
