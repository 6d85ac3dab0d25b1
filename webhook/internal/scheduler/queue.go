package scheduler

// queue is a first-in, first-out ring buffer. The zero value is empty.
type queue[T any] struct {
	buf  []T // of a length that is a power of two
	head int
	n    int
}

func (q *queue[T]) len() int { return q.n }

func (q *queue[T]) push(v T) {
	if q.n == len(q.buf) {
		grown := make([]T, max(4, 2*len(q.buf)))
		for i := range q.n {
			grown[i] = q.at(i)
		}
		q.buf, q.head = grown, 0
	}
	q.buf[q.index(q.n)] = v
	q.n++
}

// at returns the i-th element from the front.
func (q *queue[T]) at(i int) T { return q.buf[q.index(i)] }

func (q *queue[T]) index(i int) int { return (q.head + i) & (len(q.buf) - 1) }

// pop removes the front. The queue must not be empty.
func (q *queue[T]) pop() T {
	var none T
	v := q.at(0)
	q.buf[q.head] = none // so that the buffer does not keep the element alive
	q.head = q.index(1)
	q.n--
	return v
}

// drop removes the elements for which gone reports true and keeps the order of the others.
func (q *queue[T]) drop(gone func(T) bool) {
	for range q.n {
		if v := q.pop(); !gone(v) {
			q.push(v)
		}
	}
}
