package inspector

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Answer is the response to a request. The zero value is 200 at once. In JSON durations are in
// nanoseconds.
type Answer struct {
	// Status is 200 to 599; 0 means 200.
	Status int `json:"status"`
	// Delay passes before the answer, at most 10 minutes.
	Delay time.Duration `json:"delayNs,omitempty"`
	// RetryAfter adds the header of that name, in seconds, rounded up; at most 24 hours.
	RetryAfter time.Duration `json:"retryAfterNs,omitempty"`
	// Body is sent as text; default is a line with the status.
	Body string `json:"-"`
}

const (
	maxDelay      = 10 * time.Minute
	maxRetryAfter = 24 * time.Hour
	maxScript     = 1000
)

// ErrAnswer is the error of Script and Always for an invalid [Answer].
var ErrAnswer = errors.New("inspector: impossible answer")

func (a Answer) check() error {
	switch {
	case a.Status != 0 && (a.Status < 200 || a.Status > 599):
		return fmt.Errorf("%w: status %d must be between 200 and 599", ErrAnswer, a.Status)
	case a.Delay < 0 || a.Delay > maxDelay:
		return fmt.Errorf("%w: delay %v must be between 0 and %v", ErrAnswer, a.Delay, maxDelay)
	case a.RetryAfter < 0 || a.RetryAfter > maxRetryAfter:
		return fmt.Errorf("%w: Retry-After %v must be between 0 and %v", ErrAnswer, a.RetryAfter, maxRetryAfter)
	}
	return nil
}

// Script queues answers, one for each of the next requests; at most 1,000 may wait. It takes all of
// them or, with [ErrAnswer], none.
func (in *Inspector) Script(answers ...Answer) error {
	for _, a := range answers {
		if err := a.check(); err != nil {
			return err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.script)+len(answers) > maxScript {
		return fmt.Errorf("%w: more than %d would wait", ErrAnswer, maxScript)
	}
	in.script = append(in.script, answers...)
	return nil
}

// Always sets the answer to every request without a scripted one; a new inspector has the zero
// Answer. It also drops the scripted answers.
func (in *Inspector) Always(a Answer) error {
	if err := a.check(); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.script, in.always = nil, a
	return nil
}

// next takes the answer of the next request; in.mu is held.
func (in *Inspector) next() Answer {
	a := in.always
	if len(in.script) > 0 {
		a, in.script = in.script[0], in.script[1:]
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	return a
}

// Text is the body of the answer.
func (a Answer) Text() string {
	if a.Body != "" {
		return a.Body
	}
	return fmt.Sprintf("inspector: %d %s\n", a.Status, http.StatusText(a.Status))
}

// write sends the answer after its delay, unless the sender has left.
func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	if a.Delay > 0 {
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((a.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(a.Status)
	if a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		_, _ = w.Write([]byte(a.Text()))
	}
}
