package webhook

import (
	"errors"
	"time"

	"github.com/postrider/postrider/webhook/internal/scheduler"
)

// doLook asks which lanes have something due.
func (g *engine) doLook(c scheduler.Look) {
	d := g.d
	began := time.Now()
	earliest, _ := d.timeBounds()
	q := DueQuery{Now: earliest, Since: c.Since, Limit: lookPage, Cursor: c.Cursor}
	g.due(q, func(lanes []scheduler.Lane, page DuePage, err error) {
		g.finish(scheduler.Listed{Lanes: lanes, Cursor: page.Cursor, Next: page.Next, Took: time.Since(began), Failed: err != nil})
	}, func() { g.finish(scheduler.Listed{Failed: true}) })
}

const lookPage = 500

// doLookAt asks which lanes of one webhook have something due.
func (g *engine) doLookAt(c scheduler.LookAt) {
	earliest, _ := g.d.timeBounds()
	q := DueQuery{Now: earliest, Scope: c.Scope, WebhookID: c.WebhookID, Limit: lookPage}
	g.due(q, func(lanes []scheduler.Lane, page DuePage, err error) {
		g.finish(scheduler.Found{Lanes: lanes, Failed: err != nil || page.Cursor != ""})
	}, func() { g.finish(scheduler.Found{Failed: true}) })
}

// due calls the Store, and then done with the answer, or late without one.
func (g *engine) due(q DueQuery, done func(lanes []scheduler.Lane, page DuePage, err error), late func()) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	var page DuePage
	g.callStore(storeTimeout, "Due", func() (err error) {
		page, err = d.store.Due(ctx, q)
		return err
	}, func(err error) {
		d.recordCall(ctx, "Due", err)
		var partial *PartialError
		if errors.As(err, &partial) {
			page.Cursor = "" // the next look begins anew
		} else if err != nil {
			page = DuePage{}
		}
		if err == nil && q.Cursor == "" && len(page.Lanes) == 0 && q.WebhookID == "" {
			d.status.setOldestDue(time.Time{})
		}
		var lanes []scheduler.Lane
		for _, l := range page.Lanes {
			lanes = append(lanes, scheduler.Lane(l))
		}
		done(lanes, page, err)
	}, func() {
		d.recordCall(ctx, "Due", errNoAnswer)
		late()
	})
}
