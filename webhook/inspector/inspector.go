package inspector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/postrider/postrider/webhook/internal/webpage"
	"github.com/postrider/postrider/webhook/sign"
)

// Inspector receives webhooks and shows them. All methods are safe for concurrent use.
type Inspector struct {
	o      Options
	own    sign.Secret // signs samples
	hosts  []string    // see Options.hosts
	masked []string    // see spellings
	origin *http.CrossOriginProtection
	site   *webpage.Site
	mux    *http.ServeMux

	console sync.Mutex // one line at a time

	mu      sync.Mutex // guards the fields below
	kept    []Request  // oldest first
	weight  int        // of kept, in bytes
	last    int        // the number of the latest request
	script  []Answer
	always  Answer
	clients map[string]sign.Secret // of Connect, by client key
}

// New returns an Inspector that answers 200. It does no I/O and starts nothing.
func New(o *Options) (*Inspector, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	in := &Inspector{o: opts, origin: http.NewCrossOriginProtection(), clients: make(map[string]sign.Secret)}
	if in.own, err = sign.GenerateSecret(); err != nil {
		return nil, fmt.Errorf("inspector: %w", err)
	}
	if err = sign.Token(opts.TokenHeader, in.own).Sign(new(http.Request), sign.Message{}); err != nil {
		return nil, fmt.Errorf("inspector: Options.TokenHeader: %w", err)
	}
	if in.hosts, err = opts.hosts(); err != nil {
		return nil, err
	}
	in.clients[sampleClient] = in.own
	in.masked = spellings(in.secrets())
	if in.site, err = webpage.Load(files, "inspector", opts.CSS); err != nil {
		return nil, fmt.Errorf("inspector: %w", err)
	}
	in.route()
	return in, nil
}

// ServeHTTP receives what is sent below in/, and serves the page and the feed.
func (in *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if path == "/in" || strings.HasPrefix(path, "/in/") {
		in.record(r).Answer.write(w, r)
		return
	}
	webpage.SetHeaders(w.Header(), "no-referrer")
	if !in.allowedHost(r) {
		http.Error(w, "inspector: "+badHost, http.StatusMisdirectedRequest)
		return
	}
	if webpage.ToRoot(w, r) || in.site.ServeAsset(w, r) {
		return
	}
	if !webpage.Clean(path) {
		in.problem(w, r, http.StatusNotFound, in.textsOf(r).NoPage)
		return
	}
	in.mux.ServeHTTP(w, r)
}

// route sets the handler of each path.
func (in *Inspector) route() {
	in.mux = http.NewServeMux()
	in.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if t := in.textsOf(r); r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost {
			in.problem(w, r, http.StatusNotFound, t.NoPage)
		} else {
			w.Header().Set("Allow", "GET, HEAD, POST")
			in.problem(w, r, http.StatusMethodNotAllowed, t.BadMethod)
		}
	})
	in.mux.HandleFunc("GET /{$}", in.list)
	in.mux.HandleFunc("GET /requests.json", in.feed)
	in.mux.HandleFunc("GET /atlassian-connect.json", in.descriptor)
	in.mux.HandleFunc("GET /requests/{number}", in.detail)
	for path, change := range map[string]func(*http.Request) string{"/clear": in.clear, "/answer": in.setAnswer, "/sample": in.sendSample} {
		in.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { in.change(w, r, change) })
	}
}

const (
	maxForm = 16 << 10
	// maxFeed bounds an answer of the feed by the weight of its requests. There is always at least
	// one request.
	maxFeed = 4 << 20
)

// feed answers GET requests.json?after=N with the kept requests above N, oldest first, up to the
// bound of an answer; "more" says that there are others.
func (in *Inspector) feed(w http.ResponseWriter, r *http.Request) {
	after := 0
	if text := r.URL.Query().Get("after"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			http.Error(w, "inspector: after must be the number of a request", http.StatusBadRequest)
			return
		}
		after = n
	}
	requests, more := in.after(after, maxShown, maxFeed)
	writeJSON(w, map[string]any{"requests": requests, "more": more})
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "inspector: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}
