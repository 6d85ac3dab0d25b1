package webhook_test

import (
	"runtime"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// Rule: a delivery that takes long does not keep the memory of all that were claimed with it.
func TestJobsTogether(t *testing.T) {
	t.Parallel()
	jobs := webhook.JobsTogether(200)
	freed := make(chan struct{})
	runtime.AddCleanup(jobs[0], func(freed chan struct{}) { close(freed) }, freed)
	distinct := make(map[*webhook.Job]bool)
	for _, j := range jobs {
		distinct[j] = true
	}
	if len(distinct) != 200 {
		t.Fatalf("%d distinct jobs of 200", len(distinct))
	}
	last := jobs[199]
	clear(distinct)
	clear(jobs)
	for {
		runtime.GC()
		select {
		case <-freed:
			runtime.KeepAlive(last)
			return
		default:
			runtime.Gosched()
		}
	}
}
