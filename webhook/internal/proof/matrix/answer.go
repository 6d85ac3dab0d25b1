package matrix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// answerRows are faults of the answer.
func answerRows() []row {
	rows := []row{
		{13, "reset after the request", []fault{
			{form: "reset", do: hostile.ResetBeforeHeaders(), want: again, code: webhook.CodeProtocol},
			{form: "close", do: hostile.CloseBeforeHeaders(), want: again, code: webhook.CodeProtocol},
		}},
		one(14, "hangs before headers", fault{do: hostile.HangBeforeHeaders(), want: again, code: webhook.CodeTimeout, hangs: true, bounded: true, set: headerBound}),
		one(15, "headers one byte at a time", fault{do: hostile.SlowHeaders(drip), want: again, code: webhook.CodeTimeout, hangs: true, bounded: true, set: headerBound}),
		{16, "headers above 64 KiB", []fault{
			{form: "complete", do: hostile.BigHeaders(80 << 10), want: again, code: webhook.CodeProtocol, heavy: true},
			{form: "endless", do: hostile.EndlessHeaders(), want: again, code: webhook.CodeProtocol, heavy: true},
		}},
	}
	var failed []fault
	for _, status := range []int{500, 503} {
		for _, b := range bodyFaults {
			if !b.slow || status == 500 {
				failed = append(failed, b.fault(status, again))
			}
		}
	}
	return append(rows,
		bodyRow(17, "reset in the body of a 200"),
		bodyRow(18, "slow body of a 200"),
		bodyRow(19, "endless body of a 200"),
		bodyRow(20, "gzip bomb with a 200"),
		bodyRow(21, "broken chunk in a 200"),
		row{22, "5xx with a fault of the body", failed},
		row{23, "informational answers before 200", []fault{
			{form: "100", do: hostile.Informational(100), want: accepted, status: 200},
			{form: "102", do: hostile.Informational(102), want: accepted, status: 200},
			{form: "103", do: hostile.Informational(103), want: accepted, status: 200},
			{form: "all", do: hostile.Informational(100, 102, 103, 103), want: accepted, status: 200},
		}},
		row{24, "endless informational answers", []fault{
			{form: "fast", do: hostile.EndlessInformational(0), want: again, code: webhook.CodeProtocol, heavy: true},
			{form: "slow", do: hostile.EndlessInformational(drip), want: again, code: webhook.CodeTimeout, hangs: true, bounded: true, set: headerBound},
		}},
		one(25, "101", fault{do: hostile.SwitchingProtocols(), want: refused, status: 101, check: endsSoon}),
		row{42, "malformed answers", malformed()},
		row{43, "answer before the body was read", []fault{
			{form: "200", do: hostile.EarlyAnswer(200), want: accepted, status: 200, set: bigBody},
			{form: "413", do: hostile.EarlyAnswer(413), want: refused, status: 413, set: bigBody},
			{form: "503", do: hostile.EarlyAnswer(503), want: again, status: 503, set: bigBody},
		}},
		row{44, "deadline of the attempt", []fault{
			{form: "in the handshake", do: hostile.HangHandshake(), want: again, code: webhook.CodeTimeout, reach: toConnection, hangs: true, set: deadline},
			{form: "before headers", do: hostile.HangBeforeHeaders(), want: again, code: webhook.CodeTimeout, hangs: true, set: deadline},
			{form: "in the body", do: hostile.HangBody(200), want: accepted, status: 200, hangs: true, set: deadline},
			{form: "of all webhooks", do: hostile.SlowHeaders(drip), want: again, code: webhook.CodeTimeout, hangs: true, set: func(s *scene) { s.opts.Timeout = 2 * s.bound }},
		}},
	)
}

// bodyFault is one of the rows 17 to 21, for any status: it comes after a complete header.
type bodyFault struct {
	row   int
	words string
	make  func(status int) hostile.Behavior
	heavy bool // see fault
	slow  bool // ended by the bound of the body
}

var bodyFaults = []bodyFault{
	{row: 17, words: "reset in the body", make: hostile.ResetMidBody},
	{row: 17, words: "cut body", make: hostile.CutBody},
	{row: 18, words: "slow body", make: func(status int) hostile.Behavior { return hostile.SlowBody(status, drip) }, slow: true},
	{row: 18, words: "hanging body", make: hostile.HangBody, slow: true},
	{row: 19, words: "endless body", make: hostile.EndlessBody, heavy: true},
	{row: 20, words: "gzip bomb", make: hostile.GzipBomb, heavy: true},
	{row: 21, words: "broken chunk", make: hostile.BrokenChunk},
}

func (b bodyFault) fault(status int, want verdict) fault {
	f := fault{form: fmt.Sprint(status, " ", b.words), do: b.make(status), want: want, status: status, heavy: b.heavy, hangs: b.slow, bounded: b.slow}
	if b.slow {
		f.set, f.check = func(s *scene) { s.bounds.Body = s.bound }, endsSoon
	}
	return f
}

// bodyRow collects the forms of a row of bodyFaults.
func bodyRow(number int, words string) row {
	r := row{number: number, words: words}
	for _, b := range bodyFaults {
		if b.row == number {
			r.faults = append(r.faults, b.fault(200, accepted))
		}
	}
	return r
}

func headerBound(s *scene) { s.bounds.Header = s.bound }

// deadline leaves time for the request to arrive.
func deadline(s *scene) {
	s.edit = func(w *webhook.Webhook) { w.Timeout = 2 * s.bound }
}

// bigBody is just below the bound of a profile's bodies.
func bigBody(s *scene) {
	s.event.Body = []byte(`{"text":"` + strings.Repeat("x", 90<<10) + `"}`)
}

// endsSoon: the attempt was ended by its own bound, or at once, not by the timeout.
func endsSoon(t *testing.T, _ webhook.Delivery, a webhook.Attempt) {
	t.Helper()
	if a.Duration >= timeout {
		t.Errorf("the attempt took %v", a.Duration)
	}
}

func malformed() (out []fault) {
	for _, b := range hostile.Malformed() {
		out = append(out, fault{form: tag(b.Name), do: b, want: again, code: webhook.CodeProtocol})
	}
	return out
}
