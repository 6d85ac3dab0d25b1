package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/limiter"
)

// Two slots in total, and one for each webhook.
func Example() {
	l, err := limiter.New(&limiter.Options{Total: 2, PerKey: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	grant, err := l.Reserve(context.Background(), 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer grant.Close()
	fmt.Println("granted:", grant.N())

	leave, ok := grant.Enter("webhook-1")
	fmt.Println("first of webhook-1:", ok)
	_, ok = grant.Enter("webhook-1")
	fmt.Println("second of webhook-1:", ok)

	leave()
	_, ok = grant.Enter("webhook-1")
	fmt.Println("after the first has left:", ok)
	// Output:
	// granted: 2
	// first of webhook-1: true
	// second of webhook-1: false
	// after the first has left: true
}

// A deferred leave frees the slot also when the work panics.
func ExampleGrant_Enter() {
	l, err := limiter.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func() (err error) {
		grant, err := l.Reserve(context.Background(), 1)
		if err != nil {
			return err
		}
		defer grant.Close()
		leave, ok := grant.Enter("webhook-1", "tenant-7")
		if !ok {
			return errors.New("busy")
		}
		defer func() {
			leave()
			if r := recover(); r != nil {
				err = fmt.Errorf("send: %v", r)
			}
		}()
		panic("unexpected")
	}
	fmt.Println(send())
	fmt.Println("in flight:", l.InFlight())
	// Output:
	// send: unexpected
	// in flight: 0
}

// A receiver's Retry-After pauses its own key only.
func ExampleLimiter_Pause() {
	l, err := limiter.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	l.Pause("webhook-1", now.Add(time.Minute))

	room, next := l.Room(now)
	fmt.Println(room, next.Sub(now))
	room, next = l.Room(now.Add(time.Minute))
	fmt.Println(room, next.IsZero())
	// Output:
	// map[webhook-1:0] 1m0s
	// map[] true
}

// After an outage: one probe, then a few, then everything.
func ExampleLimiter_Cap() {
	l, err := limiter.New(&limiter.Options{PerKey: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range []int{1, 2, 4} {
		l.Cap("webhook-1", n)
		room, _ := l.Room(time.Now())
		fmt.Println(room)
	}
	// Output:
	// map[webhook-1:1]
	// map[webhook-1:2]
	// map[]
}

// A burst without a rate would limit nothing, so it is refused.
func ExampleNew_refused() {
	_, err := limiter.New(&limiter.Options{Burst: 10})
	fmt.Println(err)
	// Output:
	// limiter: invalid Options: Burst is 10 but Rate is 0: a burst limits nothing without a rate, set Rate or leave Burst out
}

// Before a queue takes work, it asks which keys have no room and when that changes.
func ExampleLimiter_Room() {
	l, err := limiter.New(&limiter.Options{PerKey: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	grant, err := l.Reserve(context.Background(), 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer grant.Close() // frees the slots that were not entered
	for _, key := range []string{"webhook-1", "webhook-1", "webhook-2"} {
		if _, ok := grant.Enter(key); !ok {
			fmt.Println(key, "is full")
		}
	}
	room, next := l.Room(time.Now())
	fmt.Println(room, next.IsZero())
	_, ok := grant.Enter("webhook-1")
	fmt.Println(ok)
	// Output:
	// map[webhook-1:0 webhook-2:1] true
	// false
}
