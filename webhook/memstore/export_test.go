package memstore

import "fmt"

// Leftovers names the fields that are not empty in a Store that should be empty.
func (s *Store) Leftovers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for what, n := range map[string]int64{
		"scopes": int64(len(s.scopes)), "hooks": int64(len(s.hooks)), "targets": int64(len(s.targets)), "rows": int64(len(s.rows)),
		"lanes": int64(len(s.lanes)), "health": int64(len(s.health)), "due": int64(s.due.len()), "walk": int64(len(s.walk.lanes)),
		"done": int64(s.done.len()), "pending": int64(s.pending), "ended": int64(s.ended), "bytes": s.bytes,
		"pendingBytes": s.pendingBytes, "marks": int64(s.marks.len()),
	} {
		if n != 0 {
			left = append(left, fmt.Sprintf("%s %d", what, n))
		}
	}
	return left
}

// Sizes returns how many deliveries are pending and ended, and their bytes.
func (s *Store) Sizes() (pending, ended int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending, s.ended, s.bytes
}

// LogLen returns the length of a scope's log, with removed deliveries.
func (s *Store) LogLen(scope string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.scopes[scope].log)
}

// Walk identifies the lanes that are kept for the next page of Due.
func (s *Store) Walk() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &s.walk.lanes[0]
}
