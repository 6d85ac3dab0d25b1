package jira

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook"
)

// Transition names a transition of a workflow, with the host's names.
type Transition struct{ Workflow, ID string }

// PostFunctions stores which webhooks are post functions: the transitions of workflows that trigger
// them, beside their events. An accepted change is as durable as the implementation's storage. All
// methods are safe for concurrent use, from several processes where the implementation is shared.
// Tenants are separate. Package registrationtest proves an implementation.
type PostFunctions interface {
	// Attach lets a transition trigger a webhook. A repeat changes nothing. It does not check that
	// the webhook exists, but refuses one that is being deleted: [ErrRetired].
	Attach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Detach undoes Attach. It ignores a transition that is not attached.
	Detach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Attached returns the webhooks that a transition triggers, ordered by ID.
	Attached(ctx context.Context, tenant string, t Transition) (webhookIDs []string, err error)
	// Transitions returns the transitions that trigger a webhook, ordered by workflow and ID. A
	// webhook that has any is not deleted.
	Transitions(ctx context.Context, tenant, webhookID string) ([]Transition, error)
	// Retire makes Attach refuse a webhook that is about to be deleted. While a transition triggers
	// the webhook, it changes nothing and returns [ErrAttached]. The check and the change are one
	// step, because a transition could be attached in between. A repeat changes nothing.
	Retire(ctx context.Context, tenant, webhookID string) error
	// Restore undoes Retire after the webhook was deleted or could not be. It ignores a webhook
	// that is not retired.
	Restore(ctx context.Context, tenant, webhookID string) error
}

// Errors of post functions.
var (
	// ErrAttached: transitions trigger the webhook, so it is not deleted.
	ErrAttached = errors.New("jira: the webhook is a post function of a transition, detach it first")
	// ErrRetired: the webhook is being deleted. If that fails, it can be attached again.
	ErrRetired = errors.New("jira: the webhook is being deleted")
)

const attachedMessage = "The webhook is a post function of a workflow transition. Remove it there first."

// WithPostFunctions refuses to delete webhooks that workflow transitions trigger: Manager.Delete,
// and with it the settings page and the administrators' API, returns [ErrAttached], beside a
// *webhook.ValidationError with the rule "attached". No transition can be attached to a webhook
// while it is deleted.
func WithPostFunctions(p PostFunctions) Option { return func(s *settings) { s.postFunctions = p } }

// deleteUnattached deletes a webhook unless a transition triggers it.
func deleteUnattached(ctx context.Context, p PostFunctions, tenant, id string, remove func(context.Context) error) error {
	transitions, err := p.Transitions(ctx, tenant, id)
	if err == nil && len(transitions) > 0 {
		err = ErrAttached
	}
	if err == nil {
		err = p.Retire(ctx, tenant, id)
	}
	switch {
	case errors.Is(err, ErrAttached):
		return fmt.Errorf("%w: %w", ErrAttached, &webhook.ValidationError{Fields: []webhook.FieldError{{Field: "webhook", Rule: "attached", Message: attachedMessage}}})
	case err != nil:
		return fmt.Errorf("jira: post functions of webhook %s: %w", id, err)
	}
	err = remove(ctx)
	// The mark is needed only during the deletion. One that stays behind is removed with the next
	// attempt to delete the webhook, and has no effect after the deletion.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	if restored := p.Restore(ctx, tenant, id); err != nil {
		return errors.Join(err, restored)
	}
	return nil
}

var errTransitionEvent = errors.New("jira: the callback of a transition must have Event empty, " + jiraevent.IssueUpdated +
	", " + jiraevent.PostFunction + ", or " + issueCreated + " for the transition that creates an issue")

const issueCreated = "jira:issue_created"

// Transitioned makes the event for the webhooks that a transition triggers; ok is false when there
// are none. Dispatch it beside the event of the change, under its own ID: a webhook that listens to
// the change as well gets both.
//
// The body is that of jira:issue_updated or, if c.Event says so, of the older
// jira-webhook-post-function, which has no changelog; c.Issue is the issue after the transition. A
// callback of jira:issue_created belongs to the transition that creates an issue, on which post
// functions do not fire: ok is false. Active webhooks get the event regardless of their events and
// filters; webhooks of apps do not.
func Transitioned(ctx context.Context, p PostFunctions, tenant string, t Transition, c jiraevent.Callback, opts ...payload.Option) (e payload.Event, ok bool, err error) {
	switch c.Event {
	case issueCreated:
		return payload.Event{}, false, nil
	case "":
		c.Event = jiraevent.IssueUpdated
	case jiraevent.PostFunction:
		c.Changelog = nil
	case jiraevent.IssueUpdated:
	default:
		return payload.Event{}, false, errTransitionEvent
	}
	attached, err := p.Attached(ctx, tenant, t)
	if err != nil {
		return payload.Event{}, false, fmt.Errorf("jira: post functions of a transition: %w", err)
	}
	if len(attached) == 0 {
		return payload.Event{}, false, nil
	}
	opts = append(slices.Clone(opts), payload.WithSubject(&triggered{attached}))
	e, err = jiraevent.New(tenant, c, opts...)
	return e, err == nil, err
}

// triggered is the subject of a transition's event: the webhooks that receive it.
type triggered struct{ webhookIDs []string }

// byTransition reports whether an event is that of a transition, and if so whether this webhook
// receives it.
func byTransition(w *webhook.Webhook, e *payload.Event) (is, forIt bool) {
	t, is := e.Subject().(*triggered)
	return is, is && !isApp(w) && slices.Contains(t.webhookIDs, w.ID)
}
