package report

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/payload"
)

// Reminder is the message about an API key that expires soon.
type Reminder struct {
	Email    Email
	WorkItem WorkItem
}

// Email is a message in plain text.
type Email struct {
	Subject string // one line
	Body    string
}

const (
	rotateAhead    = -2 // days from the expiry to the due date
	rotatePriority = "P2"
)

// KeyReminder returns the e-mail and the work item about a key that expires. They show its expiry
// as a date, as the webhook does. The work item is due two days before, in UTC; that is in the past
// when the key was found late.
func KeyReminder(k payload.OrgKeyExpiry) Reminder { return KeyReminderAs(k, payload.ExpiryDate) }

// KeyReminderAs is [KeyReminder] for a host that sends the webhook with [payload.WithExpiryFormat],
// so that both show the same.
func KeyReminderAs(k payload.OrgKeyExpiry, f payload.ExpiryFormat) Reminder {
	at, expires := k.ExpiresAt.UTC(), k.Expires(f)
	settings := safeURL(k.SettingsURL)
	return Reminder{
		Email: Email{
			Subject: cut(fmt.Sprintf("UCM API key '%s' expires %s", plain(k.Name), expires), maxTitle),
			Body: fmt.Sprintf("The organization API key '%s' expires %s. What uses it stops working then.\n\n"+
				"Create a new key, enter it in the settings, then revoke the old one.\n\n"+
				"Key: %s\nSettings: %s\n", plain(k.Name), expires, plain(k.APIKeyID), orDash(settings)),
		},
		WorkItem: WorkItem{
			Summary: cut("Rotate UCM API key: "+plain(k.Name), maxTitle),
			Description: fmt.Sprintf("The organization API key **%s** expires %s.\n\n**apiKeyId**: %s\n\n**Settings**: %s\n",
				orDash(mdText(k.Name)), expires, mdCode(k.APIKeyID), settingsLink(settings)),
			Priority: rotatePriority,
			Due:      midnight(at).AddDate(0, 0, rotateAhead),
		},
	}
}

func settingsLink(safe string) string {
	if safe == "" {
		return dash
	}
	return mdLink("Notification Settings", safe)
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
