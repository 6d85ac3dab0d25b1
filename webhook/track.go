package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/payload"
)

// DispatchError is returned by Track and TrackTx when fn has run and its event could not be
// dispatched. It is no failure of the task: a runner checks for it with errors.As before it counts
// an error as the task's, and takes Task as the result of the task.
type DispatchError struct {
	// Task is the error of fn: nil for a task that succeeded.
	Task error
	// Event is the event of the task's end. It may be dispatched later and is stored once, even if
	// the first Dispatch has stored it, because its ID stays the same.
	Event payload.Event
	// Err is the error of Dispatch or DispatchTx.
	Err error
}

// Error says that the event was not dispatched, and why. It does not repeat the task's error.
func (e *DispatchError) Error() string {
	ended := "succeeded"
	if e.Task != nil {
		ended = "failed"
	}
	return fmt.Sprintf("webhook: run %s %s, but its event was not dispatched: %v", e.Event.ID, ended, e.Err)
}

// Unwrap returns Err. The task's own error stands beside this one.
func (e *DispatchError) Unwrap() error { return e.Err }

// Track runs fn, the body of a task, and dispatches its result: taskSuccess when it returned nil,
// taskFailure when it returned an error or panicked. Only the result of fn counts, not failed items
// within the task.
//
// The processId of run is the event's ID. It names one execution: a task that is tried again needs a
// new one, because webhooks that have got the first result do not get a second one. Track logs a
// warning then.
//
// Options are those of [payload.New], such as payload.WithVars, and override the values that Track
// sets. A Run or an option that Dispatch would refuse is refused before fn is called, with an error
// for which errors.Is reports [payload.ErrInvalid], [ErrInvalid], [payload.ErrTooLarge] or [ErrTooLarge].
//
// Track returns fn's error as it is, and lets fn's panic go on after Dispatch. If the event could
// not be dispatched it returns a [*DispatchError]: alone when fn returned nil, otherwise joined to
// fn's error. The dispatch happens although ctx may have ended.
func Track(ctx context.Context, d *Dispatcher, run payload.Run, fn func(context.Context) error, opts ...payload.Option) error {
	if d == nil || fn == nil {
		return fmt.Errorf("%w call: Track needs a Dispatcher and a task", ErrInvalid)
	}
	t := tracking{d: d, run: run, opts: opts, dispatch: d.Dispatch}
	return t.do(ctx, fn)
}

// TrackTx is Track inside a transaction of the host: tx comes from the Store adapter, as for
// [Dispatcher.DispatchTx], and fn usually works in the same transaction. The event is sent once the
// host commits, and never if it rolls back: a host that rolls back a failed task, and wants the
// failure sent, uses Track. After a [*DispatchError] the transaction may be unusable; roll it back.
// Call [Dispatcher.Wake] after the commit.
func TrackTx(ctx context.Context, d *Dispatcher, tx Enqueuer, run payload.Run, fn func(context.Context) error, opts ...payload.Option) error {
	if d == nil || tx == nil || fn == nil {
		return fmt.Errorf("%w call: TrackTx needs a Dispatcher, an Enqueuer, such as sqlstore's Store.Tx, and a task", ErrInvalid)
	}
	t := tracking{d: d, run: run, opts: opts, dispatch: func(ctx context.Context, events ...payload.Event) (Receipt, error) {
		return d.DispatchTx(ctx, tx, events...)
	}}
	return t.do(ctx, fn)
}

// tracking is one run of a task.
type tracking struct {
	d        *Dispatcher
	run      payload.Run
	opts     []payload.Option
	dispatch func(context.Context, ...payload.Event) (Receipt, error)
}

func (t *tracking) do(ctx context.Context, fn func(context.Context) error) error {
	t.run.ActionTypes = slices.Clone(t.run.ActionTypes) // fn may write into it
	if err := t.check(); err != nil {
		return err
	}
	ended := false
	defer func() {
		if ended {
			return
		}
		// fn panicked, or ended its goroutine by runtime.Goexit. There is no caller to return
		// an error to, and without recover the panic goes on by itself, with its own stack.
		if err := t.dispatchEnd(ctx, errTaskPanicked); err != nil {
			t.d.log.ErrorContext(ctx, "webhook: a task panicked and its end could not be dispatched", "process", t.run.ProcessID, "error", err)
		}
	}()
	taskErr := fn(ctx)
	ended = true
	err := t.dispatchEnd(ctx, taskErr)
	switch {
	case err == nil:
		return taskErr
	case taskErr == nil:
		return err
	}
	return errors.Join(taskErr, err)
}

// check refuses a Run whose success or failure could not be dispatched, before fn runs.
func (t *tracking) check() error {
	for _, end := range []error{nil, errTaskPanicked} {
		event, err := t.event(end)
		if err == nil {
			err = t.d.checkEvents([]payload.Event{event})
		}
		if err != nil {
			return fmt.Errorf("webhook: track: the task was not started: %w", err)
		}
	}
	return nil
}

var errTaskPanicked = errors.New("webhook: task panicked")

func (t *tracking) event(taskErr error) (payload.Event, error) {
	opts := t.opts
	if id := t.run.ProcessID; id != "" { // payload.New gives an ID to an empty one
		opts = append([]payload.Option{payload.WithID(runID(id))}, opts...)
	}
	return payload.New(t.run.Scope, payload.TaskEnded(t.run, taskErr), opts...)
}

// dispatchEnd dispatches the result of the task. Its error is a *DispatchError.
func (t *tracking) dispatchEnd(ctx context.Context, taskErr error) error {
	event, err := t.event(taskErr)
	var receipt Receipt
	if err == nil {
		receipt, err = t.dispatch(context.WithoutCancel(ctx), event)
	}
	if err != nil {
		return &DispatchError{Task: taskErr, Event: event, Err: err}
	}
	if e := receipt.Events[0]; e.Matched > 0 && e.Added == 0 {
		t.d.log.WarnContext(ctx, "webhook: a task with this processId was tracked before, its second result is not sent",
			"process", t.run.ProcessID, "type", event.Type)
	}
	return nil
}

// runID is the processId, or an ID derived from it if it cannot be the ID of an event.
func runID(processID string) string {
	if len(processID) <= maxEventID && isName(processID) {
		return processID
	}
	sum := sha256.Sum256([]byte(processID))
	return "run_" + hex.EncodeToString(sum[:16])
}

const maxEventID = 255 // bytes, as payload.WithID has it
