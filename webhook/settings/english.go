package settings

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// English returns the texts of the page in English.
func English() Texts {
	t := Texts{Lang: "en", Dir: "ltr"}
	t.words()
	t.formWords()
	t.secretWords()
	t.deliveryWords()
	t.sentences()
	return t
}

func (t *Texts) words() {
	t.Triggers = map[string]Trigger{
		"orgKeyExpiry": {"API key expiring soon", "Once for each organization API key, when it has seven days left."},
		"taskFailure":  {"Automated task failed", "When an automated task ends with an error that stopped it."},
		"taskSuccess":  {"Automated task succeeded", "When an automated task reaches its end, also if some of its items failed."},
	}
	t.Health = map[webhook.HealthStatus]string{
		webhook.HealthOK: "Healthy", webhook.HealthFailing: "Failing", webhook.HealthPaused: "Paused by the endpoint",
		webhook.HealthOpen: "Held back", webhook.HealthDisabled: "Switched off automatically",
	}
	t.States = map[webhook.State]string{
		webhook.StatePending: "Pending", webhook.StateDelivered: "Delivered", webhook.StateFailed: "Failed",
	}
	t.Codes = map[webhook.Code]string{
		webhook.CodeOK: "Accepted", webhook.CodeURLRejected: "The URL is not allowed", webhook.CodeBlockedAddress: "The address is not allowed",
		webhook.CodeDNS: "The host name was not found", webhook.CodeConnect: "No connection", webhook.CodeTLSVerify: "The certificate is not valid",
		webhook.CodeTLS: "The secure connection failed", webhook.CodeTimeout: "No answer in time", webhook.CodeProtocol: "The answer was not understood",
		webhook.CodeRedirect: "Redirected, which is not followed", webhook.CodeStatus: "Refused", webhook.CodePayload: "The event is too large",
		webhook.CodeConfig: "The webhook is not set up correctly", webhook.CodeCancelled: "Cancelled",
		webhook.CodeInterrupted: "Interrupted too often", webhook.CodeExpired: "Waited for too long",
		webhook.CodeAuth: "The token endpoint gave no token", webhook.CodeCertificate: "The client certificate ends soon",
		webhook.CodeEgress: "It could not leave this server",
	}
	t.ListTitle, t.Skip, t.Back, t.Crumbs = "Webhooks", "Skip to content", "All webhooks", "You are here"
	t.Intro = "Webhooks tell your automation rules when something has happened here."
	t.ReadOnlyHint = "You can look at everything here. Changing it needs more rights."
	t.AddButton, t.Empty = "Add webhook", "No webhooks yet"
	t.EmptyHint = "Add one to start an automation rule whenever a task ends or an API key is about to expire."
	t.FirstWebhooks, t.MoreWebhooks = "First webhooks", "More webhooks"
	t.SendsTo, t.LastDelivery, t.NoDelivery, t.TriggersLabel = "Sends to", "Last delivery", "None yet", "Triggers"
	t.HealthLabel, t.ActiveLabel, t.On, t.Off = "Health", "Active", "On", "Off"
	t.Edit, t.Test, t.Delete, t.Deliveries, t.Cancel = "Edit", "Test", "Delete", "Deliveries", "Cancel"
	t.ConfirmHint = "Nothing that waits for it will be sent. This cannot be undone."
	t.Redelivered, t.Cancelled = "Queued. It will be sent again in a moment.", "Cancelled. It will not be sent."
	t.TestProof = "This proves that URL and secret are accepted. It does not prove that smart values resolve: " +
		"for that, run a task and look into the audit log of the rule."
	t.AnswerLabel, t.ProblemTitle = "Answer", "This did not work"
	t.NoAccess = "You have no access to these webhooks. Sign in with another account or ask an administrator."
	t.NoPage = "There is no such page. Maybe the link is old."
	t.BadMethod = "This address cannot be used that way. Start from the list of webhooks."
	t.CrossSite = "The request came from another website and was refused. Nothing has changed."
	t.ReadOnlyRefused = "You may look at webhooks but not change them. Nothing has changed."
	t.TooLarge = "The form holds too much text. Nothing has changed; go back and shorten it."
	t.BadForm = "The form could not be read. Nothing has changed; go back and try again."
	t.Gone = "This webhook or delivery no longer exists. Somebody may have deleted it."
	t.Held = "It is being sent at this moment. Wait until this attempt has ended, then try again."
	t.NoHistory = "This application keeps no record of deliveries."
	t.Broken = "The webhooks cannot be reached at the moment. Nothing is lost; try again in a minute."
	t.Conflict = "Somebody else has changed this webhook meanwhile. Save again to put your version in place of theirs."
	t.TestFailed = "The test could not be sent. Try again in a minute."
}

func (t *Texts) formWords() {
	t.AddTitle = "Add webhook"
	t.FieldName, t.FieldURL, t.FieldSecret, t.FieldNotes = "Name", "Webhook URL", "Secret", "Notes"
	t.FieldTriggers, t.FieldActive = "Triggers", "Active"
	t.NameHint = "What it is for, such as “Tell the admins about expiring keys”."
	t.URLHint = "From the automation rule. It begins with https://."
	t.SecretHint = "From the automation rule, beside the URL."
	t.NotesHint = "What the rule does with it, or whom to ask."
	t.TriggersHint, t.ActiveHint = "Choose at least one.", "Switched off, it receives nothing; what waits for it stays."
	t.Optional = "optional"
	t.KeepHeader = "A value is stored. Leave this empty to keep it; another URL needs it again."
	t.KeepSecret, t.EnterAgain = "A secret is stored. Leave this empty to keep it; another URL may need it again.", "For safety it was not kept: enter it again."
	t.credentialWords()
	t.Save, t.Mistakes = "Save", "Please check the form"
	t.HowToTitle = "Where do URL and secret come from?"
	t.HowTo = []string{
		"In Jira, open Automation and create a flow with the trigger “Incoming webhook”.",
		"Set the work item criteria to “No work items from the webhook”. The other choices refuse every event.",
		"Add your actions and save the flow. URL and secret are shown only after this first save.",
		"Open the trigger again, and copy both into this form.",
	}
	t.HowToNote = "Both are stored and never shown again."
}

func (t *Texts) credentialWords() {
	t.AuthTitle, t.FieldScheme = "Authorization", "Kind"
	t.AuthHint = "What the receiver wants in the Authorization header, beside the signature. Fill in what belongs to the kind."
	t.AuthSchemes = map[webhook.AuthScheme]string{
		"": "None", webhook.AuthBasic: "Basic: user name and password", webhook.AuthBearer: "Bearer token",
		webhook.AuthOAuth: "OAuth 2.0: client credentials", webhook.AuthValue: "Other: the value of the header",
	}
	t.FieldUsername, t.FieldAuthSecret = "User name (Basic)", "Password, token, value or client secret"
	t.KeepAuth = "Credentials are stored. Leave them empty to keep them; another URL, token endpoint or client ID needs them again."
	t.FieldTokenURL, t.FieldClientID = "Token URL (OAuth 2.0)", "Client ID (OAuth 2.0)"
	t.FieldScopes, t.FieldAudience, t.FieldResource = "Scopes, separated by spaces (OAuth 2.0)", "Audience (OAuth 2.0)", "Resource (OAuth 2.0)"
	t.FieldClientAuth = "How client ID and secret are sent (OAuth 2.0)"
	t.ClientAuths = map[webhook.ClientAuth]string{
		webhook.ClientBasic: "Basic, encoded as RFC 6749 says", webhook.ClientBasicPlain: "Basic, as they are", webhook.ClientPost: "In the body",
	}
	t.TLSTitle = "Client certificate"
	t.TLSHint = "For receivers that ask for a certificate, or have one of an authority of their own. All in PEM."
	t.FieldCertificate, t.FieldKey, t.FieldRootCAs = "Certificate, its own first", "Private key", "Authorities of the receiver"
	t.KeepKey = "A private key is stored. Leave this empty to keep it; another URL needs it again."
	t.CertificateSubject, t.CertificateIssuer, t.CertificateEnd = "For", "Issued by", "Ends"
}

func (t *Texts) secretWords() {
	t.SecretsTitle, t.SecretEnds, t.SecretNoEnd, t.SecretUnknown = "Secrets", "Ends", "no end", "unknown"
	t.SecretNew, t.SecretNewNow, t.SecretRevoke = "New secret", "New secret, end the others now", "Revoke"
	t.SecretNewHint = "The receiver accepts the one before for 24 hours, so you can change it over. End the others now only if one has leaked."
	t.SecretOnce = "Copy this secret to the receiver now. It is shown this once and never again."
	t.SecretCopied = "I have copied it"
	t.SecretMade = "Leave this empty to have one made. It is shown once, after you save."
	t.SecretLast = "A webhook needs one secret. Make a new one and end this one instead."
	t.SecretUnsupported = "Secrets cannot end by themselves here. Nothing has changed; make a new one and end the others now."
	t.SecretOf = func(name string) string { return fmt.Sprintf("Secret of “%s”", name) }
	t.SecretRevoked = func(name string) string { return fmt.Sprintf("A secret of “%s” was revoked.", name) }
	t.SecretRotating = func(until string) string {
		return fmt.Sprintf("The secret before still counts until %s. Revoke it first, or wait.", until)
	}
}

func (t *Texts) deliveryWords() {
	t.DeliveriesTitle, t.NoDeliveries = "Deliveries", "Nothing has been sent yet"
	t.NoDeliveriesHint = "The first event of a selected trigger will appear here. Tests do not."
	t.NoneInState = "No deliveries in this state."
	t.Filter, t.All, t.Newest, t.Older = "Show", "All", "Newest", "Older"
	t.Event, t.State, t.Created, t.Attempts, t.Outcome, t.Next = "Event", "State", "Created", "Attempts", "Last outcome", "Next try"
	t.Took, t.WhyNotYet, t.NotTried, t.Identifier, t.Finished = "Duration", "Why not yet?", "Not tried yet", "Identifier", "Ended"
	t.AttemptsTitle, t.Number, t.Started, t.Answer, t.NoAnswer = "Attempts", "No.", "Started", "Answer", "no text"
	t.Result = "Outcome"
	t.BodyTitle, t.Redeliver, t.CancelIt = "What is sent", "Send again", "Do not send"
	t.RedeliverHint = "The same content goes out with the same identifier, so the receiver can tell that it is a repeat."
	t.Exhausted, t.DueNow, t.BeingSent = "all retries are used up", "now", "being sent"
	t.TestTitle, t.TestBody, t.TestEmpty = "Test", "Send", "An empty event, {}"
	t.TestHint = "A test is sent once, at once, even if the webhook is off. It is not listed below."
	t.LiveOn, t.LiveOff = "Pause updates", "Resume updates"
	t.LiveBroken = "Updates have stopped. Reload the page to try again."
}

func (t *Texts) sentences() {
	named := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name) }
	}
	t.Reason = func(r webhook.Reason) string { return r.Text }
	t.Field = func(f webhook.FieldError) string { return f.Message }
	t.Used = func(used, limit int) string {
		switch {
		case limit > 0:
			return fmt.Sprintf("%d of %d used", used, limit)
		case used == 1:
			return "1 webhook"
		}
		return fmt.Sprintf("%d webhooks", used)
	}
	t.Full = func(limit int) string {
		return fmt.Sprintf("All %d webhooks are in use. Delete one to add another, or add triggers to one you have.", limit)
	}
	t.FailingSince = func(failures int, since string) string {
		if failures == 1 {
			return "1 failed attempt, " + since
		}
		return fmt.Sprintf("%d failed attempts in a row, since %s", failures, since)
	}
	t.HeldUntil, t.DisabledBecause, t.Until = named("Next attempt %s."), named("Reason: %s"), named("until %s")
	t.Switch = func(name string, on bool) string { return "Active: " + name }
	t.ActOn = func(action, name string) string { return action + ": " + name }
	t.Confirm = named("Delete “%s”?")
	t.Added, t.Saved, t.Deleted = named("“%s” was added. Test it now."), named("“%s” was saved."), named("“%s” was deleted.")
	t.SwitchedOn, t.SwitchedOff = named("“%s” is on."), named("“%s” is off. What waits for it stays.")
	t.FieldHeader = named("Header %s")
	t.EditTitle, t.TestSample = named("Edit “%s”"), named("A complete example: %s")
	t.KeepURL = named("A URL at %s is stored. Leave this empty to keep it.")
	t.TestAccepted = func(name string, status int, took time.Duration) string {
		return fmt.Sprintf("Test of “%s”: accepted with status %d after %s.", name, status, duration(took))
	}
	t.TestRefused = func(name, outcome string, took time.Duration) string {
		return fmt.Sprintf("Test of “%s” failed after %s: %s.", name, duration(took), lowerFirst(outcome))
	}
	status := func(word string) func(int) string {
		return func(code int) string {
			return strings.TrimSpace(fmt.Sprintf("%s: %d %s", word, code, http.StatusText(code)))
		}
	}
	t.EarlierAttempts = func(n int) string { return fmt.Sprintf("Earlier attempts that are not shown: %d.", n) }
	t.Accepted, t.Refused = status("Accepted"), status("Refused")
	t.Duration = duration
	t.Ago = func(d time.Duration) string { return span(d) + " ago" }
	t.In = func(d time.Duration) string { return "in " + span(d) }
	t.Time = func(at time.Time) string { return at.Format("2 Jan 2006, 15:04:05 MST") }
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// duration is for what was measured.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// span is for how far away something is, rounded.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", (d+time.Second-1)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", (d+time.Minute/2)/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", (d+time.Hour/2)/time.Hour)
	}
	return fmt.Sprintf("%d days", (d+12*time.Hour)/(24*time.Hour))
}
