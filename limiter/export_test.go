package limiter

// Keys returns how many keys the limiter remembers.
func (l *Limiter) Keys() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}

// Free returns how many slots of the total are not reserved.
func (l *Limiter) Free() (n int) {
	for l.total.TryAcquire(1) {
		n++
	}
	l.total.Release(int64(n))
	return n
}
