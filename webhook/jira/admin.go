package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/webhook"
)

const adminPath = "/rest/webhooks/1.0/webhook"

// Administrator is the caller of the administrators' API.
type Administrator struct {
	Tenant string
	// Name and DisplayName are kept as the author of a webhook's creation and changes.
	Name, DisplayName string
}

// AdminOptions configures [NewAdmin]. Nil, or a zero field, means the default.
type AdminOptions struct {
	// BaseURL is the start of the self links of records; default https and the host that the
	// request names.
	BaseURL string
	// Shape2019 answers with records of the shape that the documentation of 2019 shows: jqlFilter
	// and excludeIssueDetails. Requests may have both shapes in any case.
	Shape2019 bool
	// PostFunctions returns the webhooks that workflow transitions trigger: this API does not
	// delete them. Nil means none. [WithPostFunctions] makes the Manager refuse to delete them too.
	PostFunctions PostFunctions
}

// NewAdmin returns the REST API for administrators to manage webhooks, at
// /rest/webhooks/1.0/webhook: POST creates, GET lists, and below it, by number, GET, PUT and
// DELETE. Its webhooks are those of the Manager, whose Scope is the tenant, without those that
// [Sync] made for apps.
//
// auth returns the administrator who calls; it is required. Its errors are answered as those of
// [NewDynamic]. Changes that a page of another site makes in an administrator's browser are refused
// with 403, because the browser adds a session or a password to them by itself.
func NewAdmin(m *webhook.Manager, auth func(*http.Request) (Administrator, error), opts *AdminOptions) (http.Handler, error) {
	switch {
	case m == nil:
		return nil, errors.New("jira: NewAdmin needs a Manager")
	case auth == nil:
		return nil, errors.New("jira: NewAdmin needs a func that authenticates requests")
	}
	a := &admin{manager: m, auth: auth}
	if opts != nil {
		a.o = *opts
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+adminPath, a.handle(a.create))
	mux.Handle("GET "+adminPath, a.handle(a.list))
	mux.Handle("GET "+adminPath+"/{id}", a.handle(a.get))
	mux.Handle("PUT "+adminPath+"/{id}", a.handle(a.update))
	mux.Handle("DELETE "+adminPath+"/{id}", a.handle(a.delete))
	return mux, nil
}

// admin serves the administrators' API.
type admin struct {
	manager *webhook.Manager
	auth    func(*http.Request) (Administrator, error)
	o       AdminOptions
}

func (a *admin) handle(serve func(by Administrator, r *http.Request) (status int, answer any, err error)) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin.Check(r) != nil {
			writeError(w, &requestError{http.StatusForbidden, "XSRF check failed: a page of another site cannot change webhooks. Use this site, or a program."})
			return
		}
		by, err := a.auth(r)
		if err == nil && by.Tenant == "" {
			err = errors.New("jira: authentication named no tenant")
		}
		if err != nil {
			writeError(w, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		status, answer, err := serve(by, r)
		if err != nil {
			writeError(w, adminError(err))
			return
		}
		writeJSON(w, status, answer)
	})
}

// adminError turns an error of the Manager into one that the caller may see.
func adminError(err error) error {
	var bad *webhook.ValidationError
	switch {
	case errors.Is(err, ErrAttached):
		return &requestError{http.StatusConflict, attachedMessage}
	case errors.As(err, &bad):
		messages := make([]string, len(bad.Fields))
		for i, f := range bad.Fields {
			messages[i] = f.Message
		}
		return badRequest(strings.Join(messages, " "))
	case errors.Is(err, webhook.ErrNotFound):
		return &requestError{http.StatusNotFound, "There is no webhook with this number."}
	case errors.Is(err, webhook.ErrConflict):
		return &requestError{http.StatusConflict, "The webhook was changed meanwhile. Read it again."}
	case errors.Is(err, webhook.ErrLimit):
		return badRequest("The limit of webhooks is reached.")
	}
	return err
}

func (a *admin) create(by Administrator, r *http.Request) (int, any, error) {
	var in adminRequest
	if err := readJSON(r, &in); err != nil {
		return 0, nil, err
	}
	w := webhook.Webhook{Scope: by.Tenant, Active: true, Attributes: map[string]string{attrCreatedBy: by.Name}}
	if err := in.apply(&w, by); err != nil {
		return 0, nil, err
	}
	w, err := a.manager.Add(r.Context(), w)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, a.record(&w, r), nil
}

func (a *admin) list(by Administrator, r *http.Request) (int, any, error) {
	hooks, err := a.webhooks(r.Context(), by.Tenant)
	if err != nil {
		return 0, nil, err
	}
	out := make([]any, 0, len(hooks))
	for _, w := range hooks {
		w, err := a.manager.Webhook(r.Context(), by.Tenant, w.ID) // a list may come without secrets
		if errors.Is(err, webhook.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return 0, nil, err
		}
		out = append(out, a.record(&w, r))
	}
	return http.StatusOK, out, nil
}

func (a *admin) get(by Administrator, r *http.Request) (int, any, error) {
	w, err := a.find(r, by.Tenant)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, a.record(&w, r), nil
}

// update replaces the fields in the request and keeps the rest, the secret too.
func (a *admin) update(by Administrator, r *http.Request) (int, any, error) {
	w, err := a.find(r, by.Tenant)
	if err != nil {
		return 0, nil, err
	}
	var in adminRequest
	if err := readJSON(r, &in); err != nil {
		return 0, nil, err
	}
	w.Secrets = nil // Edit keeps the stored ones, for the same receiver
	w.TLS.Key = webhook.Secret{}
	w.Auth.Username, w.Auth.Secret, w.Auth.OAuth.TokenURL, w.Auth.OAuth.ClientID = "", webhook.Secret{}, "", ""
	for name := range w.Headers {
		w.Headers[name] = ""
	}
	if err := in.apply(&w, by); err != nil {
		return 0, nil, err
	}
	w, err = a.manager.Edit(r.Context(), w)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, a.record(&w, r), nil
}

func (a *admin) delete(by Administrator, r *http.Request) (int, any, error) {
	w, err := a.find(r, by.Tenant)
	if err != nil {
		return 0, nil, err
	}
	remove := func(ctx context.Context) error { return a.manager.Delete(ctx, by.Tenant, w.ID) }
	if a.o.PostFunctions == nil {
		err = remove(r.Context())
	} else {
		err = deleteUnattached(r.Context(), a.o.PostFunctions, by.Tenant, w.ID, remove)
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

// webhooks returns the webhooks of a tenant that belong to no app.
func (a *admin) webhooks(ctx context.Context, tenant string) ([]webhook.Webhook, error) {
	hooks, err := a.manager.List(ctx, tenant)
	return slices.DeleteFunc(hooks, func(w webhook.Webhook) bool { return isApp(&w) }), err
}

// find returns the webhook that the path of a request names.
func (a *admin) find(r *http.Request, tenant string) (webhook.Webhook, error) {
	hooks, err := a.webhooks(r.Context(), tenant)
	if err != nil {
		return webhook.Webhook{}, err
	}
	for _, w := range hooks {
		if strconv.FormatInt(AdminID(w.ID), 10) == r.PathValue("id") {
			return a.manager.Webhook(r.Context(), tenant, w.ID) // a list may come without secrets
		}
	}
	return webhook.Webhook{}, webhook.ErrNotFound
}
