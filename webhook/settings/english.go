package settings

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// English returns the texts of the page in English, for receivers of any kind.
func English() Texts {
	t := Texts{Lang: "en", Dir: "ltr"}
	t.words()
	t.pageWords()
	t.formWords()
	t.secretWords()
	t.deliveryWords()
	t.sentences()
	t.sentencesOfActions()
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
		webhook.CodeEgress: "It could not leave this server", webhook.CodeSuperseded: "Replaced by a later event",
	}
	t.Orders = map[string]Choice{
		"":       {"As they come", "Every event is sent at once. A retry can arrive behind later events."},
		"skip":   {"In order, skip what fails", "An event waits for the one before it; one whose retries are used up is left out."},
		"block":  {"In order, wait for what fails", "An event waits until the one before it is accepted, however often that takes."},
		"hold":   {"In order, stop at what fails", "When an event fails, those behind it wait until somebody sends it again or cancels it."},
		"latest": {"Only the latest", "Of several events that wait for the same object and trigger the latest one is sent."},
	}
	t.ListTitle, t.Skip, t.Back, t.Crumbs = "Webhooks", "Skip to content", "All webhooks", "You are here"
	t.Intro = "Webhooks tell other systems when something has happened here."
	t.ReadOnlyHint = "You can look at everything here. Changing it needs more rights."
	t.AddButton, t.Empty = "Add webhook", "No webhooks yet"
	t.EmptyHint = "Add one to have events sent to another system."
	t.Find, t.FindButton, t.NoneFound = "Name or host", "Find", "No webhook has this in its name, host or events."
	t.FirstWebhooks, t.MoreWebhooks = "First webhooks", "More webhooks"
	t.SendsTo, t.LastDelivery, t.NoDelivery, t.TriggersLabel = "Sends to", "Last delivery", "None yet", "Events"
	t.HealthLabel, t.ActiveLabel, t.On, t.Off, t.NotUsed = "Health", "Active", "On", "Off", "Not used yet"
	t.Edit, t.Test, t.Delete, t.Deliveries, t.Cancel = "Edit", "Test", "Delete", "Deliveries", "Cancel"
	t.ConfirmHint = "Nothing that waits for it will be sent. This cannot be undone."
	t.ConfirmRevokeHint = "A receiver that knows only this secret refuses everything from now on. This cannot be undone."
	t.ConfirmReplaceHint = "All its present secrets end. The receiver refuses everything until it has the new one. This cannot be undone."
	t.Redelivered, t.Cancelled = "Queued. It will be sent again in a moment.", "Cancelled. It will not be sent."
	t.AlreadyGone = "It was gone already. Somebody may have deleted it."
	t.Repeated = "This was done already, and not a second time."
	t.TestProof = "This proves that the endpoint accepts requests. It does not prove what it makes of real events."
	t.OffTitle, t.SwitchOn = "Switched off automatically", "Switch on"
	t.TryNow = "Try now"
	t.TryHint = "Sends a test. If it is accepted, what waits is sent as well."
	t.ChartTitle, t.NoAttempts = "How it went", "No attempts in this time."
	t.ResendTitle, t.Resend, t.ResendCount = "Send failed ones again", "Send again", "Count them"
	t.ResendHint = "Everything that failed for good since then goes out once more, with the same identifiers."
	t.ResendSince, t.ResendRate, t.ResendNone = "Failed and created since", "How fast", "Nothing has failed since then."
}

func (t *Texts) pageWords() {
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
	t.TestFailed = "The test could not be sent. Try again in a minute."
	t.SignInTitle, t.SignInLink, t.SignInAgain = "Please sign in", "Sign in", "Send it now"
	t.SignInHint = "Your session has ended, so nothing has changed yet. Sign in in another tab, come back here, and send it."
	t.SignInLost = "For safety the secret was not kept: you will be asked for it again."
	t.Conflict = "Somebody else has changed this webhook meanwhile. Save again to put your version in place of theirs."
	t.ConflictField, t.Yours, t.Theirs, t.OtherURL = "Field", "Yours", "Theirs", "another URL at that host"
	t.SecretKept, t.SecretReplaced = "as it is", "a new one"
}

func (t *Texts) formWords() {
	t.AddTitle = "Add webhook"
	t.FieldOrder, t.OrderHint = "Order", "How events about the same object, such as one issue, follow each other."
	t.FieldWait, t.WaitHint = "Wait for later events, in seconds", "With only the latest: how long the first event waits for others to take its place, up to 600."
	t.FieldName, t.FieldURL, t.FieldSecret, t.FieldNotes = "Name", "Webhook URL", "Secret", "Notes"
	t.FieldTriggers, t.FieldActive = "Events", "Active"
	t.NameHint = "What it is for."
	t.URLHint = "Where events are sent to. It begins with https://."
	t.SecretHint = "Shared with the receiver."
	t.NotesHint = "What the receiver does with it, or whom to ask."
	t.TriggersHint, t.ActiveHint = "Choose at least one.", "Switched off, it receives nothing; what waits for it stays."
	t.Optional, t.Example = "optional", "Example"
	t.Family = func(prefix string) string {
		return "Everything that begins with “" + prefix + "”, also what is added later."
	}
	t.KeepHeader = "A value is stored. Leave this empty to keep it; another URL needs it again."
	t.KeepSecret, t.EnterAgain = "A secret is stored. Leave this empty to keep it; another URL may need it again.", "For safety it was not kept: enter it again."
	t.credentialWords()
	t.Save, t.Mistakes = "Save", "Please check the form"
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
	t.certificateWords()
}

func (t *Texts) secretWords() {
	t.SecretsTitle, t.SecretEnds, t.SecretNoEnd, t.SecretUnknown = "Secrets", "Ends", "no end", "unknown"
	t.SecretNew, t.SecretNewNow, t.SecretRevoke = "New secret", "New secret, end the others now", "Revoke"
	t.SecretNewHint = "Requests are signed with the one before too, for 24 hours, so that you can change the receiver over. End the others now only if one has leaked."
	t.SecretOnce = "Copy this secret to the receiver now. It is shown this once and never again."
	t.SecretCopied = "I have copied it"
	t.SecretShown = "The secret was shown already, and is not shown again. If you did not see it, make a new one."
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
	t.NoDeliveriesHint = "The first event that is selected will appear here. Tests do not."
	t.LogTitle, t.WebhookLabel, t.DeletedWebhook = "All deliveries", "Webhook", "deleted"
	t.NoneInState, t.NoneMatch = "No deliveries in this state.", "No deliveries like this."
	t.Filter, t.All, t.Newest, t.Older = "Show", "All", "Newest", "Older"
	t.Search, t.AnyTrigger, t.AnyOutcome = "Search", "Any event", "Any outcome"
	t.From, t.To, t.Apply = "From", "Until", "Show"
	t.Event, t.State, t.Created, t.Attempts, t.Outcome, t.Next = "Event", "State", "Created", "Attempts", "Last outcome", "Next try"
	t.Took, t.WhyNotYet, t.NotTried, t.Identifier, t.Finished = "Duration", "Why not yet?", "Not tried yet", "Identifier", "Ended"
	t.AttemptsTitle, t.Started, t.Answer, t.NoAnswer = "Attempts", "Started", "Answer", "no text"
	t.Result, t.Code, t.Key = "Outcome", "Outcome", "Object"
	t.BodyTitle, t.Redeliver, t.CancelIt = "What is sent", "Send again", "Do not send"
	t.RedeliverHint = "The same content goes out with the same identifier, so the receiver can tell that it is a repeat."
	t.RequestTitle, t.CurlTitle = "The request", "As a curl command"
	t.RequestHint = "As it would be sent now. Signatures and other credentials are left out."
	t.RequestGone = "No request can be made of it: its webhook is gone, or is not set up correctly."
	t.Exhausted, t.DueNow, t.BeingSent, t.NotKnown = "all retries are used up", "now", "being sent", "not known"
	t.TestTitle, t.TestBody, t.TestEmpty = "Test", "Send", "An empty event, {}"
	t.TestHint = "A test is sent once, at once, even if the webhook is off. It is not listed below."
	t.LiveOn, t.LiveOff = "Pause updates", "Resume updates"
	t.LiveBroken = "Updates have stopped. Reload the page to try again."
}

func (t *Texts) sentences() {
	named := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name) }
	}
	t.SupersededBy = named("Replaced by %s")
	t.Reason = func(r webhook.Reason) string { return r.Text }
	t.Field = func(f webhook.FieldError) string { return f.Message }
	t.Detail = webhook.Detail.Text
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
		return fmt.Sprintf("All %d webhooks are in use. Delete one to add another, or add events to one you have.", limit)
	}
	t.FailingSince = func(failures int, since string) string {
		if failures == 1 {
			return "1 failed attempt, " + since
		}
		return fmt.Sprintf("%d failed attempts in a row, since %s", failures, since)
	}
	t.HeldUntil, t.Until = named("Next attempt %s."), named("until %s")
	t.Switch = func(name string, on bool) string { return "Active: " + name }
	t.ActOn = func(action, name string) string { return action + ": " + name }
	t.Confirm, t.FieldHeader = named("Delete “%s”?"), named("Header %s")
	t.ConfirmRevoke, t.ConfirmReplace = named("Revoke a secret of “%s”?"), named("Replace the secret of “%s” at once?")
	t.ConfirmWaiting = named("Deliveries that wait for it now: %s.")
	t.EditTitle, t.TestSample = named("Edit “%s”"), named("A complete example: %s")
	t.KeepURL = named("A URL at %s is stored. Leave this empty to keep it.")
	status := func(word string) func(int) string {
		return func(code int) string {
			return strings.TrimSpace(fmt.Sprintf("%s: %d %s", word, code, http.StatusText(code)))
		}
	}
	t.EarlierAttempts = func(n int) string { return fmt.Sprintf("Earlier attempts that are not shown: %d.", n) }
	t.Attempt = func(n int) string { return fmt.Sprintf("Attempt %d", n) }
	t.After = named("%s later")
	t.Accepted, t.Refused = status("Accepted"), status("Refused")
	t.Duration = duration
	t.Ago = func(d time.Duration) string { return span(d) + " ago" }
	t.In = func(d time.Duration) string { return "in " + span(d) }
	t.Time = func(at time.Time) string { return at.Format("2 Jan 2006, 15:04:05 MST") }
}

func (t *Texts) sentencesOfActions() {
	named := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name) }
	}
	t.Added, t.Saved, t.Deleted = named("“%s” was added. Test it now."), named("“%s” was saved."), named("“%s” was deleted.")
	t.SwitchedOn, t.SwitchedOff = named("“%s” is on."), named("“%s” is off. What waits for it stays.")
	t.RedeliveredBut = named("Queued, but it waits: %s")
	t.TestAccepted = func(name string, status int, took time.Duration) string {
		return fmt.Sprintf("Test of “%s”: accepted with status %d after %s.", name, status, duration(took))
	}
	t.TestRefused = func(name, outcome string, took time.Duration) string {
		return fmt.Sprintf("Test of “%s” failed after %s: %s.", name, duration(took), lowerFirst(outcome))
	}
	t.DisabledBecause, t.OffSince = named("%s"), named("Since %s.")
	t.Missed = func(failed, waiting string) string {
		return fmt.Sprintf("Deliveries that failed meanwhile: %s. That wait for it: %s. Events of the time in which it is off are not kept for it.", failed, waiting)
	}
	t.AtLeast = func(n int) string { return fmt.Sprintf("over %d", n) }
	t.ResendWill = func(n, since string) string { return fmt.Sprintf("%s failed since %s will be sent again.", n, since) }
	t.Resent = func(n int) string { return fmt.Sprintf("Queued to be sent again: %d.", n) }
	t.PerSecond = func(n int) string { return fmt.Sprintf("%d a second", n) }
	t.Last = func(hours int) string {
		if hours > 48 {
			return fmt.Sprintf("Last %d days", hours/24)
		}
		return fmt.Sprintf("Last %d hours", hours)
	}
	t.Success = func(accepted, failed int64) string {
		return fmt.Sprintf("%.1f %% of %d attempts accepted", 100*float64(accepted)/float64(max(1, accepted+failed)), accepted+failed)
	}
	t.Latency = func(mean, slowest time.Duration) string {
		return fmt.Sprintf("%s on average, %s at most", duration(mean), duration(slowest))
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// duration writes a measured time.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// span writes a distance in time, rounded.
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
