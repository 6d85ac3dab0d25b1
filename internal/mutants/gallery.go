package main

import "slices"

// gallery lists the planted bugs. Each is one that somebody could write, or that was met
// in software of this kind.
<<<<<<< HEAD
var gallery = slices.Concat(engineBugs, schedulerBugs, credentialBugs, spellingBugs, registrationBugs, wireBugs)

// engineBugs are in queues, leases, tries, breakers and limits, and in what they lean on.
var engineBugs = []mutation{
	{"a try is counted when it is claimed", "webhook/memstore/claim.go",
		"r.held, r.due, r.lease = true, t.until, number", "r.held, r.due, r.lease = true, t.until, number\n\tr.tries++",
		"./webhook/memstore -run TestConformance"},
	{"an interruption is not counted", "webhook/memstore/claim.go",
		"r.interrupted++", "r.interrupted += 0",
		"./webhook -run TestInterruptedTenTimes"},
	{"a repeated claim takes what it has already", "webhook/memstore/claim.go",
		"r.lease != lease || r.due <= now", "r.lease < lease || r.due <= now",
		"./webhook/memstore -run TestConformance"},
	{"ten interruptions do not end a delivery", "webhook/lease.go",
		"case dl.Interrupted >= maxInterrupted:", "case dl.Interrupted >= 10*maxInterrupted:",
		"./webhook -run TestInterruptedTenTimes"},
	{"a webhook of another tenant is used", "webhook/lease.go",
		"hook := hooks[webhookKey{dl.Scope, dl.WebhookID}]", "hook := hooks[webhookKey{b.Webhooks[0].Scope, dl.WebhookID}]",
		"./webhook -run TestForeignWebhook"},
	{"what a stop cuts off counts as a try", "webhook/attempt.go",
		"if ctx.Err() != nil && a.Status == 0 {", "if false {",
		"./webhook -run TestDrainCutsOff"},
	{"a stop does not wait for requests in flight", "webhook/run.go",
		"limit := time.NewTimer(d.o.Drain)", "limit := time.NewTimer(0)",
		"./webhook -run TestDrainFinishes"},
	{"a claim whose answer is lost is made with another number", "webhook/lease.go",
		"if !c.Repeat {", "if true {",
		"./webhook -run TestLostClaim"},
	{"an Enqueue without an answer counts as not stored", "webhook/handoff.go",
		"		return scheduler.StoredUnknown", "		return scheduler.NotStored",
		"./webhook -run TestLostEnqueue"},
	{"a lease that comes back is due now, not when it was", "webhook/finish.go",
		"State: StatePending, Due: j.Due}", "State: StatePending, Due: d.now()}",
		"./webhook -run TestGivenBackInItsPlace"},
	{"a sealed webhook ends what waits for it", "webhook/lease.go",
		"			e.Sealed = append(e.Sealed, &j.Job)", "			j.ends(CodeConfig, c.Now)\n			e.Ended = append(e.Ended, &j.Job)",
		"./webhook -run TestSealedWaits"},
	{"the end of what a sweep found is not told", "webhook/finish.go",
		"	for _, dl := range swept {\n		d.ended(ctx, dl, nil)\n	}\n", "	_ = swept\n",
		"./webhook -run TestEveryEndIsTold"},
	{"a panic of the scheduler is hidden", "webhook/engine.go",
		"			close(g.breaks)\n", "",
		"./webhook -run TestBrokenScheduler"},
	{"Dispatch waits for the Store for ever", "webhook/dispatch.go",
		"	case <-ctx.Done():\n		return Receipt{}, fmt.Errorf(\"webhook: dispatch: %w: %w\", ErrUnknown", "	case <-make(chan int):\n		return Receipt{}, fmt.Errorf(\"webhook: dispatch: %w: %w\", ErrUnknown",
		"./webhook -run TestDispatchTimeout"},
=======
var gallery = []mutation{
>>>>>>> proof
	{"a lease is not checked when an outcome is stored", "webhook/memstore/settle.go",
		"current := x.Lease == r.lease && (r.held || !pending)", "current := true",
		"./webhook/memstore -run TestConformance"},
	{"a repeated settlement is recorded again", "webhook/memstore/settle.go",
		"if r.repeats(x) {", "if false && r.repeats(x) {",
<<<<<<< HEAD
		"./internal/sim -run TestSimulation"},
=======
		"./webhook/memstore -run TestConformance"},
	{"a try is counted when it is claimed", "webhook/memstore/claim.go",
		"r.held, r.due, r.lease = true, t.until, number", "r.held, r.due, r.lease = true, t.until, number\n\tr.tries++",
		"./webhook/memstore -run TestConformance"},
	{"an interruption is not counted", "webhook/memstore/claim.go",
		"r.interrupted++", "r.interrupted += 0",
		"./webhook -run TestInterruptedTenTimes"},
>>>>>>> proof
	{"jitter undercuts Retry-After", "retry/next.go",
		"wait = max(wait, min(f.After, p.MaxAfter))", "wait = min(max(wait, min(f.After, p.MaxAfter)), p.Slots[made].Max)",
		"./retry -run TestRetryAfter"},
	{"one retry too many", "retry/next.go",
		"if made >= len(p.Slots) {", "if made > 0 && made-1 >= len(p.Slots) {",
		"./retry"},
	{"jira's last retry may be late", "retry/next.go",
		"	case wait <= latest:\n", "	case wait <= 2*latest:\n",
		"./retry -run TestJiraWindow"},
	{"a limiter key admits one too many", "limiter/key.go",
		"return max(0, n-k.inUse)", "return max(0, n+1-k.inUse)",
		"./limiter"},
	{"a pause does not keep anybody out", "limiter/room.go",
		"k := l.key(key); until.After(k.paused)", "k := l.key(key); false",
		"./limiter -run TestPause"},
	{"a grant keeps what was not entered", "limiter/grant.go",
		"		l.total.Release(int64(unused))", "		_ = unused",
		"./limiter -run TestGrantClose"},
<<<<<<< HEAD
	{"the address guard is not asked", "webhook/internal/transport/guard.go",
		"return g.allow.Control(ctx, network, address, c)", "return nil",
=======
	{"the address guard is not asked", "webhook/transport.go",
		"err := g.allow.Control(ctx, network, address, c)", "var err error",
>>>>>>> proof
		"./webhook -run TestGuardRebinding"},
	{"a URL is not judged again before it is sent", "webhook/target.go",
		"return checkTarget(profile.Allow.CheckURL(raw))", "return raw, nil",
		"./webhook"},
	{"private addresses of one block are public", "allowlist/addr.go",
		`"192.168.0.0/16"`, `"192.168.0.0/17"`,
		"./allowlist"},
	{"snippets are not cleaned", "webhook/snippet.go",
		"return cleanSnippet(string(buf[:n]), secrets, err == nil)", "_ = secrets\n\treturn string(buf[:n])",
		"./webhook -run TestCanary|FuzzSnippet"},
	{"a signature is accepted at any time", "webhook/sign/standard_verify.go",
		"if time.Unix(unix, 0).Before(now.Add(-tolerance)) {", "if time.Unix(unix, 0).Before(now.Add(-2 * tolerance)) {",
		"./webhook/sign -run TestVerifyStandardTolerance"},
<<<<<<< HEAD
=======
	{"what is queued for a deleted webhook never ends", "webhook/memstore/sweep.go",
		"case w.gone && !r.lane.t.exists:", "case false:",
		"./webhook/memstore -run TestConformance"},
>>>>>>> proof
}
