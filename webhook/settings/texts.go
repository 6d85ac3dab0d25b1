package settings

import (
	"reflect"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Texts are all words of the page. Take [English], replace what should read otherwise, and
// pass it as Options.Texts. Everything is plain text and escaped where it is shown. Functions
// make sentences with numbers and names, so that each language can put them in its own order.
type Texts struct {
	// Lang is the language of the page, as in HTML's lang attribute; Dir is "ltr" or "rtl".
	Lang, Dir string

	// Triggers are the names of event types and when they fire. One that is not listed is
	// shown as it is.
	Triggers map[string]Trigger
	// Health, States, Codes and the answers to "why not yet" by their constants.
	Health map[webhook.HealthStatus]string
	States map[webhook.State]string
	Codes  map[webhook.Code]string
	// Reason says why a delivery waits.
	Reason func(webhook.Reason) string
	// Field says what is wrong with a field of the form.
	Field func(webhook.FieldError) string

	// The list.
	ListTitle, Intro, Skip, ReadOnlyHint                string
	AddButton, Empty, EmptyHint                         string
	Used                                                func(used, limit int) string // limit 0: none
	Full                                                func(limit int) string
	SendsTo, LastDelivery, NoDelivery, TriggersLabel    string
	HealthLabel, ActiveLabel, On, Off                   string
	Edit, Test, Delete, Deliveries                      string
	FailingSince                                        func(failures int, since string) string
	HeldUntil                                           func(until string) string
	DisabledBecause                                     func(reason string) string
	Switch                                              func(name string, on bool) string // what a press does
	ActOn                                               func(action, name string) string  // "Edit", "Ops": a button's full name
	Confirm                                             func(name string) string
	ConfirmHint, Cancel                                 string
	Added, Saved, SwitchedOn, SwitchedOff, Deleted      func(name string) string
	Redelivered, Cancelled                              string
	TestAccepted                                        func(name string, status int, took time.Duration) string
	TestRefused                                         func(name, outcome string, took time.Duration) string
	TestProof, AnswerLabel                              string
	Back, Crumbs, ProblemTitle                          string
	FirstWebhooks, MoreWebhooks                         string // links of a long list
	NoAccess, NoPage, BadMethod, CrossSite              string
	ReadOnlyRefused, TooLarge, BadForm                  string
	Gone, Held, NoHistory, Broken, Conflict, TestFailed string

	// The form.
	AddTitle                                     string
	EditTitle                                    func(name string) string
	FieldName, FieldURL, FieldSecret, FieldNotes string
	FieldTriggers, FieldActive                   string
	NameHint, URLHint, SecretHint, NotesHint     string
	TriggersHint, ActiveHint, Optional           string
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
	Save, Mistakes                               string
	HowToTitle                                   string
	HowTo                                        []string
	HowToNote                                    string

	// The secrets.
	SecretsTitle, SecretEnds, SecretNoEnd, SecretUnknown string
	SecretNew, SecretNewNow, SecretNewHint, SecretRevoke string
	SecretOnce, SecretCopied, SecretMade                 string
	SecretOf, SecretRevoked                              func(name string) string
	SecretRotating                                       func(until string) string
	SecretLast, SecretUnsupported                        string

	// The deliveries.
	DeliveriesTitle, NoDeliveries, NoDeliveriesHint  string
	NoneInState                                      string
	Filter, All, Newest, Older                       string
	Event, State, Created, Attempts, Outcome, Next   string
	Took, WhyNotYet, NotTried, Identifier, Finished  string
	AttemptsTitle, Number, Started, Answer, NoAnswer string
	Result                                           string
	BodyTitle, Redeliver, RedeliverHint, CancelIt    string
	Exhausted, DueNow, BeingSent                     string
	TestTitle, TestBody, TestEmpty                   string
	TestSample                                       func(trigger string) string
	TestHint                                         string
	Until                                            func(when string) string
	Accepted, Refused                                func(status int) string
	Duration                                         func(time.Duration) string
	Ago, In                                          func(time.Duration) string
	Time                                             func(time.Time) string
	LiveOn, LiveOff, LiveBroken                      string
	EarlierAttempts                                  func(n int) string // that the page does not show
}

// Trigger describes an event type to people.
type Trigger struct {
	Name string // "Automated task failed"
	When string // one sentence: when it fires
}

// withDefaults fills in what a host left out, also single entries of maps.
func (t *Texts) withDefaults() Texts {
	out := English()
	if t == nil {
		return out
	}
	from, to := reflect.ValueOf(t).Elem(), reflect.ValueOf(&out).Elem()
	for i := range from.NumField() {
		switch given := from.Field(i); {
		case given.IsZero():
		case given.Kind() == reflect.Map:
			for _, key := range given.MapKeys() {
				to.Field(i).SetMapIndex(key, given.MapIndex(key))
			}
		default:
			to.Field(i).Set(given)
		}
	}
	return out
}

// trigger is the description of an event type.
func (t *Texts) trigger(name string) Trigger {
	if d, ok := t.Triggers[name]; ok {
		return d
	}
	return Trigger{Name: name}
}

// outcome says how an attempt ended.
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
