package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	listPath      = "/settings/notifications/"
	inspectorPath = "/inspector/"
)

// Rule: on the pages alone a person can add a webhook, see an event arrive, make the endpoint fail,
// watch the retries and the reason why nothing is sent, repair the endpoint, and send again.
func TestStory(t *testing.T) {
	b := newBrowser(t)
	b.base = startApp(t)
	b.open("/")
	b.sees("Task runner", "None yet.")
	url, secret := b.text("#rule-url"), b.text("#rule-secret")

	b.emptyList()
	b.wrongForm(url, secret)
	hook := b.addWebhook(url, secret)
	b.testWebhook(hook)
	b.taskArrives(hook)
	b.breakAndRepair(hook)
	b.finds(hook)
	b.tryNow(hook)
	b.sharedPages(secret, url)
	b.conflict(hook)
	b.keyboard()
	b.session(url, secret)
	b.doubleClicks(url, secret)
	b.limit(url, secret)
	b.fromTheRight(hook)
	b.withoutScript(hook)
	b.quiet()
}

func (b *browser) emptyList() {
	b.t.Helper()
	b.press("Webhooks")
	b.sees("No webhooks yet", "0 of 3 used")
	b.shows("list-empty")
	b.do(chromedp.KeyEvent(kb.Tab)) // the first Tab reaches the skip link
	if focused := b.focused(); focused != "Skip to content" {
		b.t.Errorf("the first stop of the Tab key is %q", focused)
	}
}

// wrongForm makes mistakes: the browser finds some, the page the others. The input stays, apart
// from the secret.
func (b *browser) wrongForm(url, secret string) {
	b.t.Helper()
	b.press("Add webhook")
	b.sees("Where do URL and secret come from?", "No work items from the webhook", "seven days left", "It begins with https://api-private.atlassian.com/automation/webhooks/")
	b.shows("form")
	b.click(`form.form button`)
	b.until("message of the browser's own", `document.activeElement.id === "field-name" && !document.activeElement.validity.valid && !document.querySelector("#mistakes")`)
	b.fill("field-name", "Wrong")
	b.fill("field-url", strings.Replace(url, "api-private", "evil", 1))
	b.fill("field-secret", secret)
	b.fill("field-notes", "ask Kim")
	b.press("Save")
	b.sees("Please check the form", "This URL is not allowed", "Select at least one trigger.", "enter it again")
	b.lacks(secret)
	b.until("what was typed", `document.querySelector("#field-url").value.includes("evil.atlassian") && document.querySelector("#field-notes").value === "ask Kim" && document.querySelector("#field-name").value === "Wrong"`)
	if focused := b.focused(); !strings.HasPrefix(focused, "Please check the form") {
		b.t.Errorf("after a mistake the focus is on %q", focused)
	}
	b.shows("form-mistakes")
	b.open(listPath)
	b.sees("0 of 3 used")
}

// addWebhook fills in the form, comes back to the list with the webhook in view, and returns the
// path of the webhook's page.
func (b *browser) addWebhook(url, secret string) string {
	b.t.Helper()
	b.press("Add webhook")
	b.fill("field-name", "Tell the admins")
	b.fill("field-url", url)
	b.fill("field-secret", secret)
	b.fill("field-notes", "Posts to the ops channel.\nAsk Kim.")
	b.click(`input[value="taskSuccess"]`)
	b.click(`input[value="taskFailure"]`)
	b.press("Save")
	b.sees("“Tell the admins” was added", "Not used yet", "https://api-private.atlassian.com")
	b.until("the new webhook in view", `document.querySelector(":target h2").textContent === "Tell the admins"`)
	b.shows("list-new")
	b.press("Tell the admins")
	b.sees("Nothing has been sent yet", "No attempts in this time")
	b.shows("webhook-new")
	return run(b, chromedp.Evaluate[string](`location.pathname`))
}

func (b *browser) testWebhook(hook string) {
	b.t.Helper()
	b.press("Test")
	b.sees("accepted with status 200", "proves that URL and secret are accepted", "does not prove that smart values resolve", "Nothing has been sent yet")
	b.shows("tested")
	b.answers("401")
	b.open(hook)
	b.press("Test")
	b.sees("failed after", "401 Unauthorized")
	b.shows("test-refused")
	b.answers("200")
}

// answers sets the inspector's answer from now on.
func (b *browser) answers(status string) {
	b.t.Helper()
	b.open(inspectorPath)
	b.fill("status", status)
	b.press("Set answer")
	b.sees("Now: " + status)
}

func (b *browser) taskArrives(hook string) {
	b.t.Helper()
	b.open("/")
	b.press("Run: Deactivate inactive users")
	b.sees("Succeeded")
	b.shows("home")
	b.open(inspectorPath)
	b.sees("taskSuccess", "verified")
	b.shows("inspector")
	b.runTask("deactivate") // another task; the page is open
	b.until("fourth request, live", `document.querySelectorAll("tbody tr").length === 4`)
	b.open(hook)
	b.sees("Automated task succeeded", "Delivered", "Accepted: 200 OK")
	b.shows("webhook-delivered")
}

// runTask runs a task without the browser.
func (b *browser) runTask(id string) {
	b.t.Helper()
	resp, err := http.Post(b.base+"/tasks/"+id+"/run", "", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusOK {
		b.t.Fatalf("run %s: status %d", id, resp.StatusCode)
	}
}

// breakAndRepair watches a delivery from its first attempt to its last, without reloading: the
// script keeps the page up to date.
func (b *browser) breakAndRepair(hook string) {
	b.t.Helper()
	b.answers("503")
	b.open("/")
	b.press("Run into an error: License clean-up")
	b.sees("the directory could not be reached")
	b.open(hook)
	b.sees("Automated task failed", "Pending", "Refused: 503 Service Unavailable", "failed; it waits for the next one", "Failing")
	b.shows("webhook-failing")
	b.press("Automated task failed")
	b.sees("Why not yet?", "it waits for the next one", "License clean-up")
	b.shows("delivery-waiting")
	b.until("second attempt, live", `/Attempt [2-9] failed/.test(document.body.innerText)`)
	b.answers("200")
	b.do(chromedp.NavigateBack(), chromedp.NavigateBack())
	b.sees("Attempts", "Why not yet?")
	b.press("Send again")
	b.sees("It will be sent again")
	b.sees("Delivered", "Accepted: 200 OK") // live
	b.lacks("Why not yet?")
	b.sees("later", "POST https://api-private.atlassian.com/[redacted]", "X-Automation-Webhook-Token: [redacted]")
	b.click("details summary")
	b.until("the curl command", `document.querySelector("details pre").innerText.startsWith("curl -X POST")`)
	b.shows("delivery-done")
	b.open(hook)
	b.sees("attempts accepted", "on average")
	b.until("the charts", `document.querySelectorAll(".chart rect.good").length > 1 && document.querySelectorAll(".chart rect.bad").length > 1`)
	b.shows("webhook-charts")
	b.open(inspectorPath)
	b.sees("taskFailure", "same identifier for the", "retry 2")
	b.press("Request 1")
	b.sees("X-Automation-Webhook-Token", "(hidden, 40 characters)")
	b.shows("inspector-request")
}

// sharedPages checks that pages never show the URL or the secret.
func (b *browser) sharedPages(secret, url string) {
	b.t.Helper()
	path := strings.TrimPrefix(url, "https://api-private.atlassian.com")
	for _, page := range []string{listPath, inspectorPath} {
		b.open(page)
		b.lacks(secret)
		if page == listPath {
			b.lacks(path)
		}
	}
	b.open(listPath)
	b.click(b.row("Tell the admins") + ` a[href$="/edit"]`)
	b.sees("A secret is stored", "A URL at https://api-private.atlassian.com is stored")
	b.lacks(secret)
	b.lacks(path)
	b.shows("form-edit")
	b.fill("field-name", "Tell all admins")
	b.press("Save")
	b.sees("“Tell all admins” was saved")
}

// limit adds two more and checks that a fourth is impossible.
func (b *browser) limit(url, secret string) {
	b.t.Helper()
	for _, name := range []string{"Expiring keys", "A very long name of a webhook that a person typed to see how it wraps on a narrow screen"} {
		b.open(listPath + "add")
		b.fill("field-name", name)
		b.fill("field-url", url)
		b.fill("field-secret", secret)
		b.click(`input[value="orgKeyExpiry"]`)
		b.press("Save")
		b.sees("was added")
	}
	b.open(listPath)
	b.sees("3 of 3 used", "All 3 webhooks are in use")
	b.lacks(">Add webhook<")
	b.press("Active: Expiring keys")
	b.sees("“Expiring keys” is off")
	b.shows("list-full")
	b.open(listPath + "webhooks/whk_missing")
	b.sees("no longer exists")
	b.shows("missing")
}

// withoutScript repeats every change without JavaScript.
func (b *browser) withoutScript(hook string) {
	b.t.Helper()
	b.scripts(false)
	b.open(listPath)
	b.click(`button[aria-label="Active: Expiring keys"]`)
	b.do(chromedp.WaitVisible(chromedp.CSS(`.notice.good`)))
	if got := b.text(".notice"); got != "“Expiring keys” is on." {
		b.t.Errorf("without JavaScript the switch says %q", got)
	}
	b.open(hook)
	b.doubleClick(`section[aria-labelledby="test"] button`)
	b.do(chromedp.WaitVisible(chromedp.CSS(`.notice.good`)))
	b.open(listPath)
	expiring := b.row("Expiring keys")
	b.doubleClick(expiring + ` button[formaction$="/delete"]`)
	b.do(chromedp.WaitNotPresent(chromedp.CSS(expiring)))
	if got := b.text(".used"); got != "2 of 3 used" {
		b.t.Errorf("without JavaScript, after a deletion: %q", got)
	}
	b.scripts(true)
}
