package settings

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// A form is carried out once. A second press of its button makes the browser drop the first answer,
// so it gets the same answer as the first. Each page gives its forms a random text; forms keeps the
// outcome under that text and the input, so that a form changed after "back" is another one. Over
// several hosts marks of the Store take that place; a host that did not see the first form does not
// know its outcome.

// forms keeps the forms of the last minutes.
type forms struct {
	mu    sync.Mutex
	known map[string]*sentForm
	order []*sentForm // oldest first
}

// sentForm is a form that was sent.
type sentForm struct {
	key   string
	until time.Time
	ended chan struct{}

	// Set before ended is closed.
	done bool // it changed something and led to another page
	path string
	left *notice
}

const (
	formLife = time.Hour        // of marks
	formKept = 10 * time.Minute // of outcomes
	maxForms = 10_000
	maxOnce  = 64 // bytes
	// formTime bounds the work on a form whose browser left.
	formTime = time.Minute
)

// begin returns the form of a key, and whether the caller carries it out.
func (f *forms) begin(key string, now time.Time) (one *sentForm, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := 0
	for old < len(f.order) && (f.order[old].until.Before(now) || len(f.order)-old >= maxForms) {
		if known := f.order[old]; f.known[known.key] == known {
			delete(f.known, known.key)
		}
		old++
	}
	f.order = f.order[old:]
	if one = f.known[key]; one != nil {
		return one, false
	}
	one = &sentForm{key: key, until: now.Add(formKept), ended: make(chan struct{})}
	if f.known == nil {
		f.known = make(map[string]*sentForm)
	}
	f.known[key] = one
	f.order = append(f.order, one)
	return one, true
}

// end closes a form for all who wait for it. A form that changed nothing may be sent again.
func (f *forms) end(one *sentForm, v *visit, err error) {
	f.mu.Lock()
	if one.done = err == nil && v.moved; one.done {
		one.path, one.left = v.sent, v.left
	} else if f.known[one.key] == one {
		delete(f.known, one.key)
	}
	f.mu.Unlock()
	close(one.ended)
}

// once carries out a form that was not carried out before.
func (v *visit) once(post func(*visit) error) error {
	var stop context.CancelFunc
	asked := v.ctx
	v.ctx, stop = context.WithTimeout(context.WithoutCancel(v.ctx), formTime)
	defer stop()
	nonce := v.r.PostForm.Get("once")
	if nonce == "" || len(nonce) > maxOnce {
		return post(v)
	}
	key := v.formKey()
	for {
		one, first := v.forms.begin(key, v.now)
		if first {
			return v.carryOut(one, post)
		}
		select {
		case <-one.ended:
		case <-asked.Done():
			return asked.Err()
		}
		if one.done {
			if one.left != nil {
				v.leaveNotice(*one.left)
			}
			return v.see(one.path)
		}
	}
}

func (v *visit) carryOut(one *sentForm, post func(*visit) error) (err error) {
	defer func() { v.forms.end(one, v, err) }()
	mark := "settings form " + one.key
	if v.marks != nil {
		first, err := v.marks.Mark(v.ctx, v.scope, mark, v.now, v.now.Add(formLife))
		switch {
		case err != nil: // without marks the form is carried out all the same
			v.o.Logger.WarnContext(v.ctx, "settings: a form could not be marked", "error", err)
		case !first:
			v.leaveNotice(notice{Kind: noticeRepeated})
			return v.see("")
		}
	}
	if err = post(v); v.marks != nil && !v.moved {
		if err := v.marks.Unmark(v.ctx, v.scope, mark); err != nil {
			v.o.Logger.WarnContext(v.ctx, "settings: the mark of a form could not be removed", "error", err)
		}
	}
	return err
}

// formKey identifies a form by its scope, path and content.
func (v *visit) formKey() string {
	h := sha256.New()
	for _, part := range []string{v.scope, v.r.URL.Path, v.r.PostForm.Encode()} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}
