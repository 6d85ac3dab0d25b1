package e2e

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// row is the selector of a webhook of the list.
func (b *browser) row(name string) string {
	b.t.Helper()
	return `[id="` + run(b, chromedp.Evaluate[string](`[...document.querySelectorAll(".cards > li")].find(e => e.querySelector("h2").textContent === `+quote(name)+`).id`)) + `"]`
}

// doubleClick presses a button twice with the mouse, as quickly as people do.
func (b *browser) doubleClick(selector string) {
	b.t.Helper()
	at := run(b, chromedp.Evaluate[struct{ X, Y float64 }](`(() => {
		const e = document.querySelector(`+quote(selector)+`);
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		return {X: r.left + r.width / 2, Y: r.top + r.height / 2};
	})()`))
	b.do(chromedp.MouseClickXY(at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y, chromedp.ClickCount(2)))
}

// arrived is the number of requests that the inspector has.
func (b *browser) arrived() int {
	b.t.Helper()
	b.open(inspectorPath)
	return run(b, chromedp.Evaluate[int](`Number(document.querySelector("tbody a")?.textContent || 0)`))
}

// doubleClicks checks that a double click acts once with the script, which disables the button; see
// withoutScript.
func (b *browser) doubleClicks(address, secret string) {
	b.t.Helper()
	b.open(listPath + "add")
	b.fill("field-name", "Twice")
	b.fill("field-url", address)
	b.fill("field-secret", secret)
	b.click(`input[value="orgKeyExpiry"]`)
	b.doubleClick("form.form button")
	b.sees("“Twice” was added", "2 of 3 used")
	before := b.arrived()
	b.open(listPath)
	b.doubleClick(b.row("Twice") + ` button[formaction$="/test"]`)
	b.sees("Test of “Twice”: accepted")
	if n := b.arrived() - before; n != 1 {
		b.t.Errorf("a double click on Test sent %d requests, want 1", n)
	}
	b.open(listPath)
	b.doubleClick(b.row("Twice") + ` button[formaction$="/delete"]`)
	b.sees("“Twice” was deleted", "1 of 3 used")
}

// finds looks for a delivery by its identifier and its outcome, and counts the deliveries to send
// again.
func (b *browser) finds(hook string) {
	b.t.Helper()
	b.open(listPath)
	b.press("All deliveries")
	b.sees("Tell the admins", "Automated task succeeded")
	b.shows("log")
	b.press("Failed")
	b.sees("No deliveries in this state.")
	b.open(listPath + "deliveries?code=ok&type=taskFailure")
	b.until("one delivery", `document.querySelectorAll("tbody tr").length === 1`)
	b.shows("log-search")
	b.open(listPath + "deliveries?event=nothing")
	b.sees("No deliveries like this.")
	b.open(hook)
	b.press("Count them")
	b.sees("Nothing has failed since then.")
	b.shows("resend")
}

// tryNow makes the endpoint fail until the webhook is paused, repairs it and tries at once.
func (b *browser) tryNow(hook string) {
	b.t.Helper()
	b.answers("503")
	for range 12 {
		b.runTask("deactivate")
	}
	b.open(hook)
	b.sees("Held back", "Next attempt in", "Try now")
	b.shows("webhook-held")
	b.operators()
	b.open(hook)
	b.press("Try now")
	b.sees("failed after", "503 Service Unavailable", "Held back")
	b.answers("200")
	b.open(hook)
	b.press("Try now")
	b.sees("accepted with status 200", "Queued to be sent again")
	b.shows("tried-now")
	b.until("everything delivered, live", `!document.body.innerText.includes("Held back") && [...document.querySelectorAll("td.word")].every(x => x.innerText.includes("Delivered"))`)
}

// operators checks the operators' page: waiting deliveries, failing webhooks, and the pause of this
// process.
func (b *browser) operators() {
	b.t.Helper()
	b.open("/operators/")
	b.sees("Webhooks of all tenants", "Failing webhooks: 1", "What waits, by webhook", "acme")
	b.press("Largest first")
	b.sees("Waiting for another attempt")
	b.shows("operators")
	b.press("Stop sending by this process")
	b.sees("Resume sending by this process")
	b.press("Resume sending by this process")
	b.sees("Stop sending by this process")
	b.fill("event", "evt-unknown")
	b.press("Find")
	b.sees("No tenant has a delivery of this event.")
	b.shows("operators-search")
}

// conflict has two people edit a webhook at once.
func (b *browser) conflict(hook string) {
	b.t.Helper()
	b.open(hook + "/edit")
	b.fill("field-name", "Mine")
	version := run(b, chromedp.Evaluate[string](`document.querySelector("[name=version]").value`))
	resp, err := http.PostForm(b.base+hook+"/edit", url.Values{"version": {version}, "name": {"Theirs"}, "notes": {"changed by Kim"}, "trigger": {"taskSuccess", "taskFailure"}, "active": {"on"}})
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	b.press("Save")
	b.sees("Somebody else has changed this webhook", "Yours", "Theirs", "changed by Kim")
	b.shows("conflict")
	b.press("Save")
	b.sees("“Mine” was saved")
}

// keyboard goes to the switch of a webhook by the Tab key alone, and presses it.
func (b *browser) keyboard() {
	b.t.Helper()
	for _, word := range []string{"is off", "is on"} {
		b.open(listPath)
		b.until("the switch under the Tab key", `document.readyState === "complete"`)
		for range 20 {
			if run(b, chromedp.Evaluate[bool](`document.activeElement.getAttribute("role") === "switch"`)) {
				break
			}
			b.do(chromedp.KeyEvent(kb.Tab))
		}
		if !run(b, chromedp.Evaluate[bool](`document.activeElement.matches("[role=switch]:focus-visible")`)) {
			b.t.Error("the switch cannot be reached with the keyboard, or shows no focus")
		}
		b.do(chromedp.KeyEvent(kb.Enter))
		b.sees(word)
	}
}

// session checks a form whose session ends before it is sent.
func (b *browser) session(address, secret string) {
	b.t.Helper()
	b.open(listPath + "add")
	b.fill("field-name", "After the break")
	b.fill("field-url", address)
	b.fill("field-secret", secret)
	b.click(`input[value="orgKeyExpiry"]`)
	b.post("/sign-out")
	b.press("Save")
	b.sees("Please sign in", "Your session has ended", "the secret was not kept")
	b.lacks(secret)
	b.shows("signed-out")
	b.post("/sign-in")
	b.press("Send it now")
	b.sees("Please check the form", "Enter the secret.")
	b.until("what was typed", `document.querySelector("#field-name").value === "After the break" && document.querySelector("#field-url").value === `+quote(address))
	b.open(listPath)
	b.sees("1 of 3 used")
}

// post sends an empty form directly to the application, with the browser's cookies.
func (b *browser) post(path string) {
	b.t.Helper()
	run(b, chromedp.Evaluate[bool](`fetch(`+quote(path)+`, {method: "POST"}).then(r => r.ok)`, chromedp.EvalAwaitPromise))
}

// fromTheRight checks every page in a language that is written from right to left.
func (b *browser) fromTheRight(hook string) {
	b.t.Helper()
	b.speaks("ar")
	b.open(listPath)
	b.sees("إعدادات الإشعارات")
	b.shows("rtl-list")
	b.open(listPath + "add")
	b.shows("rtl-form")
	b.open(hook)
	b.shows("rtl-webhook")
	b.open(run(b, chromedp.Evaluate[string](`document.querySelector("tbody a").getAttribute("href")`+`.replace(/^\.\.\//, "`+strings.TrimSuffix(listPath, "/")+`/")`)))
	b.shows("rtl-delivery")
	b.open(listPath + "deliveries")
	b.shows("rtl-log")
	b.open(inspectorPath)
	b.shows("rtl-inspector")
	b.speaks("en")
}
