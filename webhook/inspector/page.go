package inspector

import (
	"embed"
	"fmt"
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
	Title, Root, CSS, JS string
	Refresh              int64 // milliseconds; 0 for a page that stays as it is
	Body                 any
	Back                 Link
}

type listView struct {
	Requests []Request // newest first
	More     int       // kept, but not in the list
	Receives string    // where to send to
	Always   Answer
	Waiting  int // scripted answers
	Samples  []string
}

const (
	// maxShown bounds the list, which the script fetches again and again, and the feed.
	maxShown = 200
	// maxShownBody is how much of a body a page shows; see webpage.Pretty.
	maxShownBody = 256 << 10
)

func (in *Inspector) list(w http.ResponseWriter, r *http.Request) {
	view := listView{Receives: cut(webpage.Mount(r), maxText) + "/in", Samples: Samples()}
	view.Requests, view.More = in.latest(maxShown)
	in.mu.Lock()
	view.Always, view.Waiting = in.always, len(in.script)
	in.mu.Unlock()
	if view.Always.Status == 0 {
		view.Always.Status = http.StatusOK
	}
	in.render(w, r, http.StatusOK, "list", page{Title: "Inspector", Body: view, Refresh: in.o.Refresh.Milliseconds()})
}

type requestView struct {
	Request
	Headers []headerView
	Pretty  string
	Shown   int  // bytes of the body
	Part    bool // they are not all
}

type headerView struct{ Name, Value string }

func (in *Inspector) detail(w http.ResponseWriter, r *http.Request, number string) {
	n, err := strconv.Atoi(number)
	kept, ok := in.request(n)
	if err != nil || !ok {
		in.problem(w, r, http.StatusNotFound, "This request is not kept any more.")
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
	title := fmt.Sprintf("Request %d", n)
	if view.Event != "" {
		title += ": " + view.Event
	}
	in.render(w, r, http.StatusOK, "request", page{Title: title, Body: view})
}

func (in *Inspector) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	in.render(w, r, status, "problem", page{Title: "This did not work", Body: text})
}

func (in *Inspector) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Root, p.Back = webpage.Root(r), in.o.Back
	p.CSS, p.JS = in.site.CSS, in.site.JS
	if err := in.site.Render(w, status, name, p); err != nil {
		http.Error(w, "inspector: the page cannot be shown", http.StatusInternalServerError)
	}
}

// pretty is what a page shows of a body: of what is no text the size.
func pretty(body []byte) (text string, shown int) {
	if !utf8.Valid(body) {
		return fmt.Sprintf("(%d bytes that are no text)", len(body)), len(body)
	}
	return webpage.Pretty(body, maxShownBody)
}
