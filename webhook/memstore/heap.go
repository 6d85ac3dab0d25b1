package memstore

// order compares the elements of a heap, and stores in an element its index.
// Implementations are empty structs.
type order[T any] interface {
	less(a, b T) bool
	place(t T, at int32)
}

// heap is a binary heap whose elements know their index, so that any of them can be
// moved or removed. The standard container/heap does the same through an
// interface call for every step, which costs a claim about twice as much.
type heap[T any, O order[T]] struct{ items []T }

func (h *heap[T, O]) len() int { return len(h.items) }

// top is the smallest element; the heap must not be empty.
func (h *heap[T, O]) top() T { return h.items[0] }

func (h *heap[T, O]) push(t T) {
	h.items = append(h.items, t)
	h.up(len(h.items) - 1)
}

// remove takes out the element at an index.
func (h *heap[T, O]) remove(at int32) {
	var o O
	var none T
	last := len(h.items) - 1
	o.place(h.items[at], -1)
	h.items[at], h.items[last] = h.items[last], none
	h.items = h.items[:last]
	if int(at) < last {
		h.fix(at)
	}
	if cap(h.items) > 64 && len(h.items) < cap(h.items)/4 {
		h.items = append(make([]T, 0, cap(h.items)/2), h.items...)
	}
}

// fix restores the order after the element at an index has changed.
func (h *heap[T, O]) fix(at int32) {
	if !h.down(int(at)) {
		h.up(int(at))
	}
}

func (h *heap[T, O]) up(i int) {
	var o O
	t := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !o.less(t, h.items[parent]) {
			break
		}
		h.items[i] = h.items[parent]
		o.place(h.items[i], int32(i))
		i = parent
	}
	h.items[i] = t
	o.place(t, int32(i))
}

// down reports whether the element moved.
func (h *heap[T, O]) down(start int) bool {
	var o O
	i, t := start, h.items[start]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if right := child + 1; right < len(h.items) && o.less(h.items[right], h.items[child]) {
			child = right
		}
		if !o.less(h.items[child], t) {
			break
		}
		h.items[i] = h.items[child]
		o.place(h.items[i], int32(i))
		i = child
	}
	h.items[i] = t
	o.place(t, int32(i))
	return i > start
}
