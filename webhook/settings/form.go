package settings

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// formView is the form. URL and secret are written and never read, so it has no place for
// their values.
type formView struct {
	ID, Version         string // empty when a webhook is added
	Name, Notes         string
	Active              bool
	Triggers            []choice
	Headers             []headerField // that are stored: their values can be entered again
	StoredAt            string        // scheme and host of the stored URL
	HasSecret           bool
	SecretOptional      bool
	Generates           bool   // an empty secret of a new webhook
	EnterAgain          bool   // URL and secret were typed and not kept
	Full                string // the limit is reached: there is no form
	Problem             string // something that belongs to no field
	Errors              []fieldProblem
	NameError, URLError string
	SecretError         string
	TriggersError       string
	NotesError          string
	HeadersError        string
	Credentials         *credentialsView // nil where the form has none
}

// headerField is a header by its place in the form, without its value.
type headerField struct{ Element, Name string }

type choice struct {
	Type    string
	Trigger Trigger
	Chosen  bool
}

// fieldProblem is a line of the summary; Field is the element it leads to.
type fieldProblem struct{ Field, Text string }

func (v *visit) newForm(w webhook.Webhook) *formView {
	f := &formView{ID: w.ID, Name: w.Name, Notes: w.Notes, Active: w.Active, StoredAt: hostOf(w.URL),
		HasSecret: len(w.Secrets) > 0, Generates: v.generates && v.secret && w.ID == "", SecretOptional: !v.secret || v.generates}
	if w.ID != "" {
		f.Version = strconv.FormatInt(w.Version, 10)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		f.Headers = append(f.Headers, headerField{"field-headers", name})
		if n := len(f.Headers); n > 1 {
			f.Headers[n-1].Element += "-" + strconv.Itoa(n)
		}
	}
	for _, name := range v.o.Triggers {
		f.Triggers = append(f.Triggers, choice{name, v.o.Texts.trigger(name), slices.Contains(w.Events, name)})
	}
	f.Credentials = v.credentials(&w, v.o.Texts)
	return f
}

func (v *visit) showForm(status int, f *formView) error {
	title := v.o.Texts.AddTitle
	if f.ID != "" {
		title = v.o.Texts.EditTitle(f.Name)
	}
	return v.render(status, "form", page{Title: title, Body: f, Wrong: status != http.StatusOK})
}

func (v *visit) addForm() error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.o.Texts.ReadOnlyRefused}
	}
	hooks, err := v.m.List(v.r.Context(), v.scope)
	if err != nil {
		return err
	}
	f := v.newForm(webhook.Webhook{Active: true})
	if v.full(hooks) {
		f.Full = v.o.Texts.Full(v.limit())
	}
	return v.showForm(http.StatusOK, f)
}

func (v *visit) add() error {
	w := webhook.Webhook{Scope: v.scope}
	v.readForm(&w)
	added, err := v.m.Add(v.r.Context(), w)
	if err != nil {
		return v.refused(w, err)
	}
	if len(w.Secrets) == 0 && len(added.Secrets) > 0 {
		return v.showSecret(added, v.o.Texts.Added(added.Name))
	}
	v.leaveNotice(notice{Kind: noticeAdded, Name: added.Name})
	return v.see("webhooks/" + added.ID)
}

func (v *visit) editForm() error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.o.Texts.ReadOnlyRefused}
	}
	w, err := v.m.Webhook(v.r.Context(), v.scope, v.args[0])
	if err != nil {
		return err
	}
	return v.showForm(http.StatusOK, v.newForm(w))
}

func (v *visit) edit() error {
	ctx := v.r.Context()
	stored, err := v.m.Webhook(ctx, v.scope, v.args[0])
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(v.r.PostForm.Get("version"), 10, 64)
	if err != nil || version < 1 { // 0 would overwrite whatever is there
		return problem{http.StatusBadRequest, v.o.Texts.BadForm}
	}
	w := stored.Clone()
	w.Version = version
	v.readForm(&w)
	saved, err := v.m.Edit(ctx, w, v.readCredentials(&w, &stored)...)
	if err != nil {
		w.Version, w.URL, w.Secrets, w.Auth, w.TLS.Key = stored.Version, stored.URL, stored.Secrets, shownAuth(w.Auth, stored.Auth), stored.TLS.Key // of what is stored the form shows a host, and that there is a secret
		return v.refused(w, err)
	}
	v.leaveNotice(notice{Kind: noticeSaved, Name: saved.Name})
	return v.see("webhooks/" + saved.ID)
}

// readForm puts the form into w. Types that the form does not offer stay.
func (v *visit) readForm(w *webhook.Webhook) {
	form := v.r.PostForm
	w.Name = strings.TrimSpace(form.Get("name"))
	w.Notes = strings.TrimSpace(strings.ReplaceAll(form.Get("notes"), "\r\n", "\n"))
	w.Active = form.Get("active") != ""
	w.URL = strings.TrimSpace(form.Get("url"))
	w.Secrets = nil
	if secret := strings.TrimSpace(form.Get("secret")); secret != "" {
		w.Secrets = []webhook.Secret{webhook.NewSecret(secret)}
	}
	v.readAuth(w)
	kept := slices.DeleteFunc(slices.Clone(w.Events), func(e string) bool { return slices.Contains(v.o.Triggers, e) })
	w.Events = append(slices.Clone(form["trigger"]), kept...)
}

// readCredentials puts in what was typed over stored credentials. The rest stays empty:
// the Manager keeps it, or asks for it again. A secret that was typed for the same URL comes in by
// rotation, so that the receiver can change over.
func (v *visit) readCredentials(w, stored *webhook.Webhook) []webhook.RotateOption {
	for name := range w.Headers {
		w.Headers[name] = strings.TrimSpace(v.r.PostForm.Get("header." + name))
	}
	canonical, err := v.d.Profile().Allow.CheckURL(w.URL)
	sameURL := w.URL == "" || w.URL == stored.URL || err == nil && canonical == stored.URL
	if len(w.Secrets) == 0 || len(stored.Secrets) == 0 || !sameURL {
		return nil
	}
	return []webhook.RotateOption{webhook.DefaultRotation()}
}

// refused shows the form again, with what is wrong. Nothing has been stored.
func (v *visit) refused(w webhook.Webhook, err error) error {
	f := v.newForm(w)
	f.EnterAgain = v.r.PostForm.Get("url") != "" || v.r.PostForm.Get("secret") != ""
	if f.ID == "" {
		f.StoredAt, f.HasSecret = "", false // nothing is stored yet
	}
	status := http.StatusUnprocessableEntity
	var invalid *webhook.ValidationError
	var open *webhook.RotatingError
	switch {
	case errors.As(err, &open):
		status = http.StatusConflict
		f.wrong("secret", v.o.Texts.SecretRotating(v.clock().at(open.Until).Text))
	case errors.As(err, &invalid):
		for _, e := range invalid.Fields {
			f.wrong(e.Field, v.o.Texts.Field(e))
		}
	case errors.Is(err, webhook.ErrLimit):
		status, f.Problem = http.StatusConflict, v.o.Texts.Full(v.limit())
	case errors.Is(err, webhook.ErrConflict):
		status, f.Problem = http.StatusConflict, v.o.Texts.Conflict
	default:
		return err
	}
	return v.showForm(status, f)
}

// wrong puts a message beside its field, the first one where there are several, and into
// the summary.
func (f *formView) wrong(field, message string) {
	at := map[string]*string{"name": &f.NameError, "url": &f.URLError, "secret": &f.SecretError,
		"events": &f.TriggersError, "notes": &f.NotesError}
	if f.Credentials.wrong(field, message) {
		f.Errors = append(f.Errors, fieldProblem{"field-" + field, message})
		return
	}
	if len(f.Headers) > 0 {
		at["headers"] = &f.HeadersError
	}
	beside, ok := at[field]
	if !ok {
		f.Errors = append(f.Errors, fieldProblem{Text: message})
		return
	}
	if *beside == "" {
		*beside = message
	}
	f.Errors = append(f.Errors, fieldProblem{"field-" + field, message})
}
