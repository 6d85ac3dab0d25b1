package webhook_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func run() payload.Run {
	return payload.Run{Scope: scope, ProcessID: processID, Name: "Deactivate", ActionTypes: []string{"addToGroups"}, DeepLink: "https://your-site.atlassian.net/x"}
}

// triggers lists the triggers of the received requests.
func triggers(rs []request) (out []string) {
	for _, r := range rs {
		_, rest, _ := strings.Cut(r.Body, `{"trigger":"`)
		trigger, _, _ := strings.Cut(rest, `"`)
		out = append(out, trigger+" "+r.Header.Get("Webhook-Id"))
	}
	return out
}

func (h *host) wantTriggers(want ...string) {
	h.t.Helper()
	settled(time.Second)
	if got := triggers(h.to.seen()); strings.Join(got, ", ") != strings.Join(want, ", ") {
		h.t.Errorf("received %q, want %q", got, want)
	}
}

// Rule: a task that returns nil is a success although items in it failed. An error is a failure and
// is returned as it is.
func TestTrackTellsTheResult(t *testing.T) {
	t.Parallel()
	taskErr := errors.New("directory is read-only")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"nil":   {nil, "taskSuccess"},
		"error": {taskErr, "taskFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, webhook.Automation(), nil, func(h *host) {
				h.add("one")
				failedItems := 0
				err := webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error {
					for item := range 10 {
						if item%3 == 0 {
							failedItems++ // noted by the task, which goes on
						}
					}
					return c.err
				})
				if err != c.err { // as it is, not wrapped
					t.Errorf("Track returned %v, want %v", err, c.err)
				}
				if failedItems == 0 {
					t.Error("the task did not run")
				}
				h.wantTriggers(c.want + " " + processID)
				if body := h.to.seen()[0].Body; strings.Contains(body, "read-only") {
					t.Errorf("the error's text was sent: %s", body)
				}
			})
		})
	}
}

// Rule: a panic is a failure; it goes on after the dispatch with its own value and stack.
func TestTrackPanic(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		value := &struct{ s string }{"boom"}
		func() {
			defer func() {
				if r := recover(); r != value {
					t.Errorf("recovered %v, want the very value of the task", r)
				}
				if stack := string(debug.Stack()); !strings.Contains(stack, "webhook_test.panickingTask") {
					t.Errorf("the stack does not show the task:\n%s", stack)
				}
				if h.stored() != 1 {
					t.Errorf("%d deliveries when the panic arrived, want 1", h.stored())
				}
			}()
			err := webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { panickingTask(value); return nil })
			t.Errorf("Track returned %v", err)
		}()
		h.wantTriggers("taskFailure " + processID)
	})
}

//go:noinline
func panickingTask(value any) { panic(value) }

// Rule: a task that ends its goroutine is a failure, and the goroutine ends.
func TestTrackGoexit(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		done := make(chan string, 1)
		go func() {
			defer func() {
				if r := recover(); r != nil {
					done <- "panicked"
					return
				}
				done <- "ended"
			}()
			_ = webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { runtime.Goexit(); return nil })
			done <- "went on"
		}()
		if got := <-done; got != "ended" {
			t.Errorf("the goroutine %s", got)
		}
		h.wantTriggers("taskFailure " + processID)
	})
}

// Rule: the event of a task whose context has ended is dispatched all the same.
func TestTrackCancelled(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		ending, cancel := context.WithCancel(ctx)
		err := webhook.Track(ending, h.Dispatcher, run(), func(ctx context.Context) error {
			cancel()
			return ctx.Err()
		})
		if err != context.Canceled {
			t.Errorf("Track returned %v, want context.Canceled alone", err)
		}
		h.wantTriggers("taskFailure " + processID)
	})
}

// Rule: a task that is tracked twice makes one event, and the log says that the second result is not
// sent; another task makes its own.
func TestTrackTwice(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		other := run()
		other.ProcessID = "107b5c6c-0078-4cf2-a9d9-3f8c02f74205"
		for i, r := range []payload.Run{run(), run(), other, run()} {
			var fail error
			if i == 3 {
				fail = errors.New("late") // the first end is the one that counts
			}
			if err := webhook.Track(ctx, h.Dispatcher, r, func(context.Context) error { return fail }); !errors.Is(err, fail) {
				t.Errorf("run %d: %v", i, err)
			}
			settled(time.Second)
		}
		h.wantTriggers("taskSuccess "+processID, "taskSuccess "+other.ProcessID)
		h.wantLines(2, "was tracked before", "level=WARN", "process="+processID, "type=taskFailure")
	})
}

// Rule: an error of Dispatch stands beside the result of the task: a task that succeeded is not
// taken for a failed one, its event can be dispatched later, and neither error hides the other.
func TestTrackDispatchFails(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: newStore(t)}
	h := newHost(t, store, webhook.Automation(), nil)
	h.add("one")
	down, taskErr := errors.New("database is gone"), errors.New("task failed")
	store.enqueue.Store(&down)
	for name, result := range map[string]error{"nil": nil, "error": taskErr} {
		err := webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { return result })
		var missed *webhook.DispatchError
		if !errors.As(err, &missed) || missed.Task != result || missed.Err == nil {
			t.Fatalf("%s: Track returned %v, want a DispatchError with the task's own result", name, err)
		}
		if !errors.Is(err, down) || errors.Is(err, taskErr) != (result != nil) || errors.Is(missed, taskErr) {
			t.Errorf("%s: Track returned %v", name, err)
		}
		if want := payload.TaskEnded(run(), result).EventType(); missed.Event.ID != processID || missed.Event.Type != want {
			t.Errorf("%s: the event is %s %s, want %s", name, missed.Event.Type, missed.Event.ID, want)
		}
		if text := missed.Error(); !strings.Contains(text, processID) || !strings.Contains(text, map[string]string{"nil": "succeeded", "error": "failed"}[name]) {
			t.Errorf("%s: text %q", name, text)
		}
	}
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v, want boom", r)
			}
		}()
		_ = webhook.Track(ctx, h.Dispatcher, run(), func(context.Context) error { panic("boom") })
	}()
	if log := h.log.String(); !strings.Contains(log, "process="+processID) || !strings.Contains(log, "database is gone") {
		t.Errorf("a panic whose end could not be dispatched is not logged:\n%s", log)
	}
}

// Rule: the event of a DispatchError, dispatched once the Store is back, is sent once.
func TestTrackDispatchLater(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		down := errors.New("database is gone")
		away := &faulty{Store: h.store.(*memstore.Store)}
		away.enqueue.Store(&down)
		hooks := newHost(h.t, away, webhook.Automation(), nil)
		err := webhook.Track(ctx, hooks.Dispatcher, run(), func(context.Context) error { return nil })
		var missed *webhook.DispatchError
		if !errors.As(err, &missed) {
			h.t.Fatalf("Track returned %v", err)
		}
		for range 2 {
			if _, err := h.Dispatch(ctx, missed.Event); err != nil {
				h.t.Fatal(err)
			}
		}
		h.wantTriggers("taskSuccess " + processID)
	})
}

// Rule: a Run whose event could not be dispatched is refused before the task starts.
func TestTrackRefusesBeforeTheTask(t *testing.T) {
	t.Parallel()
	h := newHost(t, newStore(t), webhook.Automation(), nil)
	h.add("one")
	for name, c := range map[string]struct {
		change func(*payload.Run)
		opts   []payload.Option
		want   error
	}{
		"scope":        {change: func(r *payload.Run) { r.Scope = "" }, want: payload.ErrInvalid},
		"no processId": {change: func(r *payload.Run) { r.ProcessID = "" }, want: payload.ErrInvalid},
		"processId":    {change: func(r *payload.Run) { r.ProcessID = "42" }, want: payload.ErrInvalid},
		"name":         {change: func(r *payload.Run) { r.Name = "" }, want: payload.ErrInvalid},
		"link":         {change: func(r *payload.Run) { r.DeepLink = "javascript:alert(1)" }, want: payload.ErrInvalid},
		"large":        {change: func(r *payload.Run) { r.Name = strings.Repeat("x", 200<<10) }, want: webhook.ErrTooLarge},
		"option":       {opts: []payload.Option{payload.WithID("a.b")}, want: payload.ErrInvalid},
	} {
		r, ran := run(), false
		if c.change != nil {
			c.change(&r)
		}
		fn := func(context.Context) error { ran = true; return nil }
		for kind, err := range map[string]error{
			"Track":   webhook.Track(ctx, h.Dispatcher, r, fn, c.opts...),
			"TrackTx": webhook.TrackTx(ctx, h.Dispatcher, newStore(t), r, fn, c.opts...),
		} {
			var missed *webhook.DispatchError
			if !errors.Is(err, c.want) || errors.As(err, &missed) || ran {
				t.Errorf("%s, %s: %v, ran %t, want %v", kind, name, err, ran, c.want)
			}
		}
	}
	ran := false
	fn := func(context.Context) error { ran = true; return nil }
	for name, err := range map[string]error{
		"no Dispatcher": webhook.Track(ctx, nil, run(), fn), "no task": webhook.Track(ctx, h.Dispatcher, run(), nil),
		"no Enqueuer": webhook.TrackTx(ctx, h.Dispatcher, nil, run(), fn),
	} {
		if err == nil || ran {
			t.Errorf("%s: %v, ran %t", name, err, ran)
		}
	}
}

// Rule: options are those of payload.New, and override the values that Track sets. A processId of
// another form gets a derived ID.
func TestTrackOptions(t *testing.T) {
	t.Parallel()
	inBubble(t, webhook.Automation(), nil, func(h *host) {
		h.add("one")
		other := run()
		other.ProcessID = "run 42.7"
		for _, opts := range [][]payload.Option{{payload.WithAnyProcessID()}, {payload.WithAnyProcessID()}, {payload.WithAnyProcessID(), payload.WithID("mine")}} {
			if err := webhook.Track(ctx, h.Dispatcher, other, func(context.Context) error { other.ActionTypes[0] = "changed"; return nil }, opts...); err != nil {
				h.t.Fatal(err)
			}
			settled(time.Second)
		}
		seen := h.to.seen()
		if len(seen) != 2 || !strings.HasPrefix(seen[0].Header.Get("Webhook-Id"), "run_") || seen[1].Header.Get("Webhook-Id") != "mine" {
			h.t.Fatalf("requests %v, want one with a derived identifier and one with the given one", triggers(seen))
		}
		if body := seen[0].Body; !strings.Contains(body, `"run 42.7"`) || !strings.Contains(body, `["addToGroups"]`) {
			h.t.Errorf("body %s", body)
		}
	})
}
