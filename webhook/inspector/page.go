package inspector

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook/internal/webpage"
)

//go:embed pages assets
var files embed.FS

// page is what the layout shows around a Body.
type page struct {
	Title, Name, Root, CSS, JS string
	Refresh                    int64  // milliseconds; 0 for a page that stays as it is
	Tag                        string // of a page that is refreshed
	Body                       any
	Back                       Link
	Header, Footer             template.HTML
	T                          *Texts
}

// verdictView is a verdict and the words for it.
type verdictView struct {
	T *Texts
	V Verdict
}

// With returns the argument of a verdict's template.
func (p page) With(v Verdict) verdictView { return verdictView{p.T, v} }

type listView struct {
	Requests []Request // newest first
	More     int       // kept, but not in the list
	Receives string    // where to send to
	Always   Answer
	Waiting  int // scripted answers
	Samples  []string
}

const (
	// maxShown bounds the list and the feed, because the script fetches the list at each refresh.
	maxShown = 200
	// maxShownBody is how much of a body a page shows; see webpage.Pretty.
	maxShownBody = 256 << 10
)

func (in *Inspector) list(w http.ResponseWriter, r *http.Request) {
	t := in.textsOf(r)
	in.mu.Lock()
	always, waiting, last, kept := in.always, len(in.script), in.last, len(in.kept)
	in.mu.Unlock()
	tag := webpage.Tag(in.site.CSS, in.site.JS, t.Lang, always, waiting, last, kept)
	if webpage.NotModified(w, r, tag) {
		return
	}
	view := listView{Receives: cut(webpage.Mount(r), maxText) + "/in", Samples: Samples(), Always: always, Waiting: waiting}
	view.Requests, view.More = in.latest(maxShown)
	if view.Always.Status == 0 {
		view.Always.Status = http.StatusOK
	}
	in.render(w, r, http.StatusOK, "list", page{Body: view, T: t, Refresh: in.o.Refresh.Milliseconds(), Tag: strings.Trim(tag, `"`)})
}

type requestView struct {
	Request
	Headers []headerView
	Pretty  string
	Shown   int  // bytes of the body
	Part    bool // the body is longer
}

type headerView struct{ Name, Value string }

func (in *Inspector) detail(w http.ResponseWriter, r *http.Request) {
	t := in.textsOf(r)
	n, err := strconv.Atoi(r.PathValue("number"))
	kept, ok := in.request(n)
	if err != nil || !ok {
		in.problem(w, r, http.StatusNotFound, t.Gone)
		return
	}
	view := requestView{Request: kept}
	if view.Pretty, view.Shown = pretty(kept.Body); view.Shown < len(kept.Body) || int64(view.Shown) < kept.Size && !kept.Hidden {
		view.Part = true
	}
	for name, values := range view.Header {
		view.Headers = append(view.Headers, headerView{name, strings.Join(values, ", ")})
	}
	slices.SortFunc(view.Headers, func(a, b headerView) int { return strings.Compare(a.Name, b.Name) })
	title := t.Request(n)
	if view.Event != "" {
		title += ": " + view.Event
	}
	in.render(w, r, http.StatusOK, "request", page{Title: title, Body: view, T: t})
}

func (in *Inspector) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	t := in.textsOf(r)
	in.render(w, r, status, "problem", page{Title: t.ProblemTitle, Body: text, T: t})
}

func (in *Inspector) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Name = cmp.Or(in.o.Title, p.T.Title)
	p.Title = cmp.Or(p.Title, p.Name)
	p.Root, p.Back, p.Header, p.Footer = webpage.Root(r), in.o.Back, in.o.Header, in.o.Footer
	p.CSS, p.JS = in.site.CSS, in.site.JS
	if err := in.site.Render(w, status, name, p); err != nil {
		http.Error(w, "inspector: the page cannot be shown", http.StatusInternalServerError)
	}
}

// pretty returns the text of a body that a page shows; for a binary body its size.
func pretty(body []byte) (text string, shown int) {
	if !utf8.Valid(body) {
		return fmt.Sprintf("(%d bytes that are no text)", len(body)), len(body)
	}
	return webpage.Pretty(body, maxShownBody)
}
