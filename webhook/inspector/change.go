package inspector

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// change does what the page's forms ask for.
func (in *Inspector) change(w http.ResponseWriter, r *http.Request, path string) {
	if err := r.ParseForm(); err != nil {
		in.problem(w, r, http.StatusBadRequest, "The form could not be read. Nothing has changed.")
		return
	}
	switch path {
	case "/clear":
		in.Clear()
	case "/answer":
		if problem := in.setAnswer(r); problem != "" {
			in.problem(w, r, http.StatusUnprocessableEntity, problem)
			return
		}
	case "/sample":
		if _, err := in.SendSample(r.PostForm.Get("type")); err != nil {
			in.problem(w, r, http.StatusUnprocessableEntity, "There is no sample of this event type.")
			return
		}
	default:
		in.problem(w, r, http.StatusNotFound, "There is no such page. Webhooks are received below in/.")
		return
	}
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}

// setAnswer reads the form: status, delay and retry-after in seconds, and for how many
// requests; 0 means until it is changed. It returns what is wrong.
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
		return "Enter whole numbers: a status from 200 to 599, seconds, and up to 1,000 requests. Nothing has changed."
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
		return "This answer is not possible: a status is 200 to 599, a delay up to 600 seconds, Retry-After up to 86,400. Nothing has changed."
	}
	return ""
}
