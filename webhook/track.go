package webhook

import (
	"context"
	"errors"

	"github.com/postrider/postrider/payload"
)

// Track runs fn, the body of a task, and dispatches how it ended: taskSuccess when it
// returned nil, taskFailure when it returned an error or panicked. The task's own
// processId is the event's ID, so a task that is tracked twice is told once. Items that
// failed inside a task that went through do not matter: only fn's result does.
//
// Track returns fn's error as it is, joined with that of Dispatch if there is one, and lets
// fn's panic go on after Dispatch. The dispatch happens although ctx may have ended.
func Track(ctx context.Context, d *Dispatcher, run payload.Run, fn func(context.Context) error) (err error) {
	ended := false
	defer func() {
		if ended {
			return
		}
		// fn panicked, or ended its goroutine by runtime.Goexit. There is nobody to return
		// an error to, and without recover the panic goes on by itself, with its own stack.
		if dispatchErr := tell(ctx, d, run, errTaskPanicked); dispatchErr != nil {
			d.log.ErrorContext(ctx, "webhook: a task panicked and its end could not be dispatched", "process", run.ProcessID, "error", dispatchErr)
		}
	}()
	err = fn(ctx)
	ended = true
	if dispatchErr := tell(ctx, d, run, err); dispatchErr != nil {
		return errors.Join(err, dispatchErr)
	}
	return err
}

var errTaskPanicked = errors.New("webhook: task panicked")

func tell(ctx context.Context, d *Dispatcher, run payload.Run, taskErr error) error {
	event, err := payload.New(run.Scope, payload.TaskEnded(run, taskErr), payload.WithID(run.ProcessID))
	if err != nil {
		return err
	}
	_, err = d.Dispatch(context.WithoutCancel(ctx), event)
	return err
}
