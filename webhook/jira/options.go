package jira

import (
	"cmp"
	"slices"

	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// Option changes a [Profile] and a [NewMatcher]. If an option is given twice, the last one counts.
type Option func(*settings)

type settings struct {
	any2xx, sequence   bool
	withoutUser        bool
	missing            Missing
	grammar            jql.Grammar
	edition            jiraevent.Generation
	ports              []uint16
	primary, secondary int
	registrations      Registrations
	postFunctions      PostFunctions
}

// Requests in flight for one tenant and host.
const (
	DefaultPrimary   = 20
	DefaultSecondary = 10
)

// atlassianPorts are the ports that Jira Cloud permits beside 443.
var atlassianPorts = []uint16{
	1880, 1881, 1882, 1883, 1884, 1885, 1886, 1887, 1888, 1889, 1890,
	4044, 6017, 7990, 8060, 8080, 8085, 8089, 8090, 8443, 8444, 8900, 9420, 9520, 9900,
}

func newSettings(opts []Option) *settings {
	s := &settings{
		grammar: jql.Admin(), edition: jiraevent.Current, ports: slices.Clone(atlassianPorts),
		primary: DefaultPrimary, secondary: DefaultSecondary,
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Any2xx counts every status from 200 to 299 as delivered. Default is 200 alone, as Jira Cloud
// documents.
func Any2xx() Option { return func(s *settings) { s.any2xx = true } }

// WithSequence sends the number of a callback in [SequenceHeader], where its webhook keeps an order
// or coalesces. Jira Cloud has no such header.
func WithSequence() Option { return func(s *settings) { s.sequence = true } }

// WithoutUser leaves out user_id and user_key, which are appended to the query
// when the event names the user who caused it.
func WithoutUser() Option { return func(s *settings) { s.withoutUser = true } }

// WithMissing sets the replacement of a URL variable without a value in the event. The default is
// [MissingEmpty].
func WithMissing(m Missing) Option { return func(s *settings) { s.missing = m } }

// WithGrammar sets the clauses that the filters of webhooks may have. The default is jql.Admin().
func WithGrammar(g jql.Grammar) Option { return func(s *settings) { s.grammar = g } }

// WithEdition sets the edition of Jira's documentation that lists the events to which filters
// apply: jiraevent.Cloud2019, or by default jiraevent.Current, which has more events with JQL.
func WithEdition(g jiraevent.Generation) Option { return func(s *settings) { s.edition = g } }

// WithPorts replaces the list of ports that URLs may have beside 443. The
// default is Jira Cloud's. Ports below 1024 are refused by webhook.New.
func WithPorts(ports ...uint16) Option {
	return func(s *settings) { s.ports = slices.Clone(ports) }
}

// WithInFlight sets how many primary and secondary requests may be in flight for one tenant and
// host; 0 means [DefaultPrimary] and [DefaultSecondary], less than 0 no limit. The limit of one
// webhook is webhook.Options.PerLane.
func WithInFlight(primary, secondary int) Option {
	return func(s *settings) {
		s.primary, s.secondary = cmp.Or(primary, DefaultPrimary), cmp.Or(secondary, DefaultSecondary)
	}
}
