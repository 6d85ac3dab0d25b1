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
	lanes, page, err, ok := g.due(q, func() { g.finish(scheduler.Listed{Failed: true}) })
	if !ok {
		return
	}
	g.finish(scheduler.Listed{Lanes: lanes, Cursor: page.Cursor, Next: page.Next, Took: time.Since(began), Failed: err != nil})
}

const lookPage = 500

// doLookAt asks which lanes of one webhook have something due.
func (g *engine) doLookAt(c scheduler.LookAt) {
	earliest, _ := g.d.timeBounds()
	q := DueQuery{Now: earliest, Scope: c.Scope, WebhookID: c.WebhookID, Limit: lookPage}
	lanes, page, err, ok := g.due(q, func() { g.finish(scheduler.Found{Failed: true}) })
	if ok {
		g.finish(scheduler.Found{Lanes: lanes, Failed: err != nil || page.Cursor != ""})
	}
}

// due calls the Store. ok is false when it answered too late and late was called.
func (g *engine) due(q DueQuery, late func()) (lanes []scheduler.Lane, page DuePage, err error, ok bool) {
	d := g.d
	ctx, cancel := d.storeContext(storeTimeout)
	defer cancel()
	g.callStore(storeTimeout, "Due", func() (err error) {
		page, err = d.store.Due(ctx, q)
		return err
	}, func(e error) {
		ok = true
		d.recordCall(ctx, "Due", e)
		var partial *PartialError
		if err = e; errors.As(err, &partial) {
			page.Cursor = "" // the next look begins anew
		} else if err != nil {
			page = DuePage{}
		}
		if err == nil && q.Cursor == "" && len(page.Lanes) == 0 && q.WebhookID == "" {
			d.status.setOldestDue(time.Time{})
		}
		for _, l := range page.Lanes {
			lanes = append(lanes, scheduler.Lane(l))
		}
	}, func() {
		d.recordCall(ctx, "Due", errNoAnswer)
		late()
	})
	return lanes, page, err, ok
}
