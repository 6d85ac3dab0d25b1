package settings

import "embed"

//go:embed pages assets
var files embed.FS

// page is what the layout shows around a Body.
type page struct {
	Title string
	Body  any
	// Live pages are kept up to date by the script.
	Live bool
	// Wrong marks the title of a page whose form has mistakes.
	Wrong bool

	T        *Texts
	Root     string
	Notice   *notice
	ReadOnly bool
	Back     Link
	CSS, JS  string
	Refresh  int64 // milliseconds
}

// visit fills in what depends on the request.
func (p *page) visit(v *visit) {
	p.T, p.Root, p.ReadOnly, p.Back = v.o.Texts, v.root, v.readOnly, v.o.Back
	p.CSS, p.JS = v.site.CSS, v.site.JS
	p.Refresh = v.o.Refresh.Milliseconds()
	p.Notice = v.takeNotice()
}
