package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// look is a size and a colour scheme of a page.
type look struct {
	name, scheme  string
	width, height int64
	mobile        bool
}

var usual = look{"light", "light", wide, tall, false}

// looks are checked by axe-core and kept as pictures.
var looks = []look{usual, {"dark", "dark", wide, tall, false}, {"phone", "light", phoneWide, phoneTl, true}}

// sizes are checked for content wider than the screen: a small phone, and a screen at 200 %.
var sizes = []look{{"small", "light", 320, 640, true}, {"zoomed", "light", wide / 2, tall / 2, false}}

func (b *browser) use(l look) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}})
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.mobile})
		}
		return chromedp.Void{}, err
	})
}

func (b *browser) scripts(on bool) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return chromedp.Void{}, err
	})
}

// shows keeps the page as pictures (light, dark, phone) and checks each with axe-core.
func (b *browser) shows(name string) {
	b.t.Helper()
	b.shots++
	for _, l := range sizes {
		b.use(l)
		b.fits(name + ", " + l.name)
	}
	for _, l := range looks {
		b.use(l)
		where := name + ", " + l.name
		b.fits(where)
		picture := run(b, chromedp.FullScreenshot(100))
		file := filepath.Join(b.out, fmt.Sprintf("%02d-%s-%s.png", b.shots, name, l.name))
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			b.t.Error(err)
		}
		b.accessible(where)
	}
	b.use(usual)
}

// fits fails the test where a page is wider than the screen, or shows nothing of itself.
func (b *browser) fits(where string) {
	b.t.Helper()
	if wider := run(b, chromedp.Evaluate[string](`(() => {
		const e = document.documentElement, most = e.clientWidth;
		if (e.scrollWidth <= most) return "";
		const at = [...document.querySelectorAll("main *")].find(x => { const r = x.getBoundingClientRect(); return r.right > most + 1 || r.left < -1; });
		return e.scrollWidth + " of " + most + " px" + (at ? ", at " + at.outerHTML.slice(0, 200) : "");
	})()`)); wider != "" {
		b.t.Errorf("%s: the page is wider than the screen: %s", where, wider)
	}
	if !run(b, chromedp.Evaluate[bool](`(() => { const r = document.querySelector("h1, h2").getBoundingClientRect(); return r.left >= 0 && r.right <= document.documentElement.clientWidth + 1 && r.width > 0; })()`)) {
		b.t.Errorf("%s: the heading is not on the screen", where)
	}
}

// speaks sets the language of the browser.
func (b *browser) speaks(language string) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
		return chromedp.Void{}, err
	})
}

// finding is a rule of axe-core that a page breaks.
type finding struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// accessible fails the test for every finding of axe-core.
func (b *browser) accessible(where string) {
	b.t.Helper()
	result := run(b, chromedp.Evaluate[struct {
		Passes     int       `json:"passes"`
		Violations []finding `json:"violations"`
	}](b.axe+`; axe.run().then(r => ({passes: r.passes.length, violations: r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help,
		nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))}))}))`, chromedp.EvalAwaitPromise))
	if result.Passes == 0 {
		b.t.Errorf("%s: axe-core checked nothing", where)
	}
	for _, f := range result.Violations {
		for _, n := range f.Nodes {
			b.t.Errorf("%s: axe-core: %s (%s): %s\n%s\n%s", where, f.ID, f.Impact, f.Help, n.HTML, n.Summary)
		}
	}
}
