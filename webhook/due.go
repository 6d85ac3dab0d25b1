package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// doLook asks which lanes have something due.
func (g *engine) doLook(c scheduler.Look) {
	began := time.Now()
	g.due(DueQuery{Since: c.Since, Cursor: c.Cursor}, func(page DuePage, err error) {
		g.finish(scheduler.Listed{Lanes: schedulerLanes(page.Lanes), Cursor: page.Cursor, Next: page.Next, Took: time.Since(began), Failed: err != nil})
	})
}

// doLookAt asks which lanes of one webhook have something due.
func (g *engine) doLookAt(c scheduler.LookAt) {
	g.due(DueQuery{Scope: c.Scope, WebhookID: c.WebhookID}, func(page DuePage, err error) {
		g.finish(scheduler.Found{Lanes: schedulerLanes(page.Lanes), Failed: err != nil || page.Cursor != ""})
	})
}

const lookPage = 500

// due asks the Store which lanes have something due now.
func (g *engine) due(q DueQuery, done func(page DuePage, err error)) {
	d := g.d
	q.Now, _ = d.timeBounds()
	q.Limit = lookPage
	callStore(g, storeTimeout, "Due", func(ctx context.Context) (DuePage, error) {
		return d.store.Due(ctx, q)
	}, func(_ context.Context, page DuePage, err error) {
		var partial *PartialError
		switch {
		case errors.As(err, &partial):
			page.Cursor = "" // the next look begins anew
		case err != nil:
			page = DuePage{}
		case q.Cursor == "" && len(page.Lanes) == 0 && q.WebhookID == "":
			d.status.setOldestDue(time.Time{})
		}
		done(page, err)
	})
}

func schedulerLanes(lanes []Lane) (out []scheduler.Lane) {
	for _, l := range lanes {
		out = append(out, scheduler.Lane(l))
	}
	return out
}
