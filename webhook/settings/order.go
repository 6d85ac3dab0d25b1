package settings

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Choice is one of several options, described to people.
type Choice struct {
	Name string // "In order, skip what fails"
	Hint string // one sentence about its effect
}

// latestOnly is the choice of Webhook.Coalesce, beside those of Webhook.Order.
const latestOnly = "latest"

// orderChoice is a line of the form.
type orderChoice struct {
	Value  string
	Choice Choice
	Chosen bool
}

// orderChoices returns the orders that a webhook can have here; none where there is no choice.
func (v *visit) orderChoices(w *webhook.Webhook) (list []orderChoice) {
	chosen := orderOf(w)
	for _, value := range v.orderValues() {
		list = append(list, orderChoice{value, v.t.Orders[value], value == chosen})
	}
	return list
}

func (v *visit) orderValues() []string {
	orders, coalesces := v.m.Orders()
	if len(orders) == 0 && !coalesces {
		return nil
	}
	values := []string{string(webhook.OrderNone)}
	for _, o := range orders {
		values = append(values, string(o))
	}
	if coalesces {
		values = append(values, latestOnly)
	}
	return values
}

func orderOf(w *webhook.Webhook) string {
	if w.Coalesce {
		return latestOnly
	}
	return string(w.Order)
}

// readOrder puts the choice, and the wait that belongs to it, into w. A form without it, or with an
// unknown one, leaves the webhook as it is.
func (v *visit) readOrder(w *webhook.Webhook) {
	asked, ok := v.r.PostForm["order"]
	if !ok || len(asked) != 1 || !slices.Contains(v.orderValues(), asked[0]) {
		return
	}
	was := waitOf(w)
	if asked[0] != orderOf(w) {
		w.Order, w.Coalesce, w.CoalesceWait = webhook.OrderPolicy(asked[0]), false, 0
		if asked[0] == latestOnly {
			w.Order, w.Coalesce = webhook.OrderNone, true
		}
	}
	if typed, ok := v.r.PostForm["wait"]; ok && typed[0] != was { // the Manager refuses a wait that belongs to no choice
		w.CoalesceWait = readWait(strings.TrimSpace(typed[0]))
	}
}

// waitOf is Webhook.CoalesceWait in seconds, as the form shows it.
func waitOf(w *webhook.Webhook) string {
	return strconv.FormatFloat(w.CoalesceWait.Seconds(), 'f', -1, 64)
}

// readWait reads a number of seconds; nothing is none. For anything else it returns a wait that the
// Manager refuses.
func readWait(typed string) time.Duration {
	if typed == "" {
		return 0
	}
	s, err := strconv.ParseFloat(typed, 64)
	if err != nil || !(s >= 0 && s <= time.Hour.Seconds()) { // not a number, or no Duration
		return -1
	}
	return time.Duration(math.Round(s * float64(time.Second)))
}

// keyed fills in how a delivery relates to others of its key.
func (v *visit) keyed(view *deliveryView, d webhook.Delivery) error {
	view.Key = d.Key
	if d.LastCode != webhook.CodeSuperseded || d.State != webhook.StateFailed {
		return nil
	}
	by, err := v.m.Successor(v.ctx, v.scope, d.ID)
	switch {
	case errors.Is(err, webhook.ErrNotFound), errors.Is(err, webhook.ErrUnsupported): // pruned meanwhile; another Store
		return nil
	case err == nil && by.ID != "":
		view.Outcome = v.t.SupersededBy(by.EventID)
	}
	return err
}
