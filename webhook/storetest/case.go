package storetest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// testCase is one rule and the function that tests it.
type testCase struct {
	name string // group/rule
	rule string
	test func(*env)
}

// run tests one Store and returns the findings. Each case has its own day.
func (tc testCase) run(s webhook.Store, c config, day int) []string {
	ctx, cancel := context.WithTimeout(context.Background(), c.limit)
	defer cancel()
	e := newEnv(ctx, s, c, day)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer e.recovered()
		tc.test(e)
	}()
	// A Store may ignore its context. Then run returns at the time limit, without waiting for the case
	// and without its later findings.
	deadline := time.NewTimer(c.limit + c.limit/10)
	defer deadline.Stop()
	select {
	case <-ended:
		e.cleanUp()
	case <-deadline.C:
		e.errorf("the Store did not answer within %v", c.limit)
	}
	e.mu.Lock()
	found := e.failures
	e.mu.Unlock()
	var failures []string
	for _, f := range found {
		failures = append(failures, fmt.Sprintf("storetest: %s: %s: %s", tc.name, tc.rule, e.labelled(f)))
	}
	return failures
}

// maxFailures bounds the reported findings of one case.
const maxFailures = 10

// errorf reports a finding, and the case continues. It is safe for concurrent use.
func (e *env) errorf(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.failures) < maxFailures {
		e.failures = append(e.failures, fmt.Sprintf(format, args...))
	}
}

// fatalf reports a finding and ends the case; only the case's goroutine may call it.
func (e *env) fatalf(format string, args ...any) {
	e.errorf(format, args...)
	runtime.Goexit()
}

// recovered turns a panic of the Store into a finding.
func (e *env) recovered() {
	if p := recover(); p != nil {
		e.errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// ok ends the case when err is not nil.
func (e *env) ok(err error, op string) {
	if err != nil {
		e.fatalf("%s: unexpected error: %v", op, err)
	}
}

// parallel runs n concurrent calls of f and waits for them. f must not end the case.
func (e *env) parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			defer e.recovered()
			f(i)
		})
	}
	wg.Wait()
}
