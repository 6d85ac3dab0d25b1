package report

// The escapers, for tests of their properties.
var (
	Plain     = plain
	MdText    = mdText
	MdEmail   = mdEmail
	MdCode    = mdCode
	SlackText = slackText
	SlackMail = slackEmail
	SlackCode = slackCode
	SafeURL   = safeURL
	UserURL   = userURL
)
