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

	// The template is checked when it is saved, with a placeholder for the variable.
	_, err := allowlist.Public().CheckURL("https://example.com/webhook/x")
	fmt.Println(template, err)

	// Each expansion is checked before it is sent.
	_, err = allowlist.Public().CheckExpanded("https://example.com/webhook/EXA%2F1")
	fmt.Println("EXA/1:", err)
	_, err = allowlist.Public().CheckExpanded("https://example.com/webhook/..")
	fmt.Println("..:", err)
	// Output:
	// https://example.com/webhook/${issue.key} <nil>
	// EXA/1: <nil>
	// ..: allowlist: refused by rule A8: the path has a dot segment, or one that is only parameters
}

// An operator permits one internal network without one of its machines, and a port.
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

// The dialer refuses every address of a name before it connects.
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

// Public accepts URLs with encoded slashes and spaces, text, brackets and empty segments,
// each in one canonical form.
func ExamplePublic() {
	p := allowlist.Public()
	p.Ports = []uint16{8443}
	for _, raw := range []string{
		"https://Build_1.example.com:8443/job/My%20Job/build",
		"https://git.example.com/api/v4/projects/a%2Fb/trigger?variables[ENV]=prod",
		"https://example.com/café//",
		"https://[2606:4700:4700:0:0:0:0:1111]/",
		"https://example.com/a%2F..%2Fb",
		"https://xn--a.example.com/",
	} {
		canonical, err := p.CheckURL(raw)
		var refused *allowlist.Error
		if errors.As(err, &refused) {
			fmt.Println(refused.Rule, refused.Reason)
			continue
		}
		fmt.Println(canonical)
	}
	// Output:
	// https://build_1.example.com:8443/job/My%20Job/build
	// https://git.example.com/api/v4/projects/a%2Fb/trigger?variables[ENV]=prod
	// https://example.com/caf%C3%A9//
	// https://[2606:4700:4700::1111]/
	// A8 the path has a dot segment, or one that is only parameters
	// H3 the host has a label that begins with xn-- and stands for no international name
}

// CheckAddr judges resolved addresses, such as those of a Proxy's own look-up.
func ExamplePolicy_CheckAddr() {
	for _, text := range []string{"8.8.8.8", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::808:808"} {
		err := allowlist.Public().CheckAddr(netip.MustParseAddr(text))
		fmt.Println(text, err == nil)
	}
	// Output:
	// 8.8.8.8 true
	// 10.0.0.1 false
	// 169.254.169.254 false
	// ::ffff:127.0.0.1 false
	// 64:ff9b::808:808 false
}
