package inspector

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// change carries out a form of the page with do, which returns the problem, "" for none.
func (in *Inspector) change(w http.ResponseWriter, r *http.Request, do func(*http.Request) string) {
	t := in.textsOf(r)
	if err := in.origin.Check(r); err != nil {
		in.problem(w, r, http.StatusForbidden, t.CrossSite)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		in.problem(w, r, http.StatusBadRequest, t.BadForm)
		return
	}
	if wrong := do(r); wrong != "" {
		in.problem(w, r, http.StatusUnprocessableEntity, wrong)
		return
	}
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}

func (in *Inspector) clear(*http.Request) string {
	in.Clear()
	return ""
}

func (in *Inspector) sendSample(r *http.Request) string {
	if _, err := in.SendSample(r.PostForm.Get("type")); err != nil {
		return in.textsOf(r).NoSample
	}
	return ""
}

// setAnswer reads the form: status, delay and retry-after in seconds, and the number of requests; 0
// means until it is changed. It returns the problem, "" for none.
func (in *Inspector) setAnswer(r *http.Request) string {
	number := func(name string) (int, bool) {
		text := strings.TrimSpace(r.PostForm.Get(name))
		if text == "" {
			return 0, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil && n >= 0 && n < 1_000_000
	}
	status, ok1 := number("status")
	delay, ok2 := number("delay")
	after, ok3 := number("after")
	count, ok4 := number("count")
	if !ok1 || !ok2 || !ok3 || !ok4 || count > maxScript {
		return in.textsOf(r).BadNumbers
	}
	a := Answer{Status: status, Delay: time.Duration(delay) * time.Second, RetryAfter: time.Duration(after) * time.Second}
	var err error
	if count == 0 {
		err = in.Always(a)
	} else {
		answers := make([]Answer, count)
		for i := range answers {
			answers[i] = a
		}
		err = in.Script(answers...)
	}
	if err != nil {
		return in.textsOf(r).BadAnswer
	}
	return ""
}
