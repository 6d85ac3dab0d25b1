package main

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostproc"
)

func TestMain(m *testing.M) {
	hostproc.Main() // this program is also the host
	os.Exit(m.Run())
}

// TestProcessMatrix tests the faults of processes, of the Store and of the clock for every profile,
// on SQLite, with processes that are really killed. Each subtest is a profile, and each of its
// subtests a row.
func TestProcessMatrix(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, 6) // lives mostly wait for each other's processes
	var all sync.WaitGroup
	for i, profile := range hostproc.Profiles() {
		all.Go(func() {
			t.Run(profile, func(t *testing.T) {
				w := &world{dir: t.TempDir(), profile: profile, books: newBooks([]string{sqlite}), hurry: true, slots: slots}
				w.play(t.Context(), []string{sqlite}, 1, uint64(i))
				for _, r := range rules {
					what, _, _ := strings.Cut(r.text, ":")
					t.Run(r.name+" "+what, func(t *testing.T) { w.books.check(t, r.name) })
				}
				w.books.check(t, "")
			})
		})
	}
	all.Wait()
}

// check fails the test of a row that was not tested, or did not hold.
func (b *books) check(t *testing.T, rule string) {
	if rule != "" && b.done[[2]string{rule, sqlite}] == 0 {
		if rule == "P11" && !canFill {
			if os.Getenv("CI") != "" {
				t.Fatal("CI must be able to fill a disk")
			}
			t.Skip("SKIPPED, nothing was tested: the disk cannot be filled on this system")
		}
		t.Error("the row was not put to the test")
	}
	for _, delay := range b.delays {
		if r, what, _ := strings.Cut(delay, " "); r == rule {
			t.Log("late:", what)
		}
	}
	for _, fault := range b.faults {
		if r, what, _ := strings.Cut(fault, " "); r == rule {
			t.Error(what)
		}
	}
}
