package settings

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

// signInView is the answer to a form whose sender is signed out.
type signInView struct {
	URL    string // where to sign in
	Action string // of the form
	Fields []formValue
	Lost   bool // a secret was entered
}

type formValue struct{ Name, Value string }

// openFields may be written into a page again; see readForm.
var openFields = []string{"name", "url", "notes", "trigger", "active", "version", "to", "at", "now", "sample", "since", "rate",
	"auth.scheme", "auth.username", "auth.token_url", "auth.client_id", "auth.client_auth", "auth.scopes", "auth.audience", "auth.resource",
	"tls.certificate", "tls.root_cas"}

// signIn answers a request without a scope.
func (v *visit) signIn() error {
	refused := problem{status: http.StatusForbidden, text: v.t.NoAccess}
	to := ""
	if v.o.SignIn != nil {
		to = v.o.SignIn(v.r)
	}
	switch {
	case to == "" || webpage.Live(v.r):
		return refused
	case v.r.Method != http.MethodPost:
		v.w.Header().Set("Location", to)
		v.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if v.origin.Check(v.r) != nil {
		return refused
	}
	if err := v.readBody(); err != nil {
		return err
	}
	view := signInView{URL: to, Action: v.root + v.r.URL.EscapedPath()[1:]}
	for name, values := range v.r.PostForm {
		if !slices.Contains(openFields, name) {
			view.Lost = view.Lost || name != "once" && slices.ContainsFunc(values, func(s string) bool { return s != "" })
			continue
		}
		for _, value := range values {
			if strings.HasPrefix(name, "tls.") && shownPEM(value) != value {
				view.Lost = true
				continue
			}
			view.Fields = append(view.Fields, formValue{name, value})
		}
	}
	return v.render(http.StatusForbidden, "signin", page{Title: v.t.SignInTitle, Body: &view})
}
