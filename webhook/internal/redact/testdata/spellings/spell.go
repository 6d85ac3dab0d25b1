// Command spell prints how escapers of Go's standard library spell the secrets.
package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"log"
	"net/url"
	"os"
	"strconv"
)

var escapers = []struct {
	name   string
	escape func(string) string
}{
	{"go json.Marshal", marshal},
	{"go json without HTML", plainJSON},
	{"go json twice", func(s string) string { return marshal(marshal(s)) }},
	{"go html.EscapeString", html.EscapeString},
	{"go html twice", func(s string) string { return html.EscapeString(html.EscapeString(s)) }},
	{"go template.HTMLEscapeString", template.HTMLEscapeString},
	{"go template.JSEscapeString", template.JSEscapeString},
	{"go template in an attribute", attribute},
	{"go xml.EscapeText", escapeXML},
	{"go url.QueryEscape", url.QueryEscape},
	{"go url.PathEscape", url.PathEscape},
	{"go url twice", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"go Quote", strconv.Quote},
	{"go json in html", func(s string) string { return html.EscapeString(marshal(s)) }},
	{"go html in json", func(s string) string { return marshal(html.EscapeString(s)) }},
	{"go url in json", func(s string) string { return marshal(url.QueryEscape(s)) }},
	{"go json in url", func(s string) string { return url.QueryEscape(marshal(s)) }},
}

func marshal(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		log.Fatal(err)
	}
	return string(b)
}

func plainJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		log.Fatal(err)
	}
	return b.String()
}

func attribute(s string) string {
	var b bytes.Buffer
	t := template.Must(template.New("").Parse(`<a title={{.}} href="/x?q={{.}}" onclick="f({{.}})">{{.}}</a>`))
	if err := t.Execute(&b, s); err != nil {
		log.Fatal(err)
	}
	return b.String()
}

func escapeXML(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		log.Fatal(err)
	}
	return b.String()
}

func main() {
	text, err := os.ReadFile("secrets.json")
	if err != nil {
		log.Fatal(err)
	}
	var secrets []string
	if err := json.Unmarshal(text, &secrets); err != nil {
		log.Fatal(err)
	}
	for _, e := range escapers {
		for _, s := range secrets {
			fmt.Println(plainJSONList(e.name, s, e.escape(s)))
		}
	}
}

func plainJSONList(parts ...string) string {
	b, err := json.Marshal(parts)
	if err != nil {
		log.Fatal(err)
	}
	return string(b)
}
