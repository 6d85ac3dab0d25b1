package confluenceevent

import (
	"cmp"
	"time"

	"github.com/postrider/postrider/payload"
)

// New makes an event of a callback, with the user who caused it as user_id and user_key beside the
// values for URL variables. A zero Timestamp becomes now; it is the event's time as well. Options
// override these. For the errors see [payload.New].
func New(scope string, c Callback, opts ...payload.Option) (payload.Event, error) {
	if c.Timestamp.IsZero() {
		c.Timestamp = At(time.Now())
	}
	all := []payload.Option{payload.WithTime(c.Timestamp.Time)}
	if u := c.User; u != nil {
		vars := make(map[string]string, 2)
		if id := cmp.Or(u.Name, u.AccountID); id != "" {
			vars["user_id"] = id
		}
		if key := cmp.Or(u.Key, u.AccountID); key != "" {
			vars["user_key"] = key
		}
		all = append(all, payload.WithVars(vars))
	}
	return payload.New(scope, c, append(all, opts...)...)
}
