package settings

import (
	"reflect"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Texts are all words of the page. Take [English] or [Automation], replace texts, and return it
// from Options.Texts. An empty text is left out of the page, a hint with its place. Everything is
// plain text and escaped where it is shown. Functions make sentences with numbers and names, so
// that each language can put them in its own order. Nil functions and missing entries of maps are
// filled in from the default.
type Texts struct {
	// Lang is the language of the page, as in HTML's lang attribute; Dir is "ltr" or "rtl".
	Lang, Dir string
	// Location is the time zone of the times; nil means Options.Location.
	Location *time.Location

	// Triggers are the names of event types and when they fire. A type that is not listed is shown
	// as the Profile's catalogue describes it, or by its name.
	Triggers map[string]Trigger
	// Health, States, Codes and the answers to "why not yet" by their constants.
	Health map[webhook.HealthStatus]string
	States map[webhook.State]string
	Codes  map[webhook.Code]string
	// Detail says more than a code about an attempt.
	Detail func(webhook.Detail) string
	// Reason says why a delivery waits.
	Reason func(webhook.Reason) string
	// Field says what is wrong with a field of the form.
	Field func(webhook.FieldError) string

	// The list.
	ListTitle, Intro, Skip, ReadOnlyHint             string
	AddButton, Empty, EmptyHint                      string
	Find, FindButton, NoneFound                      string                       // for a list of many webhooks
	Used                                             func(used, limit int) string // limit 0: none
	Full                                             func(limit int) string
	SendsTo, LastDelivery, NoDelivery, TriggersLabel string
	HealthLabel, ActiveLabel, On, Off, NotUsed       string
	Edit, Test, Delete, Deliveries                   string
	FailingSince                                     func(failures int, since string) string
	HeldUntil                                        func(until string) string
	Switch                                           func(name string, on bool) string // the effect of a press
	ActOn                                            func(action, name string) string  // "Edit", "Ops": a button's full name
	Confirm, ConfirmRevoke, ConfirmReplace           func(name string) string          // questions before something is lost
	ConfirmWaiting                                   func(n string) string             // what a deleted webhook loses
	ConfirmHint, ConfirmRevokeHint                   string
	ConfirmReplaceHint, Cancel                       string
	FirstWebhooks, MoreWebhooks                      string // links of a long list

	// The outcome of a form, shown on the next page.
	Added, Saved, SwitchedOn, SwitchedOff, Deleted func(name string) string
	Redelivered, Cancelled, AlreadyGone, Repeated  string
	RedeliveredBut                                 func(reason string) string
	TestAccepted                                   func(name string, status int, took time.Duration) string
	TestRefused                                    func(name, outcome string, took time.Duration) string
	TestProof, AnswerLabel                         string
	Resent                                         func(n int) string

	// Pages of their own.
	Back, Crumbs, ProblemTitle                                                   string
	NoAccess, NoPage, BadMethod, CrossSite                                       string
	ReadOnlyRefused, TooLarge, BadForm                                           string
	Gone, Held, NoHistory, Broken, TestFailed                                    string
	SignInTitle, SignInHint, SignInLink, SignInAgain, SignInLost                 string
	Conflict, ConflictField, Yours, Theirs, OtherURL, SecretKept, SecretReplaced string

	// A webhook that Postrider switched off, one that is held back, and sending again.
	DisabledBecause                                               func(reason string) string
	OffTitle, SwitchOn, TryNow, TryHint                           string
	OffSince                                                      func(since string) string
	Missed                                                        func(failed, waiting string) string
	AtLeast                                                       func(n int) string // "over 100"
	ResendTitle, ResendHint, ResendSince, ResendRate, ResendCount string
	Resend, ResendNone                                            string
	ResendWill                                                    func(n string, since string) string
	PerSecond                                                     func(n int) string

	// How the attempts went.
	ChartTitle, NoAttempts string
	Last                   func(hours int) string
	Success                func(accepted, failed int64) string
	Latency                func(mean, slowest time.Duration) string

	// The form.
	AddTitle                                     string
	EditTitle                                    func(name string) string
	FieldName, FieldURL, FieldSecret, FieldNotes string
	FieldTriggers, FieldActive                   string
	NameHint, URLHint, SecretHint, NotesHint     string
	TriggersHint, ActiveHint, Optional           string
	Example                                      string                     // of a body
	Family                                       func(prefix string) string // the types that a wildcard covers
	KeepURL                                      func(host string) string
	KeepSecret, EnterAgain                       string
	FieldHeader                                  func(name string) string
	KeepHeader                                   string
	AuthTitle, AuthHint, FieldScheme             string
	AuthSchemes                                  map[webhook.AuthScheme]string
	FieldUsername, FieldAuthSecret, KeepAuth     string
	FieldTokenURL, FieldClientID, FieldScopes    string
	FieldAudience, FieldResource                 string
	FieldClientAuth                              string
	ClientAuths                                  map[webhook.ClientAuth]string
	TLSTitle, TLSHint                            string
	FieldCertificate, FieldKey, FieldRootCAs     string
	KeepKey, CertificateSubject                  string
	CertificateIssuer, CertificateEnd            string
	FieldOrder, OrderHint, FieldWait, WaitHint   string
	Orders                                       map[string]Choice // by "", "skip", "block", "hold" and "latest"
	Save, Mistakes                               string
	HowToTitle                                   string
	HowTo                                        []string
	HowToNote                                    string

	// The client certificate.
	CertificateNone, CertificateSoon                          string
	CertificateRequest, CertificateRequestHint                string
	CertificateMake, CertificateMakeHint, CertificateDownload string
	CertificateEnter, CertificateEnterHint                    string
	CertificateOf, CertificateSet                             func(name string) string

	// The secrets.
	SecretsTitle, SecretEnds, SecretNoEnd, SecretUnknown string
	SecretNew, SecretNewNow, SecretNewHint, SecretRevoke string
	SecretOnce, SecretCopied, SecretMade, SecretShown    string
	SecretOf, SecretRevoked                              func(name string) string
	SecretRotating                                       func(until string) string
	SecretLast, SecretUnsupported                        string

	// The deliveries.
	DeliveriesTitle, NoDeliveries, NoDeliveriesHint   string
	LogTitle, WebhookLabel, DeletedWebhook            string
	NoneInState, NoneMatch                            string
	Filter, All, Newest, Older                        string
	Search, AnyTrigger, AnyOutcome, From, To, Apply   string
	Event, State, Created, Attempts, Outcome, Next    string
	Took, WhyNotYet, NotTried, Identifier, Finished   string
	AttemptsTitle, Started, Answer, NoAnswer          string
	Result, Code                                      string
	BodyTitle, Redeliver, RedeliverHint, CancelIt     string
	RequestTitle, RequestHint, RequestGone, CurlTitle string
	Exhausted, DueNow, BeingSent, NotKnown            string
	Key                                               string
	SupersededBy                                      func(event string) string
	TestTitle, TestBody, TestEmpty                    string
	TestSample                                        func(trigger string) string
	TestHint                                          string
	Until                                             func(when string) string
	Attempt                                           func(n int) string
	After                                             func(gap string) string // since the attempt before
	Accepted, Refused                                 func(status int) string
	Duration                                          func(time.Duration) string
	Ago, In                                           func(time.Duration) string
	Time                                              func(time.Time) string
	LiveOn, LiveOff, LiveBroken                       string
	EarlierAttempts                                   func(n int) string // attempts that the page does not show
}

// Trigger describes an event type to people.
type Trigger struct {
	Name string // "Automated task failed"
	When string // one sentence: when it fires
}

// complete fills in the functions and entries of maps that a host left out.
func (t *Texts) complete(from *Texts) *Texts {
	out := *t
	to, has := reflect.ValueOf(&out).Elem(), reflect.ValueOf(from).Elem()
	for i := range to.NumField() {
		switch field := to.Field(i); field.Kind() {
		case reflect.Func:
			if field.IsNil() {
				field.Set(has.Field(i))
			}
		case reflect.Map:
			all := reflect.MakeMap(field.Type())
			for _, m := range []reflect.Value{has.Field(i), field} {
				for _, key := range m.MapKeys() {
					all.SetMapIndex(key, m.MapIndex(key))
				}
			}
			field.Set(all)
		}
	}
	return &out
}

// textsOf returns the texts for a Profile.
func textsOf(p *webhook.Profile) Texts {
	switch p.Name {
	case webhook.Automation().Name:
		return Automation()
	case webhook.Standard().Name:
		t := English()
		t.SecretHint = "Shared with the receiver, which verifies signatures with it: base64, usually with whsec_ in front."
		return t
	}
	return English()
}

// outcome describes how an attempt ended.
func (t *Texts) outcome(a webhook.Attempt) string {
	switch {
	case a.OK() && a.Status != 0:
		return t.Accepted(a.Status)
	case a.Code == webhook.CodeStatus && a.Status != 0:
		return t.Refused(a.Status)
	}
	if text, ok := t.Codes[a.Code]; ok {
		return text
	}
	return string(a.Code)
}
