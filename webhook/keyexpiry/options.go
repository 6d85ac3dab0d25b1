package keyexpiry

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/postrider/postrider/payload"
)

// Options configures a [Checker]. Nil, or a zero field, means the default.
type Options struct {
	// Window is the time before its expiry in which a key is announced, its start included;
	// default 7 days, 1 minute to 365 days. Together with Late it is at least Every and Jitter,
	// the longest pause between two checks.
	Window time.Duration
	// Late announces a key also after its expiry, up to this duration and only if it was
	// not announced before; default never, at most 365 days.
	Late time.Duration
	// MarkOnAccepted keeps an occasion open until every active webhook that subscribes
	// has accepted. Each check sends failed deliveries again, with the same identifier and
	// body and a fresh budget of retries, but not accepted or cancelled ones. It needs a
	// Store with History. Default: the occasion is done when the Store has the event.
	MarkOnAccepted bool
	// Every is the time between two checks of Run, which fall on multiples of it since
	// midnight UTC where it divides a day; default 1 hour, 1 minute to 24 hours.
	Every time.Duration
	// Jitter delays each check of Run by a random time up to this duration, so that hosts do
	// not check simultaneously; default 1 minute or a tenth of Every, whichever is less. It
	// must be less than Every; negative means none.
	Jitter time.Duration
	// Timeout bounds one check of Run; default 5 minutes or Every, whichever is less.
	// It must not exceed Every.
	Timeout time.Duration
	// Format is the format of expiresAt in the event; default the date.
	Format payload.ExpiryFormat
	// Logger receives messages for an operator; nil means none.
	Logger *slog.Logger
}

const (
	day       = 24 * time.Hour
	maxWindow = 365 * day
)

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	out.Window = cmp.Or(out.Window, 7*day)
	out.Every = cmp.Or(out.Every, time.Hour)
	out.Jitter = max(cmp.Or(out.Jitter, min(time.Minute, out.Every/10)), 0)
	out.Timeout = cmp.Or(out.Timeout, min(5*time.Minute, out.Every))
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	return out
}

// check refuses impossible values. o has its defaults.
func (o *Options) check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("keyexpiry: invalid Options: "+format, args...)
	}
	switch {
	case o.Window < time.Minute || o.Window > maxWindow:
		return refuse("Window %v must be between 1 minute and 365 days", o.Window)
	case o.Late < 0 || o.Late > maxWindow:
		return refuse("Late %v must be between 0 and 365 days", o.Late)
	case o.Every < time.Minute || o.Every > day:
		return refuse("Every %v must be between 1 minute and 24 hours", o.Every)
	case o.Jitter >= o.Every:
		return refuse("Jitter %v must be less than Every %v", o.Jitter, o.Every)
	case o.Window+o.Late < o.Every+o.Jitter:
		return refuse("Window %v and Late %v are shorter than the longest pause between two checks, Every %v and Jitter %v: a key could pass between them",
			o.Window, o.Late, o.Every, o.Jitter)
	case o.Timeout < 0 || o.Timeout > o.Every:
		return refuse("Timeout %v must be positive and at most Every %v", o.Timeout, o.Every)
	case o.Format != payload.ExpiryDate && o.Format != payload.ExpiryRFC3339:
		return refuse("Format %d must be payload.ExpiryDate or payload.ExpiryRFC3339", o.Format)
	}
	return nil
}
