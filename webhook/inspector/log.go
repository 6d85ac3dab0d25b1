package inspector

import "bytes"

// keep stores a request, lets the oldest go, and returns it with its number and what is
// known of its like.
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
		in.kept[0] = Request{} // the array behind it lives on
		in.kept = in.kept[1:]
	}
	return r
}

// Requests returns those that are kept, oldest first.
func (in *Inspector) Requests() []Request { return in.after(0) }

// after returns the kept requests with a number above n.
func (in *Inspector) after(n int) []Request {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := make([]Request, 0, len(in.kept))
	for _, r := range in.kept {
		if r.N > n {
			out = append(out, r.clone())
		}
	}
	return out
}

// Clear forgets all requests. Numbers go on.
func (in *Inspector) Clear() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.kept, in.weight = nil, 0
}
