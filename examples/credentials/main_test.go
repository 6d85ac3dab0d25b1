package main

import "testing"

// Rule: in every scene each event is accepted once, and a scene that does not exist is refused.
func TestScenes(t *testing.T) {
	t.Parallel()
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if err := run([]string{s.name}); err != nil {
				t.Error(err)
			}
		})
	}
	if err := run([]string{"none"}); err == nil {
		t.Error("a scene that does not exist was played")
	}
}
