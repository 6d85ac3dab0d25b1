package settings

import (
	"cmp"
	"crypto/rand"
	"embed"
	"html/template"
	"strings"
)

//go:embed pages assets
var files embed.FS

// page is what the layout shows around a Body.
type page struct {
	Title string
	Body  any
	// Live pages are kept up to date by the script. Their Body holds everything that changes.
	Live bool
	// Wrong marks the title of a page whose form has mistakes.
	Wrong bool

	T              *Texts
	Root           string
	Notice         *notice
	ReadOnly       bool
	Confirm        bool // ask before something is lost
	Back           Link
	Name           string // of the page as a whole
	Header, Footer template.HTML
	CSS, JS        string
	Refresh        int64  // milliseconds
	Tag            string // of a live page
	Once           string // makes the page's forms work once
}

// part is a piece of a page with the values of the page that its template uses.
type part struct {
	page
	Rows any
	At   string // the page that a form leads back to
}

// With returns the argument of a part's template.
func (p page) With(rows any) part { return part{page: p, Rows: rows} }

// WithAt is With for a form that leads back to its page.
func (p page) WithAt(rows any, at string) part { return part{page: p, Rows: rows, At: at} }

// name is the title of the page as a whole.
func (v *visit) name() string { return cmp.Or(v.o.Title, v.t.ListTitle) }

// visit fills in what depends on the request.
func (p *page) visit(v *visit) {
	p.T, p.Root, p.ReadOnly, p.Back, p.Confirm = v.t, v.root, v.readOnly, v.o.Back, v.asks
	p.Header, p.Footer, p.Name = v.o.Header, v.o.Footer, v.name()
	p.CSS, p.JS = v.site.CSS, v.site.JS
	p.Refresh = v.o.Refresh.Milliseconds()
	p.Tag = strings.Trim(p.Tag, `"`)
	p.Notice = v.takeNotice()
	p.Once = rand.Text()
}
