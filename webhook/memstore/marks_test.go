package memstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
)

func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{MaxMarks: 100})
	for i := range 100 {
		until := base.Add(time.Duration(1+i%2) * time.Hour)
		if first, err := s.Mark(t.Context(), "a", fmt.Sprint(i), base, until); err != nil || !first {
			t.Fatalf("Mark %d: %t, %v", i, first, err)
		}
	}
	if _, err := s.Mark(t.Context(), "a", "one more", base, base.Add(time.Hour)); !errors.Is(err, webhook.ErrFull) {
		t.Fatalf("Mark beyond MaxMarks: error %v, want ErrFull", err)
	}
	now := base.Add(time.Hour)
	for i := range 50 { // expired marks have made space
		if first, err := s.Mark(t.Context(), "b", fmt.Sprint(i), now, base.Add(3*time.Hour)); err != nil || !first {
			t.Fatalf("Mark %d after half of them expired: %t, %v", i, first, err)
		}
	}
	if _, err := s.Mark(t.Context(), "b", "one more", now, base.Add(3*time.Hour)); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("Mark beyond MaxMarks: error %v, want ErrFull", err)
	}
}

// TestFullMarksCost: a Mark that is refused costs about the same however many marks the Store holds.
func TestFullMarksCost(t *testing.T) {
	t.Parallel()
	refused := func(most int) (fastest time.Duration) {
		s := open(t, &memstore.Options{MaxMarks: most})
		for i := range most {
			if _, err := s.Mark(t.Context(), fmt.Sprint(i%8), fmt.Sprint(i), base, base.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		fastest = time.Hour
		for range 10 {
			began := time.Now()
			for range 200 {
				if _, err := s.Mark(t.Context(), "0", "one more", base, base.Add(time.Hour)); !errors.Is(err, webhook.ErrFull) {
					t.Fatalf("Mark beyond MaxMarks: error %v, want ErrFull", err)
				}
			}
			fastest = min(fastest, time.Since(began))
		}
		return fastest
	}
	few, many := refused(1000), refused(100_000)
	if limit := 8*few + 50*time.Millisecond; many > limit { // a scan of all takes some hundred times as long
		t.Errorf("200 marks were refused in %v among 1,000 and in %v among 100,000, want less than %v", few, many, limit)
	}
}

func TestDeleteScopeFreesMarks(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{MaxMarks: 1})
	for i := range 3 {
		scope := fmt.Sprint(i)
		if first, err := s.Mark(t.Context(), scope, "key", base, base.AddDate(100, 0, 0)); err != nil || !first {
			t.Fatalf("Mark in scope %d: %t, %v", i, first, err)
		}
		if err := s.DeleteScope(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
	}
}

// TestShareOfMarks: one scope sets no more than its share of the marks.
func TestShareOfMarks(t *testing.T) {
	t.Parallel()
	s := open(t, &memstore.Options{MaxMarks: 2000})
	for i := range 1000 {
		if first, err := s.Mark(t.Context(), "greedy", fmt.Sprint(i), base, base.Add(time.Hour)); err != nil || !first {
			t.Fatalf("Mark %d: %t, %v", i, first, err)
		}
	}
	if _, err := s.Mark(t.Context(), "greedy", "more", base, base.Add(time.Hour)); !errors.Is(err, webhook.ErrFull) {
		t.Errorf("one more than the share: error %v, want ErrFull", err)
	}
	if first, err := s.Mark(t.Context(), "other", "key", base, base.Add(time.Hour)); err != nil || !first {
		t.Errorf("a mark of another scope: %t, %v", first, err)
	}
	if first, err := s.Mark(t.Context(), "greedy", "more", base.Add(time.Hour), base.Add(2*time.Hour)); err != nil || !first {
		t.Errorf("a mark when the others have expired: %t, %v", first, err)
	}
}
