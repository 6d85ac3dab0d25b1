package jira

import (
	"encoding/json"
	"fmt"

	"github.com/postrider/postrider/webhook/internal/redact"
)

// The same fields without the Format methods, which would call themselves.
type (
	shownRegistration Registration
	shownFailure      Failure
)

func (r Registration) masked() shownRegistration {
	r.URL = redact.URL(r.URL)
	return shownRegistration(r)
}

func (f Failure) masked() shownFailure {
	f.URL = redact.URL(f.URL)
	return shownFailure(f)
}

// format writes a value that is already masked, for every verb.
func format(s fmt.State, verb rune, masked any) {
	layout := "%+v"
	if verb == 'v' && s.Flag('#') {
		layout = "%#v"
	}
	_, _ = fmt.Fprintf(s, layout, masked)
}

// Format prints the registration for every verb of package fmt, with "[redacted]" in place
// of its URL behind the host, or of the whole URL where the host is an address.
func (r Registration) Format(s fmt.State, verb rune) { format(s, verb, r.masked()) }

// String is the registration as Format prints it.
func (r Registration) String() string { return fmt.Sprint(r) }

// MarshalJSON encodes the registration masked like in Format, for logs. It is not for
// storing: implementations of [Registrations] take the fields one by one.
func (r Registration) MarshalJSON() ([]byte, error) { return json.Marshal(r.masked()) }

// Format prints the failure for every verb of package fmt, with "[redacted]" in place of
// its URL behind the host, or of the whole URL where the host is an address.
func (f Failure) Format(s fmt.State, verb rune) { format(s, verb, f.masked()) }

// String is the failure as Format prints it.
func (f Failure) String() string { return fmt.Sprint(f) }

// MarshalJSON encodes the failure masked like in Format, for logs. It is not for storing:
// implementations of [Failures] take the fields one by one.
func (f Failure) MarshalJSON() ([]byte, error) { return json.Marshal(f.masked()) }
