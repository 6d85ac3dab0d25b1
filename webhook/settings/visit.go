package settings

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

// visit is one request.
type visit struct {
	*Handler
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context // of the Store's calls; a form is carried out although the browser left
	t        *Texts
	now      time.Time
	scope    string
	id       string // of the webhook in the path
	readOnly bool
	root     string // relative link to the list
	largest  int64  // bound of the form, in bytes

	moved bool    // a form was carried out and led to another page
	sent  string  // which page
	left  *notice // the notice for that page
}

func (h *Handler) visit(w http.ResponseWriter, r *http.Request) *visit {
	t := &h.texts
	if h.o.Texts != nil {
		if given := h.o.Texts(r); given != nil {
			t = given.complete(&h.texts)
		}
	}
	return &visit{Handler: h, w: w, r: r, ctx: r.Context(), t: t, now: time.Now(), id: r.PathValue("id"), root: webpage.Root(r), largest: maxForm}
}

const (
	maxForm = 128 << 10 // notes of 4,000 runes take up to 48,000 bytes in a form
	// maxPEMForm has room for three fields in PEM too, each at most three times as long in a
	// browser's encoding. The Manager then names the field that is too long.
	maxPEMForm = maxForm + 3*3*maxPEM
)

// pemForms are the routes whose forms have fields in PEM where Options.ClientCertificates is set.
var pemForms = []string{"/add", "/webhooks/{id}/edit", "/webhooks/{id}/certificate"}

func (v *visit) answer(rt route) {
	if err := v.serve(rt); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve(rt route) (err error) {
	if v.o.ClientCertificates && slices.Contains(pemForms, rt.path) {
		v.largest = maxPEMForm
	}
	if v.scope, err = v.o.Scope(v.r); err != nil || v.scope == "" {
		v.o.Logger.InfoContext(v.ctx, "settings: request without a scope was refused", "error", err)
		return v.signIn()
	}
	v.readOnly = v.o.ReadOnly != nil && v.o.ReadOnly(v.r)
	get := v.r.Method == http.MethodGet || v.r.Method == http.MethodHead
	switch {
	case rt.get == nil && rt.post == nil:
		return problem{status: http.StatusNotFound, text: v.t.NoPage}
	case get && rt.get != nil:
		return rt.get(v)
	case v.r.Method == http.MethodPost && rt.post != nil:
		if err := v.mayChange(); err != nil {
			return err
		}
		return v.once(rt.post)
	}
	var allow []string
	if rt.get != nil {
		allow = append(allow, http.MethodGet, http.MethodHead)
	}
	if rt.post != nil {
		allow = append(allow, http.MethodPost)
	}
	v.w.Header().Set("Allow", strings.Join(allow, ", "))
	return problem{status: http.StatusMethodNotAllowed, text: v.t.BadMethod}
}

// mayChange judges a POST before anything of it is read.
func (v *visit) mayChange() error {
	if err := v.origin.Check(v.r); err != nil {
		return problem{status: http.StatusForbidden, text: v.t.CrossSite}
	}
	if v.readOnly {
		return problem{status: http.StatusForbidden, text: v.t.ReadOnlyRefused}
	}
	return v.readBody()
}

func (v *visit) readBody() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, v.largest)
	if err := v.r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return problem{status: http.StatusRequestEntityTooLarge, text: v.t.TooLarge}
		}
		return problem{status: http.StatusBadRequest, text: v.t.BadForm}
	}
	return nil
}

// see ends a POST: the browser goes to a page below the list, so that a reload repeats nothing.
func (v *visit) see(path string) error {
	v.moved, v.sent = true, path
	v.w.Header().Set("Location", v.root+path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// render writes a page. Nothing has been written when it fails.
func (v *visit) render(status int, name string, p page) error {
	if p.Live && status == http.StatusOK {
		p.Tag = webpage.Tag(name, p.Title, v.t.Lang, v.readOnly, v.site.CSS, v.site.JS, p.Body)
		if webpage.NotModified(v.w, v.r, p.Tag) {
			return nil
		}
	}
	p.visit(v)
	if err := v.site.Render(v.w, status, name, p); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
