package inspector

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// anyHost in Options.Hosts switches the check off.
const anyHost = "*"

// badHost is the answer under a name that is not allowed.
const badHost = "The inspector answers under this machine's own names only, because a page of another site can give " +
	"itself a name that leads here. To use this name, list it in Options.Hosts."

// hosts are the names under which pages answer, lower case and without a port.
func (o *Options) hosts() ([]string, error) {
	var out []string
	for i, h := range o.Hosts {
		name := hostName(h)
		if name == "" || strings.ContainsAny(name, "/@?#% ") || strings.Contains(name, "*") && name != anyHost {
			return nil, fmt.Errorf("inspector: Options.Hosts: entry %d must be a host name, such as \"dev.example.com\", or \"*\" for all", i+1)
		}
		out = append(out, name)
	}
	return out, nil
}

// allowedHost reports whether a request names a host under which pages may answer. Without this
// check a page of another site could read everything: its name can resolve to this machine, and
// then both are the same origin to the browser.
func (in *Inspector) allowedHost(r *http.Request) bool {
	name := hostName(r.Host)
	return isLoopback(name) || slices.Contains(in.hosts, anyHost) || name != "" && slices.Contains(in.hosts, name)
}

// hostName is a host without its port and final dot, in lower case; empty for an invalid one.
func hostName(hostport string) string {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return ""
		}
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return asciiLower(strings.TrimSuffix(host, "."))
}

// asciiLower changes only ASCII letters, because some others have an ASCII lower case.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// isLoopback accepts the names that browsers never look up, and loopback addresses.
func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Zone() == "" && a.Unmap().IsLoopback()
}
