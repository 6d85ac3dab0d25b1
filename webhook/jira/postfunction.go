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

// Transition names a transition of a workflow, as the host knows them.
type Transition struct{ Workflow, ID string }

// PostFunctions keeps which webhooks are post functions: which transitions of
// workflows trigger them, beside their events. What it accepted survives whatever
// it survives. All methods are safe for concurrent use, from several processes where
// the implementation is shared. Tenants never meet. Package registrationtest proves
// an implementation.
type PostFunctions interface {
	// Attach lets a transition trigger a webhook. Doing so again changes nothing.
	// Whether the webhook exists is not looked at, but one that is being deleted is
	// refused: [ErrRetired].
	Attach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Detach ends that. What is not attached is ignored.
	Detach(ctx context.Context, tenant string, t Transition, webhookID string) error
	// Attached returns the webhooks that a transition triggers, ordered by ID.
	Attached(ctx context.Context, tenant string, t Transition) (webhookIDs []string, err error)
	// Transitions returns those that trigger a webhook, ordered by workflow and ID. A
	// webhook that has any is not deleted.
	Transitions(ctx context.Context, tenant, webhookID string) ([]Transition, error)
	// Retire keeps transitions from a webhook that is about to be deleted: Attach refuses
	// it from then on. While a transition triggers the webhook it changes nothing and
	// answers [ErrAttached]. Looking and retiring are one step, or a transition could be
	// attached in between. Doing so again changes nothing.
	Retire(ctx context.Context, tenant, webhookID string) error
	// Restore takes Retire back, once the webhook is deleted or could not be. What is not
	// retired is ignored.
	Restore(ctx context.Context, tenant, webhookID string) error
}

// Errors of post functions.
var (
	// ErrAttached: the webhook is not deleted while transitions trigger it.
	ErrAttached = errors.New("jira: the webhook is a post function of a transition, detach it first")
	// ErrRetired: the webhook is being deleted. It may exist once more if that fails.
	ErrRetired = errors.New("jira: the webhook is being deleted")
)

const attachedMessage = "The webhook is a post function of a workflow transition. Remove it there first."

// WithPostFunctions keeps webhooks that workflow transitions trigger from being deleted:
// Manager.Delete, and with it the settings page and the administrators' API, answer
// [ErrAttached], beside a *webhook.ValidationError with the rule "attached". No transition
// can be attached to a webhook while it is deleted.
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
	// The mark is for the time of the deletion only. One that stays behind goes with the next
	// attempt to delete the webhook, and has no effect once it is deleted.
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

// Transitioned makes the event for the webhooks that a transition triggers, or
// answers ok false when there are none. It is to be dispatched beside the event of
// the change, under an ID of its own: a webhook that listens to that as well gets
// both.
//
// The body is that of jira:issue_updated, or, where c.Event says so, of the older
// jira-webhook-post-function, which has no changelog; c.Issue is the issue after the
// transition. A callback of jira:issue_created belongs to the transition that creates
// an issue, on which post functions do not fire: ok is false. Webhooks get the event
// whatever their events and filters are, as long as they are active; those of apps
// do not.
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

// triggered is the subject of the event of a transition: whom it is for.
type triggered struct{ webhookIDs []string }

// byTransition reports whether an event is that of a transition, and if so whether
// it is for this webhook.
func byTransition(w *webhook.Webhook, e *payload.Event) (is, forIt bool) {
	t, is := e.Subject().(*triggered)
	return is, is && !isApp(w) && slices.Contains(t.webhookIDs, w.ID)
}
