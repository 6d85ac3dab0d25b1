package allowlist

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/postrider/postrider/allowlist/internal/alabel"
	"github.com/postrider/postrider/internal/ascii"
)

// judgeAuthority judges the text between "https://" and the path: no userinfo, a host
// by H1 to H6, a port if it is permitted. It returns the host as written and the port
// with its colon, or "" for 443.
func (p *Policy) judgeAuthority(authority string) (host, port string, e *Error) {
	if strings.IndexByte(authority, '@') >= 0 {
		return "", "", refuseUserinfo
	}
	host, port = splitPort(authority)
	if e := p.judgeHost(host); e != nil {
		return "", "", e
	}
	if e := p.judgePort(port); e != nil {
		return "", "", e
	}
	if port == ":443" {
		port = ""
	}
	return host, port, nil
}

// splitPort cuts at the first colon outside brackets.
func splitPort(authority string) (host, port string) {
	from := 0
	if strings.HasPrefix(authority, "[") {
		from = strings.IndexByte(authority, ']') + 1
	}
	if i := strings.IndexByte(authority[from:], ':'); i >= 0 {
		return authority[:from+i], authority[from+i:]
	}
	return authority, ""
}

func (p *Policy) judgePort(port string) *Error {
	if port == "" || port == ":443" {
		return nil
	}
	digits := port[1:]
	if digits == "" || len(digits) > 5 || digits[0] == '0' {
		return refuseLowPort
	}
	n := 0
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return refuseLowPort
		}
		n = n*10 + int(digits[i]-'0')
	}
	switch {
	case n < 1024 || n > 65535:
		return refuseLowPort
	case !p.permitsPort(uint16(n)):
		return refusePort
	}
	return nil
}

// judgeHost is H1 to H6.
func (p *Policy) judgeHost(host string) *Error {
	if strings.HasPrefix(host, "[") {
		return p.judgeBracketed(host)
	}
	if e := judgeLabels(host); e != nil {
		return e
	}
	if endsInNumber(host) {
		a, err := netip.ParseAddr(host)
		if err != nil {
			return refuseH4
		}
		return p.judgeLiteral(a)
	}
	if p.allowsHost(host) {
		return nil
	}
	if strings.IndexByte(host, '.') < 0 {
		return refuseH5
	}
	if isInternal(host) {
		return refuseH6
	}
	return nil
}

// judgeBracketed is H2.
func (p *Policy) judgeBracketed(host string) *Error {
	if host[len(host)-1] != ']' {
		return refuseH2
	}
	a, err := netip.ParseAddr(host[1 : len(host)-1])
	if err != nil || !a.Is6() || a.Zone() != "" {
		return refuseH2
	}
	return p.judgeLiteral(a)
}

// isCanonicalIP reports whether an accepted host is not an address in brackets, or is one
// in its canonical form.
func isCanonicalIP(host string) bool {
	if host[0] != '[' {
		return true
	}
	var buf [2 + maxIPv6]byte
	return string(appendIPv6(buf[:0], host)) == host
}

// canonicalHost returns the canonical spelling of an accepted host.
func canonicalHost(host string) string {
	if host[0] == '[' {
		return string(appendIPv6(nil, host))
	}
	return strings.ToLower(host)
}

const maxIPv6 = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")

// appendIPv6 appends an address in brackets as RFC 5952 and browsers write it. Browsers
// write a mapped IPv4 address in hexadecimal, package netip in decimal octets.
func appendIPv6(dst []byte, host string) []byte {
	a, _ := netip.ParseAddr(host[1 : len(host)-1])
	dst = append(dst, '[')
	if a.Is4In6() {
		b := a.As16()
		dst = append(dst, "::ffff:"...)
		dst = strconv.AppendUint(dst, uint64(b[12])<<8|uint64(b[13]), 16)
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(b[14])<<8|uint64(b[15]), 16)
	} else {
		dst = a.AppendTo(dst)
	}
	return append(dst, ']')
}

func (p *Policy) judgeLiteral(a netip.Addr) *Error {
	if p.DenyLiterals {
		return refuseLiteral
	}
	return p.judgeAddr(a)
}

// judgeLabels judges the form of a name, H1 and H3: the syntax of RFC 1123, underscores,
// which names of machines have, and "xn--" labels that encode one text.
func judgeLabels(host string) *Error {
	if len(host) == 0 || len(host) > 253 {
		return refuseH1
	}
	start, international := 0, false
	for i := 0; i <= len(host); i++ {
		if i < len(host) && host[i] != '.' {
			if !ascii.IsAlnum(host[i]) && host[i] != '-' && host[i] != '_' {
				return refuseH3
			}
			continue
		}
		if i == start || i-start > 63 || host[start] == '-' || host[i-1] == '-' {
			return refuseH3
		}
		international = international || i-start >= len(alabel.Prefix) && equalFold(host[start:start+len(alabel.Prefix)], alabel.Prefix)
		start = i + 1
	}
	if international && !alabel.Valid(host) {
		return refuseALabel
	}
	return nil
}

// endsInNumber reports whether a browser would read the host as an IPv4 address: its last
// label is all digits, or 0x and hexadecimal digits (WHATWG URL, "ends in a number").
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if len(last) >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') {
		for i := 2; i < len(last); i++ {
			if _, ok := unhex(last[i]); !ok {
				return false
			}
		}
		return true
	}
	for i := range len(last) {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	return true
}

// isInternal is H6, for a host of two labels or more: special-use names (RFC 6761, 6762,
// 7686, 8375, 9476), .internal, which ICANN reserved for private use, and common
// internal names of companies and homes.
func isInternal(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	var folded [len("localdomain")]byte // the longest of them
	if len(last) > len(folded) {
		return false
	}
	for i := range len(last) {
		folded[i] = lower(last[i])
	}
	switch string(folded[:len(last)]) {
	case "localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan",
		"test", "invalid", "example", "onion", "alt":
		return true
	case "arpa":
		rest := host[:len(host)-len(".arpa")]
		return equalFold(rest[strings.LastIndexByte(rest, '.')+1:], "home")
	}
	return false
}

// allowsHost reports whether AllowHosts lifts H5 and H6 for the host.
func (p *Policy) allowsHost(host string) bool {
	for _, allowed := range p.AllowHosts {
		at := 0
		if strings.HasPrefix(allowed, ".") {
			at = len(host) - len(allowed)
		}
		if at >= 0 && equalFold(host[at:], allowed) {
			return true
		}
	}
	return false
}
