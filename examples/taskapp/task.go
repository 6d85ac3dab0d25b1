package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/payload"
)

const schema = `
CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, task TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, error TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS rule (id INTEGER PRIMARY KEY, secret TEXT NOT NULL);`

// task is a job that the application does for administrators.
type task struct {
	ID, Name string
	Actions  []string
}

var tasks = []task{
	{"deactivate", "Deactivate inactive users", []string{"addToGroups", "removeAppAccess"}},
	{"licenses", "License clean-up", []string{"removeAppAccess"}},
}

var errDirectory = errors.New("the directory could not be reached")

// runTask runs a task while the browser waits; the form field "fail" makes it fail.
func (a *app) runTask(w http.ResponseWriter, r *http.Request) {
	for _, t := range tasks {
		if t.ID != r.PathValue("task") {
			continue
		}
		var result error
		if r.PostFormValue("fail") != "" {
			result = errDirectory
		}
		if err := a.run(r.Context(), t, result); err != nil {
			http.Error(w, "The run could not be recorded: "+err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	http.NotFound(w, r)
}

// run does the work of a task, which is empty in this example, and records its end.
func (a *app) run(ctx context.Context, t task, result error) error {
	id := newUUID()
	if _, err := a.db.ExecContext(ctx, `INSERT INTO run (id, task, started) VALUES ($1, $2, $3)`, id, t.Name, time.Now().UnixMilli()); err != nil {
		return err
	}
	return a.end(context.WithoutCancel(ctx), id, t, result) // a browser that leaves does not undo the run
}

// end records the end of a run and queues its webhooks in one transaction: both are stored, or
// neither.
func (a *app) end(ctx context.Context, id string, t task, result error) error {
	link, err := payload.DeepLink(payload.TaskLink{Site: "https://your-site.atlassian.net", AppID: "app-1", InstanceID: "instance-1", TaskID: t.ID, ProcessID: id})
	if err != nil {
		return err
	}
	run := payload.Run{Scope: tenant, ProcessID: id, Name: t.Name, ActionTypes: t.Actions, DeepLink: link}
	event, err := payload.New(run.Scope, payload.TaskEnded(run, result), payload.WithID(id))
	if err != nil {
		return err
	}
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after Commit
	text := ""
	if result != nil {
		text = result.Error()
	}
	if _, err := tx.ExecContext(ctx, `UPDATE run SET ended = $1, error = $2 WHERE id = $3`, time.Now().UnixMilli(), text, id); err != nil {
		return err
	}
	if _, err := a.hooks.DispatchTx(ctx, a.store.Tx(tx), event); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	a.hooks.Wake()
	return nil
}

// newUUID returns a random UUID, version 4 of RFC 9562.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// finished is a run as the page shows it.
type finished struct {
	ID, Task, Error string
	Started         time.Time
}

func (a *app) runs(ctx context.Context) ([]finished, error) {
	rows, err := a.db.QueryContext(ctx, `SELECT id, task, error, started FROM run WHERE ended IS NOT NULL ORDER BY started DESC LIMIT 10`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []finished
	for rows.Next() {
		var f finished
		var started int64
		if err := rows.Scan(&f.ID, &f.Task, &f.Error, &started); err != nil {
			return nil, err
		}
		f.Started = time.UnixMilli(started).UTC()
		out = append(out, f)
	}
	return out, rows.Err()
}
