package settings

import "fmt"

// automationPrefix is the start of every URL of an incoming webhook.
const automationPrefix = "https://api-private.atlassian.com/automation/webhooks/"

// Automation returns the English texts for incoming webhooks of Atlassian Automation: where URL and
// secret come from, and how to write the rule. They are the default with [webhook.Automation].
func Automation() Texts {
	t := English()
	t.ListTitle = "Notification Settings"
	t.Intro = "Webhooks tell your automation rules when something has happened here."
	t.EmptyHint = "Add one to start an automation rule whenever a task ends or an API key is about to expire."
	t.TriggersLabel, t.FieldTriggers, t.AnyTrigger = "Triggers", "Triggers", "Any trigger"
	t.NoDeliveriesHint = "The first event of a selected trigger will appear here. Tests do not."
	t.NameHint = "What it is for, such as “Tell the admins about expiring keys”."
	t.URLHint = "From the automation rule. It begins with " + automationPrefix
	t.SecretHint = "From the automation rule, beside the URL."
	t.NotesHint = "What the rule does with it, or whom to ask."
	t.TestProof = "This proves that URL and secret are accepted. It does not prove that smart values resolve: " +
		"for that, run a task and look into the audit log of the rule."
	t.Full = func(limit int) string {
		return fmt.Sprintf("All %d webhooks are in use. Delete one to add another, or add triggers to one you have.", limit)
	}
	t.HowToTitle = "Where do URL and secret come from?"
	t.HowTo = []string{
		"In Jira, open Automation and create a flow with the trigger “Incoming webhook”.",
		"Set the work item criteria to “No work items from the webhook”. The other choices refuse every event.",
		"Add your actions and save the flow. URL and secret are shown only after this first save.",
		"Open the trigger again, and copy both into this form.",
	}
	t.HowToNote = "Both are stored and never shown again."
	return t
}
