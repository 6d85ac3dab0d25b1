package settings

import (
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// problem is an error that is shown as a page.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return "settings: " + p.text }

// fail shows the error to the person. The text of a Store's or a host's error goes to the log only.
func (v *visit) fail(err error) {
	t := v.t
	var p problem
	var refused *webhook.ValidationError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &refused) && len(refused.Fields) > 0: // the Profile refuses to delete the webhook
		p = problem{http.StatusConflict, t.Field(refused.Fields[0])}
	case errors.Is(err, webhook.ErrNotFound):
		p = problem{http.StatusNotFound, t.Gone}
	case errors.Is(err, webhook.ErrHeld):
		p = problem{http.StatusConflict, t.Held}
	case errors.Is(err, webhook.ErrUnsupported):
		p = problem{http.StatusNotImplemented, t.NoHistory}
	case v.r.Context().Err() != nil:
		return // the client has gone
	default:
		p = problem{http.StatusServiceUnavailable, t.Broken}
		v.o.Logger.ErrorContext(v.ctx, "settings: request failed", "method", v.r.Method, "error", err)
	}
	shown := page{Title: t.ProblemTitle, Body: p.text}
	if err := v.render(p.status, "problem", shown); err != nil {
		v.o.Logger.ErrorContext(v.ctx, "settings: problem page failed", "error", err)
		http.Error(v.w, p.text, p.status)
	}
}
