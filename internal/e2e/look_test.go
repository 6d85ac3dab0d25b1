package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look is a way to see a page.
type look struct {
	name, scheme  string
	width, height int64
	mobile        bool
}

var usual = look{"light", "light", wide, tall, false}

var looks = []look{usual, {"dark", "dark", wide, tall, false}, {"phone", "light", phoneWide, phoneTl, true}}

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

// shows keeps the page as pictures (light, dark, phone) and asks axe-core about each.
func (b *browser) shows(name string) {
	b.t.Helper()
	b.shots++
	for _, l := range looks {
		b.use(l)
		where := name + ", " + l.name
		if run(b, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
			b.t.Errorf("%s: the page is wider than the screen", where)
		}
		picture := run(b, chromedp.FullScreenshot(100))
		file := filepath.Join(b.out, fmt.Sprintf("%02d-%s-%s.png", b.shots, name, l.name))
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			b.t.Error(err)
		}
		b.accessible(where)
	}
	b.use(usual)
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

// accessible fails the test for what axe-core finds serious or critical, and logs the rest.
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
		report := b.t.Logf
		if f.Impact == "serious" || f.Impact == "critical" {
			report = b.t.Errorf
		}
		for _, n := range f.Nodes {
			report("%s: axe-core: %s (%s): %s\n%s\n%s", where, f.ID, f.Impact, f.Help, n.HTML, n.Summary)
		}
	}
}
