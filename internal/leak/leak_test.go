package leak_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/leak"
)

// Rule: a goroutine that does not end is found, with its stack.
func TestLeft(t *testing.T) {
	stop := make(chan struct{})
	go forgotten(stop)
	stacks := leak.Left()
	close(stop)
	if !strings.Contains(stacks, "forgotten") {
		t.Errorf("the goroutine was not found in:\n%s", stacks)
	}
}

func forgotten(stop chan struct{}) { <-stop }
