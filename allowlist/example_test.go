package allowlist_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/postrider/postrider/allowlist"
)

func ExamplePolicy_CheckURL() {
	canonical, err := allowlist.Automation().CheckURL("HTTPS://API-private.atlassian.com:443/automation/webhooks/jira/a/1/2")
	fmt.Println(canonical, err)
	// Output:
	// https://api-private.atlassian.com/automation/webhooks/jira/a/1/2 <nil>
}

func ExamplePolicy_CheckURL_refused() {
	_, err := allowlist.Public().CheckURL("https://metadata.google.internal/")
	fmt.Println(errors.Is(err, allowlist.ErrRefused))

	var refused *allowlist.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Rule, refused.Setting)
		fmt.Println(refused.Reason)
	}
	fmt.Println(err)
	// Output:
	// true
	// H6 AllowHosts
	// the host is a special-use or internal name
	// allowlist: refused by rule H6: the host is a special-use or internal name (an operator can permit it: Policy.AllowHosts)
}

func ExamplePolicy_CheckExpanded() {
	template := "https://example.com/webhook/${issue.key}"

	// The template passes once, when it is saved, with a placeholder for the variable.
	_, err := allowlist.Public().CheckURL("https://example.com/webhook/x")
	fmt.Println(template, err)

	// Each expansion passes again before it is sent.
	_, err = allowlist.Public().CheckExpanded("https://example.com/webhook/EXA%2F1")
	fmt.Println("EXA/1:", err)
	_, err = allowlist.Public().CheckExpanded("https://example.com/webhook/..")
	fmt.Println("..:", err)
	// Output:
	// https://example.com/webhook/${issue.key} <nil>
	// EXA/1: <nil>
	// ..: allowlist: refused by rule A8: the path has a dot segment, or one that is only parameters
}

// An operator opens one internal network, less one machine in it, and a port.
func ExamplePolicy_operator() {
	p := allowlist.Policy{
		AllowPrefixes: []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16")},
		DenyPrefixes:  []netip.Prefix{netip.MustParsePrefix("10.8.0.1/32")},
		AllowHosts:    []string{".corp.internal"},
		Ports:         []uint16{8443},
	}
	fmt.Println(p.Validate())
	_, err := p.CheckURL("https://hooks.corp.internal:8443/build")
	fmt.Println(err)
	fmt.Println(p.CheckAddr(netip.MustParseAddr("10.8.3.4")))
	fmt.Println(errors.Is(p.CheckAddr(netip.MustParseAddr("10.8.0.1")), allowlist.ErrBlocked))
	fmt.Println(errors.Is(p.CheckAddr(netip.MustParseAddr("10.9.0.1")), allowlist.ErrBlocked))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// true
	// true
}

func ExamplePolicy_Validate() {
	err := allowlist.Policy{Ports: []uint16{8443, 80}}.Validate()
	fmt.Println(err)
	// Output:
	// allowlist: Policy.Ports[1] is 80: ports below 1024 other than 443 are never permitted
}

// The dialer refuses before it connects, whatever a name resolved to.
func ExamplePolicy_Control() {
	d := &net.Dialer{ControlContext: allowlist.Public().Control}
	_, err := d.DialContext(context.Background(), "tcp", "127.0.0.1:443")
	fmt.Println(errors.Is(err, allowlist.ErrBlocked))

	var refused *allowlist.Error
	if errors.As(err, &refused) {
		fmt.Println(refused)
	}
	// Output:
	// true
	// allowlist: refused by rule ADDR: the address is not a public one (an operator can permit it: Policy.AllowPrefixes)
}
