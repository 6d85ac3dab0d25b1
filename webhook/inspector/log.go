package inspector

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// keep stores a request, drops the oldest, and returns the request with its number and its repeats.
func (in *Inspector) keep(r Request) Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.last++
	r.N, r.Copy = in.last, 1
	for i := len(in.kept) - 1; i >= 0 && r.ID != ""; i-- {
		if before := &in.kept[i]; before.ID == r.ID && before.Target == r.Target {
			r.Copy = before.Copy + 1
			r.Changed = !bytes.Equal(before.Body, r.Body) || before.Size != r.Size
			break
		}
	}
	if r.Retry == 0 {
		r.Retry = r.Copy - 1
	}
	r.Answer = in.next()
	in.kept = append(in.kept, r)
	in.weight += r.weight()
	for len(in.kept) > 1 && (len(in.kept) > in.o.Keep || in.weight > in.o.KeepBytes) {
		in.weight -= in.kept[0].weight()
		in.kept[0] = Request{} // frees its memory while the array lives on
		in.kept = in.kept[1:]
	}
	return r
}

// Requests returns the kept requests, oldest first.
func (in *Inspector) Requests() []Request {
	all, _ := in.after(0, math.MaxInt, math.MaxInt)
	return all
}

// after returns the kept requests with a number above n: at most most of them, with at most weight
// bytes together, but always the first. more reports whether there are others.
func (in *Inspector) after(n, most, weight int) (out []Request, more bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	out = []Request{}
	for i := range in.kept {
		r := &in.kept[i]
		if r.N <= n {
			continue
		}
		weight -= r.weight()
		if len(out) == most || weight < 0 && len(out) > 0 {
			return out, true
		}
		out = append(out, r.clone())
	}
	return out, false
}

// latest returns up to most kept requests, newest first, and the number of others.
func (in *Inspector) latest(most int) (out []Request, others int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := len(in.kept) - 1; i >= 0 && len(out) < most; i-- {
		out = append(out, in.kept[i].clone())
	}
	return out, len(in.kept) - len(out)
}

// request returns a kept request.
func (in *Inspector) request(n int) (Request, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	i, ok := slices.BinarySearchFunc(in.kept, n, func(r Request, n int) int { return cmp.Compare(r.N, n) })
	if !ok {
		return Request{}, false
	}
	return in.kept[i].clone(), true
}

// Clear forgets all requests. Numbers go on.
func (in *Inspector) Clear() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.kept, in.weight = nil, 0
}
