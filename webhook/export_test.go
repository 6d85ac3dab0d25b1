package webhook

// For tests of what the public path reaches only through a transport.

var (
	CleanSnippet = cleanSnippet
	SecretsOf    = secretsOf
	CheckHeader  = checkHeader
	MaskURL      = maskURL
)

const (
	MaxSnippet = maxSnippet
	Withheld   = withheld
)
