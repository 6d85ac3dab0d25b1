package connect

import (
	"github.com/postrider/postrider/payload"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
)

// DefaultVersion is the value of the header Atlassian-Connect-Version without [WithVersion].
const DefaultVersion = "1.0.0"

// Option changes a [Profile]. If an option is given twice, the last one counts.
type Option func(*settings)

type settings struct {
	version         string
	clientKey       func(scope string) string
	match           func(webhook.Webhook, payload.Event) (bool, error)
	checkFilterText func(filter string) error
	path            sign.PathMode
	withoutUser     bool
	params          bool
	subject         bool
}

// WithVersion sets the version of Connect in requests, such as "1.3.2": 1 to 64 characters of
// printable ASCII without spaces. With an invalid version no webhook can be added and nothing is
// sent.
func WithVersion(version string) Option { return func(s *settings) { s.version = version } }

// WithClientKey sets the issuer of tokens for a scope where a webhook has no
// [AttrClientKey]. By default the scope itself is the client key.
func WithClientKey(of func(scope string) string) Option {
	return func(s *settings) { s.clientKey = of }
}

// WithFilters switches filters on. Match decides instead of webhook.Webhook.Listens whether a
// webhook receives an event. check, which may be nil, judges a filter when a webhook is added. For
// JQL these are the Match method of jira.NewMatcher and the Parse method of a jql.Grammar. An event
// of an issue property must also have one of the module's propertyKeys, where it has any. Without
// this option a webhook with a filter or property keys is refused, because they would have no
// effect.
func WithFilters(match func(webhook.Webhook, payload.Event) (bool, error), check func(filter string) error) Option {
	return func(s *settings) { s.match, s.checkFilterText = match, check }
}

// WithPathMode says how the path of a URL enters the query hash. The default is
// sign.PathRaw.
func WithPathMode(m sign.PathMode) Option { return func(s *settings) { s.path = m } }

// WithoutUser leaves out user_id and user_key.
func WithoutUser() Option { return func(s *settings) { s.withoutUser = true } }

// WithParams appends the params of a module to the query of its URL, in the order
// of their names. By default they are data for the host's matching alone, as
// Connect used them.
func WithParams() Option { return func(s *settings) { s.params = true } }

// WithSubject puts the user who caused the event into the token as well: the sub
// claim is user_key, or user_id where that is empty. It has no effect together with
// [WithoutUser].
func WithSubject() Option { return func(s *settings) { s.subject = true } }
