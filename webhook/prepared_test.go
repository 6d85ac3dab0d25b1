package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// sender is a host whose attempts a test makes by itself, one after the other.
func sender(t *testing.T, p webhook.Profile) (send func(webhook.Webhook) webhook.Attempt, to *receiver) {
	t.Helper()
	h := newHost(t, newStore(t), p, nil)
	return func(w webhook.Webhook) webhook.Attempt {
		return webhook.Send(context.Background(), h.Dispatcher, w, sample(w))
	}, h.to
}

func sample(w webhook.Webhook) webhook.Delivery {
	return webhook.Delivery{ID: "dlv", EventID: "evt", WebhookID: w.ID, Scope: w.Scope, Type: "taskSuccess", Body: []byte("{}")}
}

func someWebhook() webhook.Webhook {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return webhook.Webhook{ID: "whk", Scope: scope, Name: "one", URL: automation + "one", Secrets: []webhook.Secret{webhook.NewSecret(token)},
		Events: []string{"taskSuccess"}, Headers: map[string]string{"X-Team": "a"}, Active: true, CreatedAt: at, UpdatedAt: at, Version: 1}
}

// Rule: a host that keeps webhooks in its own table may change one without a new Version or
// UpdatedAt. The next request uses the changed webhook.
func TestEditBehindTheManagersBack(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*webhook.Webhook){
		"secret":    func(w *webhook.Webhook) { w.Secrets = []webhook.Secret{webhook.NewSecret("another-secret")} },
		"header":    func(w *webhook.Webhook) { w.Headers = map[string]string{"X-Team": "b"} },
		"no header": func(w *webhook.Webhook) { w.Headers = nil },
		"URL":       func(w *webhook.Webhook) { w.URL = automation + "another" },
		"attribute": func(w *webhook.Webhook) {
			w.Attributes = map[string]string{webhook.AttrSecretIn: webhook.SecretInPath}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := func(send func(webhook.Webhook) webhook.Attempt, to *receiver, ws ...webhook.Webhook) request {
				t.Helper()
				for _, w := range ws {
					if a := send(w); !a.OK() {
						t.Fatalf("%+v", a)
					}
				}
				rs := to.seen()
				last := rs[len(rs)-1]
				last.At = time.Time{}
				return last
			}
			was, is := someWebhook(), someWebhook()
			change(&is)
			warm, to := sender(t, webhook.Automation())
			got := seen(warm, to, was, was, is)
			cold, to := sender(t, webhook.Automation())
			if diff := cmp.Diff(seen(cold, to, is), got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(seen(cold, to, was), got); diff == "" {
				t.Error("the change made no difference")
			}
		})
	}
}

// Rule: a change of any field of a webhook makes a new preparation, also of a field that was added
// to the type later: a Profile may use all of them.
func TestPreparationKnowsEveryField(t *testing.T) {
	t.Parallel()
	made := 0
	p := webhook.Automation()
	p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) { made++; return nil, nil }
	p.Prepare.Target = nil
	send, _ := sender(t, p)
	send(someWebhook())
	send(someWebhook())
	if made != 1 {
		t.Fatalf("prepared %d times for two requests of one webhook", made)
	}
	typ := reflect.TypeFor[webhook.Webhook]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if name == "ID" || name == "Scope" {
			continue // another webhook
		}
		if name == "Seen" || name == "Unreadable" {
			continue // of one read, and no configuration
		}
		w := someWebhook()
		switch f := reflect.ValueOf(&w).Elem().Field(i).Addr().Interface().(type) {
		case *string:
			*f += "x"
		case *webhook.OrderPolicy:
			*f += "x"
		case *[]string:
			*f = append(*f, "x")
		case *[]webhook.Secret:
			*f = append(*f, webhook.NewSecret("x"))
		case *webhook.Auth:
			f.OAuth.Resource += "x"
		case *webhook.ClientTLS:
			f.Pending = webhook.NewSecret("x")
		case *map[string]string:
			*f = map[string]string{"X-Other": "x"}
		case *time.Duration:
			*f += time.Second
		case *bool:
			*f = !*f
		case *int64:
			*f++
		case *time.Time:
			*f = f.Add(time.Hour)
		default:
			t.Fatalf("%s has type %T: teach this test to change it", name, f)
		}
		made = 0
		if send(w); made != 1 {
			t.Errorf("%s: prepared %d times after a change", name, made)
		}
		send(someWebhook())
	}
}

// expiring is a Signer that is valid until a time.
type expiring struct {
	sign.Signer
	until time.Time
}

func (e expiring) Until() time.Time { return e.until }

// Rule: a preparation has an end: a Signer with an end is made anew from then on, and an entry that
// was not used for ten minutes is removed.
func TestPreparationEnds(t *testing.T) {
	t.Parallel()
	made := 0
	var until time.Time
	p := webhook.Automation()
	p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) {
		made++
		return expiring{sign.Func(func(*http.Request, sign.Message) error { return nil }), until}, nil
	}
	inBubble(t, p, nil, func(h *host) {
		w := h.add("one")
		test := func(want int) {
			t.Helper()
			made = 0
			if a, err := h.hooks.Test(context.Background(), scope, w.ID); err != nil || !a.OK() {
				t.Fatalf("%+v, %v", a, err)
			}
			if made != want {
				t.Errorf("after %v a Signer was made %d times, want %d", time.Since(w.CreatedAt), made, want)
			}
		}
		until = time.Now().Add(time.Minute)
		test(1)
		settled(time.Minute - time.Nanosecond)
		test(0)
		settled(time.Nanosecond)
		until = time.Time{}
		test(1)
		for range 30 {
			settled(9 * time.Minute)
			test(0)
		}
		settled(11 * time.Minute)
		test(1)
	})
}

// Rule: preparations have a bound. A full cache keeps all of its webhooks until one more comes, and is
// emptied then.
func TestPreparationsHaveABound(t *testing.T) {
	t.Parallel()
	made := 0
	p := webhook.Automation()
	p.Prepare.Sign = func(webhook.Webhook) (sign.Signer, error) { made++; return nil, nil }
	h := newHost(t, newStore(t), p, &webhook.Options{Transport: respond(200, "")})
	send := func(number, want int) {
		t.Helper()
		w := someWebhook()
		w.ID = fmt.Sprint("whk_", number)
		made = 0
		if a := webhook.Send(t.Context(), h.Dispatcher, w, sample(w)); !a.OK() {
			t.Fatalf("%+v", a)
		}
		if made != want {
			t.Errorf("webhook %d was prepared %d times, want %d", number, made, want)
		}
	}
	for i := range webhook.MaxPrepared {
		send(i, 1)
	}
	send(0, 0)
	send(webhook.MaxPrepared-1, 0)
	send(webhook.MaxPrepared, 1)
	for i := range 10 {
		send(i, 1)
	}
	send(webhook.MaxPrepared, 0)
}

// Rule: a stored body above the profile's cap is not sent.
func TestBodyAboveTheCapIsNotSent(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.MaxBody = 10
	h := newHost(t, newStore(t), p, nil)
	w := someWebhook()
	for size, want := range map[int]webhook.Code{10: webhook.CodeOK, 11: webhook.CodePayload} {
		d := sample(w)
		d.Body = make([]byte, size)
		if a := webhook.Send(context.Background(), h.Dispatcher, w, d); a.Code != want {
			t.Errorf("%d bytes: %+v, want %q", size, a, want)
		}
	}
	if n := len(h.to.seen()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// Rule: a hook that panics after the answer does not accept it: the delivery is not delivered, and
// the answer is kept.
func TestPanickingVerdict(t *testing.T) {
	t.Parallel()
	p := webhook.Automation()
	p.Judge = func(webhook.Attempt) webhook.Verdict { panic("judge") }
	send, _ := sender(t, p)
	if a := send(someWebhook()); a.OK() || a.Code != webhook.CodeStatus || a.Status != 200 {
		t.Errorf("Judge panics: %+v", a)
	}
	inBubble(t, p, nil, func(h *host) {
		h.add("one")
		id := h.dispatch()
		settled(time.Hour)
		if got := h.outcome(id); got != "failed status tries=1" {
			t.Errorf("Judge panics: %s", got)
		}
	})
}
