package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed home.html
var homeHTML string

//go:embed taskapp.css
var css []byte

var homePage = template.Must(template.New("home").Parse(homeHTML))

// home shows the tasks, the latest runs, and the values for a new webhook.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	runs, err := a.runs(r.Context())
	if err != nil {
		http.Error(w, "The runs cannot be read: "+err.Error(), http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer
	err = homePage.Execute(&b, map[string]any{"Tasks": tasks, "Runs": runs, "URL": ruleURL, "Secret": a.rule.Secret().Reveal(), "SignedIn": signedIn(r)})
	if err != nil {
		http.Error(w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	_, _ = b.WriteTo(w)
}

func stylesheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(css)
}
