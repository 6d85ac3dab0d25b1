package allowlist

import "errors"

var (
	// ErrRefused is matched, through errors.Is, by every refusal of this package.
	ErrRefused = errors.New("allowlist: refused")

	// ErrBlocked is matched by refusals of a dial: all refusals of CheckAddr and
	// Control, and those of CheckURL for an address in the host. It also matches through
	// the *net.OpError that a dialer wraps around them.
	ErrBlocked = errors.New("allowlist: blocked address")

	// ErrInterfaces is returned by Control when the machine's own addresses cannot be
	// listed. No connection is made. It is not a refusal and does not match ErrRefused,
	// because the cause may be temporary, such as a lack of file descriptors.
	ErrInterfaces = errors.New("allowlist: this machine's interface addresses cannot be listed: let the process open netlink sockets, or cover the destination by Policy.AllowPrefixes")
)

// Error is a refusal. It holds only fixed texts, never a part of the URL and never an
// address, so it may be shown and logged. It matches [ErrRefused], and [ErrBlocked] where
// it refuses an address.
type Error struct {
	// Rule is A1 to A9 or H1 to H6, as in the package comment, or one of
	//
	//	USERINFO  a user name or an empty one before the host
	//	PORT      a port that is not permitted
	//	LITERAL   an address as the host, with DenyLiterals
	//	ADDR      an address that is not public
	//	DENY      an address that the operator's DenyPrefixes cover
	//	ZONE      an address with a zone
	//	OWN       an address of this machine
	//	NETWORK   a dial that is not TCP to a literal address and port
	Rule string

	// Setting is the field of Policy by which an operator can permit this, or "".
	Setting string

	// Reason says what is wrong in a few words that fit a form.
	Reason string

	blocked bool
}

// Error returns the rule, the reason and the setting.
func (e *Error) Error() string {
	text := "allowlist: refused by rule " + e.Rule + ": " + e.Reason
	if e.Setting != "" {
		text += " (an operator can permit it: Policy." + e.Setting + ")"
	}
	return text
}

// Is makes errors.Is find ErrRefused and ErrBlocked.
func (e *Error) Is(target error) bool {
	return target == ErrRefused || target == ErrBlocked && e.blocked
}

// refusal turns the result of a judge function into an error. It copies the Error, because
// the prototypes below are shared and a caller can write to the fields of an Error.
func refusal(e *Error) error {
	if e == nil {
		return nil
	}
	fresh := *e
	return &fresh
}

// The prototypes of all refusals. They are read-only.
var (
	refuseA1 = &Error{Rule: "A1", Reason: "the URL must have 1 to 2,048 bytes"}
	refuseA2 = &Error{Rule: "A2", Reason: "the URL holds a character that must not stand in it: space, fragment, backslash, braces, a character that cannot be seen or the like"}
	refuseA3 = &Error{Rule: "A3", Reason: "the URL must begin with https://"}
	refuseA4 = &Error{Rule: "A4", Reason: "the host must be api-private.atlassian.com on port 443"}
	refuseA5 = &Error{Rule: "A5", Reason: "the path must continue after /automation/webhooks/"}
	refuseA6 = &Error{Rule: "A6", Reason: "the path has an empty segment"}
	refuseA7 = &Error{Rule: "A7", Reason: "the path has a percent-encoding that is malformed or stands for a character that is not permitted"}
	refuseA8 = &Error{Rule: "A8", Reason: "the path has a dot segment, or one that is only parameters"}
	refuseA9 = &Error{Rule: "A9", Reason: "the query has a percent-encoding that is malformed or stands for a control character"}

	refuseUserinfo = &Error{Rule: "USERINFO", Reason: "the URL must not hold a user name or password"}
	refusePort     = &Error{Rule: "PORT", Setting: "Ports", Reason: "the port is not permitted"}
	refuseLowPort  = &Error{Rule: "PORT", Reason: "the port must be 443 or one from 1024 to 65535, without leading zeros"}

	refuseH1      = &Error{Rule: "H1", Reason: "the host must have 1 to 253 bytes"}
	refuseH2      = &Error{Rule: "H2", Reason: "brackets must hold an IPv6 address without a zone"}
	refuseH3      = &Error{Rule: "H3", Reason: "the host must be ASCII labels of 1 to 63 letters, digits, underscores and inner hyphens, without a final dot"}
	refuseALabel  = &Error{Rule: "H3", Reason: "the host has a label that begins with xn-- and stands for no international name"}
	refuseH4      = &Error{Rule: "H4", Reason: "a numeric host must be four decimal numbers without leading zeros"}
	refuseH5      = &Error{Rule: "H5", Setting: "AllowHosts", Reason: "the host needs a domain"}
	refuseH6      = &Error{Rule: "H6", Setting: "AllowHosts", Reason: "the host is a special-use or internal name"}
	refuseLiteral = &Error{Rule: "LITERAL", Setting: "DenyLiterals", Reason: "the host must be a name, not an address"}

	refuseAddr     = &Error{Rule: "ADDR", Setting: "AllowPrefixes", Reason: "the address is not a public one", blocked: true}
	refuseNAT64    = &Error{Rule: "ADDR", Setting: "AllowNAT64", Reason: "the address is a NAT64 one", blocked: true}
	refuseDeny     = &Error{Rule: "DENY", Setting: "DenyPrefixes", Reason: "the operator denies the address", blocked: true}
	refuseZone     = &Error{Rule: "ZONE", Reason: "the address has a zone", blocked: true}
	refuseOwn      = &Error{Rule: "OWN", Setting: "AllowPrefixes", Reason: "the address is one of this machine's own", blocked: true}
	refuseNetwork  = &Error{Rule: "NETWORK", Reason: "only TCP to a literal address and port may be dialled", blocked: true}
	refuseDialPort = &Error{Rule: "PORT", Setting: "Ports", Reason: "the port is not permitted", blocked: true}
)
