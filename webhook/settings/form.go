package settings

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/webhook"
)

// formView is the form. The stored URL and secret are never read. A URL that was just typed comes
// back after a mistake, a secret does not.
type formView struct {
	ID, Version         string // empty when a webhook is added
	Name, Notes         string
	Active              bool
	Triggers            []choice
	Orders              []orderChoice // the orders of one key's events, where there is a choice
	Wait                string        // seconds; empty where the latest event cannot be chosen
	Headers             []headerField // the stored headers, whose values can be entered again
	StoredAt            string        // scheme and host of the stored URL
	URL                 string        // as typed
	Conflict            []difference  // where another person has changed the webhook meanwhile
	HasSecret           bool
	SecretOptional      bool
	Makes               bool   // the Manager makes the secret of a new webhook that has none
	EnterAgain          bool   // a typed secret was dropped
	Full                string // the message that the limit is reached; there is no form
	Problem             string // a problem without a field
	Errors              []fieldProblem
	NameError, URLError string
	SecretError         string
	TriggersError       string
	NotesError          string
	HeadersError        string
	Credentials         *credentialsView // nil where the form has none
	OrderError          string
	WaitError           string
}

// headerField is a header by its place in the form, without its value.
type headerField struct{ Element, Name string }

type choice struct {
	Type    string
	Trigger Trigger
	Chosen  bool
	Example string // a body, empty where the Profile has no catalogue
}

// fieldProblem is a line of the summary; Field is the element it leads to.
type fieldProblem struct{ Field, Text string }

func (v *visit) newForm(w webhook.Webhook) *formView {
	f := &formView{ID: w.ID, Name: w.Name, Notes: w.Notes, Active: w.Active, StoredAt: hostOf(w.URL),
		HasSecret: len(w.Secrets) > 0, Makes: v.makes && v.secret && w.ID == "", SecretOptional: !v.secret || v.makes}
	if w.ID != "" {
		f.Version = strconv.FormatInt(w.Version, 10)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		f.Headers = append(f.Headers, headerField{"field-headers", name})
		if n := len(f.Headers); n > 1 {
			f.Headers[n-1].Element += "-" + strconv.Itoa(n)
		}
	}
	for _, name := range v.offered(&w) {
		f.Triggers = append(f.Triggers, choice{name, v.t.trigger(name), slices.Contains(w.Events, name), v.types[name].example})
	}
	f.Credentials = v.credentials(&w, v.t)
	f.Orders = v.orderChoices(&w)
	if slices.Contains(v.orderValues(), latestOnly) {
		f.Wait = waitOf(&w)
	}
	return f
}

func (v *visit) showForm(status int, f *formView) error {
	title := v.t.AddTitle
	if f.ID != "" {
		title = v.t.EditTitle(f.Name)
	}
	return v.render(status, "form", page{Title: title, Body: f, Wrong: status != http.StatusOK})
}

func (v *visit) addForm() error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.t.ReadOnlyRefused}
	}
	hooks, err := v.m.List(v.ctx, v.scope)
	if err != nil {
		return err
	}
	f := v.newForm(webhook.Webhook{Active: true})
	if v.full(hooks) {
		f.Full = v.t.Full(v.most)
	}
	return v.showForm(http.StatusOK, f)
}

func (v *visit) add() error {
	w := webhook.Webhook{Scope: v.scope}
	v.readForm(&w)
	added, err := v.m.Add(v.ctx, w)
	if err != nil {
		return v.refused(w, nil, err)
	}
	if len(w.Secrets) == 0 && len(added.Secrets) > 0 {
		return v.showSecret(added, v.t.Added(added.Name))
	}
	v.leaveNotice(notice{Kind: noticeAdded, Name: added.Name})
	return v.see(v.inList(added.ID))
}

func (v *visit) editForm() error {
	if v.readOnly {
		return problem{http.StatusForbidden, v.t.ReadOnlyRefused}
	}
	w, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	return v.showForm(http.StatusOK, v.newForm(w))
}

func (v *visit) edit() error {
	stored, err := v.m.Webhook(v.ctx, v.scope, v.id)
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(v.r.PostForm.Get("version"), 10, 64)
	if err != nil || version < 1 { // 0 would overwrite any version
		return problem{http.StatusBadRequest, v.t.BadForm}
	}
	w := stored.Clone()
	w.Version = version
	v.readForm(&w)
	saved, err := v.m.Edit(v.ctx, w, v.readCredentials(&w, &stored)...)
	if err != nil {
		return v.refused(w, &stored, err)
	}
	v.leaveNotice(notice{Kind: noticeSaved, Name: saved.Name})
	return v.see(v.inList(saved.ID))
}

// readForm puts the form into w. Types that the form does not offer stay.
func (v *visit) readForm(w *webhook.Webhook) {
	form := v.r.PostForm
	w.Name = strings.TrimSpace(form.Get("name"))
	w.Notes = strings.TrimSpace(strings.ReplaceAll(form.Get("notes"), "\r\n", "\n"))
	w.Active = form.Get("active") != ""
	v.readOrder(w)
	w.URL = strings.TrimSpace(form.Get("url"))
	w.Secrets = nil
	if secret := strings.TrimSpace(form.Get("secret")); secret != "" {
		w.Secrets = []webhook.Secret{webhook.NewSecret(secret)}
	}
	v.readAuth(w)
	offered := v.offered(w)
	kept := slices.DeleteFunc(slices.Clone(w.Events), func(e string) bool { return slices.Contains(offered, e) })
	w.Events = append(slices.Clone(form["trigger"]), kept...)
}

// readCredentials puts the credentials that were typed in place of the stored ones. The rest stays
// empty: the Manager keeps it, or asks for it again. A secret typed for the same URL is rotated in,
// so that the receiver can change over.
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

// refused shows the form again with its mistakes. Nothing has been stored. stored is the webhook as
// it was read, nil for a new one.
func (v *visit) refused(w webhook.Webhook, stored *webhook.Webhook, err error) error {
	var different []difference
	if stored != nil {
		if errors.Is(err, webhook.ErrConflict) {
			if now, err := v.m.Webhook(v.ctx, v.scope, stored.ID); err == nil {
				stored = &now
			}
			different = v.differences(&w, stored)
		}
		// The form shows only the host of a stored URL, and only that there is a secret.
		w.Version, w.URL, w.Secrets, w.Auth, w.TLS.Key = stored.Version, stored.URL, stored.Secrets, shownAuth(w.Auth, stored.Auth), stored.TLS.Key
	}
	f := v.newForm(w)
	f.Conflict = different
	f.URL = strings.TrimSpace(v.r.PostForm.Get("url"))
	f.EnterAgain = v.r.PostForm.Get("secret") != ""
	if f.Wait != "" && v.r.PostForm.Has("wait") {
		f.Wait = cmp.Or(v.r.PostForm.Get("wait"), "0")
	}
	if f.Credentials != nil {
		f.Credentials.Typed = make(map[string]string)
		for _, name := range []string{"auth.username", "auth.token_url", "auth.client_id"} {
			f.Credentials.Typed[name] = v.r.PostForm.Get(name)
		}
	}
	if f.ID == "" {
		f.StoredAt, f.HasSecret = "", false // nothing is stored yet
	}
	status := http.StatusUnprocessableEntity
	var invalid *webhook.ValidationError
	var open *webhook.RotatingError
	switch {
	case errors.As(err, &open):
		status = http.StatusConflict
		f.wrong("secret", v.t.SecretRotating(v.clock().at(open.Until).Text))
	case errors.As(err, &invalid):
		for _, e := range invalid.Fields {
			f.wrong(e.Field, v.t.Field(e))
		}
	case errors.Is(err, webhook.ErrLimit):
		status, f.Problem = http.StatusConflict, v.t.Full(v.most)
	case errors.Is(err, webhook.ErrConflict):
		status, f.Problem = http.StatusConflict, v.t.Conflict
	default:
		return err
	}
	return v.showForm(status, f)
}

// wrong puts a message beside its field, the first one where there are several, and into the
// summary.
func (f *formView) wrong(field, message string) {
	at := map[string]*string{"name": &f.NameError, "url": &f.URLError, "secret": &f.SecretError,
		"events": &f.TriggersError, "notes": &f.NotesError}
	if f.Credentials.wrong(field, message) {
		f.Errors = append(f.Errors, fieldProblem{"field-" + field, message})
		return
	}
	if len(f.Orders) > 0 {
		at["order"] = &f.OrderError
		at["coalesce_wait"] = &f.WaitError
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
