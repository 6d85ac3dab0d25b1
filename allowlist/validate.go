package allowlist

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Validate reports every setting that cannot take effect as written, with its field
// and index; nil means that the Policy can be enforced. The other methods do not
// depend on Validate: a setting that it reports permits nothing.
func (p Policy) Validate() error {
	var errs []error
	errs = append(errs, validatePrefixes("AllowPrefixes", p.AllowPrefixes)...)
	errs = append(errs, validatePrefixes("DenyPrefixes", p.DenyPrefixes)...)
	for i, port := range p.Ports {
		if port < 1024 && port != 443 {
			errs = append(errs, fmt.Errorf("allowlist: Policy.Ports[%d] is %d: ports below 1024 other than 443 are never permitted", i, port))
		}
	}
	if p.automation && len(p.AllowHosts) > 0 {
		errs = append(errs, errors.New("allowlist: Policy.AllowHosts has no effect in Automation, whose host is fixed by A4: leave it empty"))
	}
	for i, host := range p.AllowHosts {
		name := strings.TrimPrefix(host, ".")
		if judgeLabels(name) != nil || endsInNumber(name) {
			errs = append(errs, fmt.Errorf("allowlist: Policy.AllowHosts[%d] is not a host name: give ASCII labels without a final dot, or a suffix that begins with one dot", i))
		}
	}
	return errors.Join(errs...)
}

func validatePrefixes(field string, prefixes []netip.Prefix) (errs []error) {
	for i, pf := range prefixes {
		if !canMatch(pf) {
			errs = append(errs, fmt.Errorf("allowlist: Policy.%s[%d] can never match: give a valid prefix, an IPv4 one in IPv4 form", field, i))
		}
	}
	return errs
}

// canMatch reports whether the prefix can contain an address after Unmap.
func canMatch(pf netip.Prefix) bool { return pf.IsValid() && !pf.Addr().Is4In6() }
