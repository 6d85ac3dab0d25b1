package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with one tab and an empty profile.
type browser struct {
	t     *testing.T
	ctx   context.Context
	base  string // address of the application
	axe   string // source of axe-core
	out   string // folder for screenshots
	shots int
	// complaints ends the collection of the browser's console messages, and returns them.
	complaints func() []string
}

const (
	wide, tall         = 1280, 900
	phoneWide, phoneTl = 390, 844
	patience           = 40 * time.Second // for a page to show something; generous, because a slow machine is no failure
)

func newBrowser(t *testing.T) *browser {
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
	t.Logf("screenshots: %s", out)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), // nothing leaves the machine
	)
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", bin, err)
	}
	b := &browser{t: t, ctx: ctx, axe: string(axe), out: out}
	b.listen()
	return b
}

// listen collects script errors and violations of the Content-Security-Policy.
func (b *browser) listen() {
	ctx, stop := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	var found []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type != chromedp.ConsoleError && m.Type != chromedp.ConsoleException {
				continue
			}
			if strings.Contains(m.Text, "the server responded with a status of 4") {
				continue // the answer to a wrong form
			}
			found = append(found, m.String())
		}
	}()
	b.complaints = func() []string {
		stop()
		<-done
		return found
	}
}

// quiet fails the test when the browser reported anything.
func (b *browser) quiet() {
	b.t.Helper()
	for _, c := range b.complaints() {
		b.t.Errorf("the browser complains: %s", c)
	}
}

// run performs an action that returns a value, and fails the test with the text of the page when
// that does not succeed.
func run[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.fatal("%v", err)
	}
	return v
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for _, s := range steps {
		run(b, s)
	}
}

func (b *browser) fatal(format string, args ...any) {
	b.t.Helper()
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	b.t.Fatalf(format+"; the page says:\n%s", append(args, text)...)
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// until waits until a script returns true, also across a change of pages.
func (b *browser) until(what, script string) {
	b.t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		if err == nil && ok {
			return
		}
		if b.ctx.Err() != nil {
			break
		}
	}
	b.fatal("no %s", what)
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(quoted)
}

// sees waits until the page shows every text.
func (b *browser) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.until(fmt.Sprintf("%q", text), fmt.Sprintf(`document.readyState === "complete" && document.body.innerText.includes(%s)`, quote(text)))
	}
}

// lacks checks that the page has no such text now.
func (b *browser) lacks(texts ...string) {
	b.t.Helper()
	all := run(b, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
	for _, text := range texts {
		if strings.Contains(all, text) {
			b.t.Errorf("the page holds %q", text)
		}
	}
}

// press clicks the one link or button with this accessible name and waits for the next page.
func (b *browser) press(name string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`window.pressed = true`))
	b.until("link or button "+name, fmt.Sprintf(`(() => {
		const named = [...document.querySelectorAll("a, button")].filter(e => (e.getAttribute("aria-label") || e.textContent).trim() === %s);
		if (named.length !== 1) return false;
		named[0].click();
		return true;
	})()`, quote(name)))
	b.until("page behind "+name, `!window.pressed && document.readyState === "complete"`)
}

// fill replaces the content of the field with this id, by typing.
func (b *browser) fill(id, text string) {
	b.t.Helper()
	b.until("field "+id, `(() => { const e = document.getElementById(`+quote(id)+`); e?.focus(); e?.select(); return !!e; })()`)
	b.do(chromedp.KeyEvent(text))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(run(b, chromedp.Text(chromedp.CSS(selector))))
}

func (b *browser) focused() string {
	b.t.Helper()
	return strings.TrimSpace(run(b, chromedp.Evaluate[string](`document.activeElement.innerText`)))
}
