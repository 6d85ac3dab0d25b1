package inspector

import (
	"fmt"
	"net/http"
	"time"
)

// Texts are the words of the pages. Take [English], replace texts, and return it from
// Options.Texts. Everything is plain text and escaped where it is shown. Functions that are nil are
// those of [English].
type Texts struct {
	// Lang is the language of the pages, as in HTML's lang attribute; Dir is "ltr" or "rtl".
	Lang, Dir string
	// Location is the time zone of the times; nil means UTC.
	Location *time.Location

	Title, Skip, Crumbs, AllRequests, Clear string
	// Receives, Programs and Connect each stand in front of an address.
	Receives, Programs, Connect string

	// How to answer, and samples.
	AnswersTitle, Now, Status, Delay, RetryAfter, Count, SetAnswer, CountHint string
	Scripted                                                                  func(n int) string
	SamplesTitle, Event, SendSample, SampleHint                               string

	// The requests.
	Requests, Number, Time, Signature, Repeat, Answer, Unknown, First, OtherBody string
	Verified, Rejected, Unchecked                                                string
	Request                                                                      func(n int) string
	Retry                                                                        func(n int) string
	Copy                                                                         func(n int) string // earlier requests had the same identifier
	Size                                                                         func(bytes int64) string
	After                                                                        func(time.Duration) string
	More                                                                         func(n int) string // requests that the list leaves out
	Nothing                                                                      string
	LiveOn, LiveOff, LiveBroken                                                  string

	// One request.
	Arrived, Target, Identifier, None, Body, Empty, Headers, Name, Value, Hidden string
	Shown                                                                        func(bytes int) string // of a long body
	MoreHeaders                                                                  func(n int) string

	// Errors.
	ProblemTitle, NoPage, Gone, BadMethod, CrossSite, BadForm, BadNumbers, BadAnswer, NoSample string
}

// English returns the texts in English.
func English() Texts {
	count := func(format string) func(int) string { return func(n int) string { return fmt.Sprintf(format, n) } }
	return Texts{
		Lang: "en", Dir: "ltr", Title: "Inspector", Skip: "Skip to content", Crumbs: "You are here", AllRequests: "All requests", Clear: "Clear",
		Receives: "Whatever is sent to this address and below appears here:", Programs: "For programs:", Connect: "For Connect:",
		AnswersTitle: "How to answer", Now: "Now", Status: "Status", Delay: "Delay, s", RetryAfter: "Retry-After, s", Count: "Requests",
		SetAnswer: "Set answer", CountHint: "0 requests means until it is changed.", Scripted: count("first %d scripted"),
		SamplesTitle: "Send a sample here", Event: "Event", SendSample: "Send sample", SampleHint: "It is signed with a secret of the inspector's own.",
		Requests: "Requests", Number: "No.", Time: "Time", Signature: "Signature", Repeat: "Repeat", Answer: "Answer", Unknown: "unknown",
		First: "first", OtherBody: "other body than before", Verified: "verified", Rejected: "rejected", Unchecked: "not checked",
		Request: count("Request %d"), Retry: count("retry %d"), Copy: count("same identifier for the %d. time"),
		Size:  func(bytes int64) string { return fmt.Sprintf("%d bytes", bytes) },
		After: func(d time.Duration) string { return "after " + d.String() },
		More:  count("%d older requests are in requests.json."), Nothing: "Nothing has arrived yet. Send a webhook, or a sample.",
		LiveOn: "Pause updates", LiveOff: "Resume updates", LiveBroken: "Updates have stopped. Reload the page to try again.",
		Arrived: "Arrived", Target: "Request", Identifier: "Identifier", None: "none", Body: "Body", Empty: "It is empty.", Headers: "Headers",
		Name: "Name", Value: "Value", Hidden: "Known secrets are hidden.", Shown: count("The first %d bytes are shown."),
		MoreHeaders: count("%d more values were not kept."), ProblemTitle: "This did not work",
		NoPage: "There is no such page. Webhooks are received below in/.", Gone: "This request is not kept any more.",
		BadMethod:  "Webhooks are received below in/ only.",
		CrossSite:  "The request came from another website and was refused. Nothing has changed.",
		BadForm:    "The form could not be read. Nothing has changed.",
		BadNumbers: "Enter whole numbers: a status from 200 to 599, seconds, and up to 1,000 requests. Nothing has changed.",
		BadAnswer:  "This answer is not possible: a status is 200 to 599, a delay up to 600 seconds, Retry-After up to 86,400. Nothing has changed.",
		NoSample:   "There is no sample of this event type.",
	}
}

// textsOf returns the texts for a request.
func (in *Inspector) textsOf(r *http.Request) *Texts {
	english := English()
	if in.o.Texts == nil {
		return &english
	}
	given := in.o.Texts(r)
	if given == nil {
		return &english
	}
	t := *given
	for _, f := range []struct{ to, from *func(int) string }{
		{&t.Scripted, &english.Scripted}, {&t.Request, &english.Request}, {&t.Retry, &english.Retry}, {&t.Copy, &english.Copy},
		{&t.More, &english.More}, {&t.Shown, &english.Shown}, {&t.MoreHeaders, &english.MoreHeaders},
	} {
		if *f.to == nil {
			*f.to = *f.from
		}
	}
	if t.Size == nil {
		t.Size = english.Size
	}
	if t.After == nil {
		t.After = english.After
	}
	return &t
}

// Clock is a time of day as the list shows it.
func (t *Texts) Clock(at time.Time) string { return t.zoned(at).Format("15:04:05.000") }

// Date is a time in full.
func (t *Texts) Date(at time.Time) string { return t.zoned(at).Format("2 Jan 2006, 15:04:05.000 MST") }

func (t *Texts) zoned(at time.Time) time.Time {
	if t.Location == nil {
		return at.UTC()
	}
	return at.In(t.Location)
}

// Verdict is a verdict in words.
func (t *Texts) Verdict(v Verdict) string {
	return map[Verdict]string{Verified: t.Verified, Rejected: t.Rejected, Unchecked: t.Unchecked}[v]
}
