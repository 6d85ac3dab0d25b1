package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with one tab and an empty profile.
type browser struct {
	t     *testing.T
	ctx   context.Context
	base  string
	axe   string // source of axe-core
	out   string // where screenshots go
	shots int

	mu       sync.Mutex
	problems []string // what the browser's console complained about
}

const (
	wide, tall         = 1100, 800
	phoneWide, phoneTa = 390, 844
	patience           = 30 * time.Second // for something to appear; generous, a slow machine is no failure
)

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	bin := need(t, "apt-get install chromium", "chromium", "chromium-browser", "google-chrome")
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not there: run npm ci in internal/e2e")
	}
	out := os.Getenv("E2E_OUT")
	if out == "" {
		out = filepath.Join(os.TempDir(), "postrider-e2e")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(wide, tall),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), // nothing leaves the machine
	)
	ctx, stop := chromedp.NewExecAllocator(within(t, 4*time.Minute), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx, base: base, axe: string(axe), out: out}
	chromedp.ListenTarget(ctx, b.listen)
	b.do(log.Enable(), runtime.Enable())
	return b
}

// listen collects scripts that failed and what the Content-Security-Policy refused.
func (b *browser) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "status of 4") { // wrong forms are answered with 4xx
			text = e.Entry.Text
		}
	}
	if text != "" {
		b.mu.Lock()
		b.problems = append(b.problems, text)
		b.mu.Unlock()
	}
}

// quiet reports what was collected.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("the browser complains: %s", p)
	}
}

// do performs actions and fails the test, with what is on the screen, when one does not succeed.
func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	for i, a := range actions {
		ctx, stop := context.WithTimeout(b.ctx, patience)
		if b.shots == 0 && i == 0 {
			ctx = b.ctx // the first action starts the browser, which must outlive it
		}
		err := chromedp.Run(ctx, a)
		stop()
		if err != nil {
			var text string
			_ = chromedp.Run(b.ctx, chromedp.Text("body", &text, chromedp.ByQuery))
			b.t.Fatalf("action %d (%T): %v; the page says:\n%s", i+1, a, err, text)
		}
	}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// sees waits until the page shows every text.
func (b *browser) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		quoted, err := json.Marshal(text)
		if err != nil {
			b.t.Fatal(err)
		}
		b.do(chromedp.Poll(fmt.Sprintf(`document.body.innerText.includes(%s)`, quoted), nil, chromedp.WithPollingTimeout(patience)))
	}
}

// sees nothing of a text, right now.
func (b *browser) lacks(text string) {
	b.t.Helper()
	var all string
	b.do(chromedp.Evaluate(`document.documentElement.outerHTML`, &all))
	if strings.Contains(all, text) {
		b.t.Errorf("the page holds %q", text)
	}
}

// press clicks the link or button with this accessible name and waits for the next page.
func (b *browser) press(name string) {
	b.t.Helper()
	quoted, err := json.Marshal(name)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Evaluate(`window.pressed = true`, nil),
		chromedp.Poll(fmt.Sprintf(`(() => {
			const named = [...document.querySelectorAll("a, button")].filter(e => (e.getAttribute("aria-label") || e.textContent).trim() === %s);
			if (named.length !== 1) return false;
			named[0].click();
			return true;
		})()`, quoted), nil, chromedp.WithPollingTimeout(patience)),
		chromedp.Poll(`!window.pressed && document.readyState === "complete"`, nil, chromedp.WithPollingTimeout(patience)))
}

// fill replaces what stands in the field with this id, by typing.
func (b *browser) fill(id, text string) {
	b.t.Helper()
	b.do(chromedp.SetValue("#"+id, "", chromedp.ByQuery), chromedp.SendKeys("#"+id, text, chromedp.ByQuery))
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	var text string
	b.do(chromedp.Text(selector, &text, chromedp.ByQuery))
	return strings.TrimSpace(text)
}

// shows keeps the page as pictures (light, dark, phone) and asks axe-core about each.
func (b *browser) shows(name string) {
	b.t.Helper()
	b.shots++
	for _, as := range []struct {
		suffix, scheme string
		width, height  int64
		mobile         bool
	}{
		{"light", "light", wide, tall, false}, {"dark", "dark", wide, tall, false},
		{"phone", "light", phoneWide, phoneTa, true},
	} {
		var picture []byte
		var overflow bool
		b.do(
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: as.scheme}}),
			emulation.SetDeviceMetricsOverride(as.width, as.height, 1, as.mobile),
			chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &overflow),
			chromedp.FullScreenshot(&picture, 100),
		)
		if overflow {
			b.t.Errorf("%s, %s: the page is wider than the screen", name, as.suffix)
		}
		file := filepath.Join(b.out, fmt.Sprintf("%02d-%s-%s.png", b.shots, name, as.suffix))
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			b.t.Error(err)
		}
		b.accessible(name + ", " + as.suffix)
	}
	b.do(emulation.SetDeviceMetricsOverride(wide, tall, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}))
}

// accessible reports what axe-core finds that is serious or critical.
func (b *browser) accessible(where string) {
	b.t.Helper()
	var found struct {
		Passes     int
		Violations []struct {
			ID, Impact, Help string
			Nodes            []struct{ HTML, FailureSummary string }
		}
	}
	b.do(chromedp.Evaluate(b.axe+`; axe.run().then(r => ({passes: r.passes.length, violations: r.violations}))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if found.Passes == 0 {
		b.t.Errorf("%s: axe-core checked nothing", where)
	}
	for _, v := range found.Violations {
		report := b.t.Logf
		if v.Impact == "serious" || v.Impact == "critical" {
			report = b.t.Errorf
		}
		for _, n := range v.Nodes {
			report("%s: axe-core: %s (%s): %s\n%s\n%s", where, v.ID, v.Impact, v.Help, n.HTML, n.FailureSummary)
		}
	}
}
