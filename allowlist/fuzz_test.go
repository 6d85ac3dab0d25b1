package allowlist_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

func FuzzCheckURLAutomation(f *testing.F) {
	for _, row := range readCorpus(f, "url_automation.tsv") {
		f.Add(row.input)
	}
	const prefix = "https://api-private.atlassian.com/automation/webhooks/"
	p := allowlist.Automation()
	f.Fuzz(func(t *testing.T, raw string) {
		checkExpandedAgrees(t, p, raw)
		canonical, err := p.CheckURL(raw)
		if err != nil {
			checkRefused(t, canonical, err)
			return
		}
		checkAccepted(t, p, raw, canonical)
		if !strings.HasPrefix(canonical, prefix) || len(canonical) == len(prefix) {
			t.Errorf("%q is accepted as %q", raw, canonical)
		}
		if !secondOpinion(raw, true) || !secondOpinion(canonical, true) {
			t.Errorf("%q is accepted, net/url disagrees", raw)
		}
		// Public accepts every URL that Automation accepts.
		if again, err := allowlist.Public().CheckURL(raw); err != nil || again != canonical {
			t.Errorf("%q is accepted by Automation alone: %v", raw, err)
		}
	})
}

func FuzzCheckURLGeneric(f *testing.F) {
	for _, name := range []string{"url_generic.tsv", "url_automation.tsv"} {
		for _, row := range readCorpus(f, name) {
			f.Add(row.input)
		}
	}
	for _, row := range readCorpus(f, "address_generic.tsv") {
		f.Add("https://" + row.input + "/x")
		f.Add("https://[" + row.input + "]/x")
	}
	p := generic()
	f.Fuzz(func(t *testing.T, raw string) {
		checkExpandedAgrees(t, p, raw)
		canonical, err := p.CheckURL(raw)
		if err != nil {
			checkRefused(t, canonical, err)
			return
		}
		checkAccepted(t, p, raw, canonical)
		if !secondOpinion(raw, false) || !secondOpinion(canonical, false) {
			t.Errorf("%q is accepted, net/url disagrees", raw)
		}
	})
}

// checkExpandedAgrees asserts that CheckExpanded accepts every URL that CheckURL accepts, in the
// same canonical form, and that its other accepted URLs are sent unchanged.
func checkExpandedAgrees(t *testing.T, p allowlist.Policy, raw string) {
	t.Helper()
	strict, strictErr := p.CheckURL(raw)
	expanded, err := p.CheckExpanded(raw)
	switch {
	case strictErr == nil && (err != nil || expanded != strict):
		t.Errorf("%q: CheckURL says %q, CheckExpanded %q, %v", raw, strict, expanded, err)
	case err == nil:
		checkSent(t, raw, expanded)
	}
}

func checkRefused(t *testing.T, canonical string, err error) {
	t.Helper()
	if canonical != "" || ruleOf(err) == "" {
		t.Errorf("refused with %q and %v", canonical, err)
	}
}

func FuzzCheckAddr(f *testing.F) {
	for _, block := range specialBlocks {
		for _, text := range []string{block.first, block.last} {
			a := netip.MustParseAddr(text)
			f.Add(a.AsSlice(), "")
			if a.Prev().IsValid() {
				f.Add(a.Prev().AsSlice(), "")
			}
			if a.Next().IsValid() {
				f.Add(a.Next().AsSlice(), "")
			}
		}
	}
	f.Add(netip.MustParseAddr("::ffff:8.8.8.8").AsSlice(), "")
	f.Add(netip.MustParseAddr("64:ff9b::808:808").AsSlice(), "")
	f.Add(netip.MustParseAddr("2606:4700::1").AsSlice(), "eth0")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, ip []byte, zone string) {
		a, _ := netip.AddrFromSlice(ip)
		a = a.WithZone(zone)
		if err := allowlist.Public().CheckAddr(a); (err != nil) != walkBlocks(a) {
			t.Errorf("%v: %v, the walker says refused is %v", a, err, walkBlocks(a))
		}
		// AllowNAT64 permits only addresses of the well-known prefix whose IPv4 address is public.
		want := walkBlocks(a)
		if embedded, ok := strings.CutPrefix(string(ip), "\x00\x64\xff\x9b\x00\x00\x00\x00\x00\x00\x00\x00"); ok && len(embedded) == 4 && zone == "" {
			want = walkBlocks(netip.AddrFrom4([4]byte([]byte(embedded))))
		}
		if err := (allowlist.Policy{AllowNAT64: true}).CheckAddr(a); (err != nil) != want {
			t.Errorf("%v with AllowNAT64: %v, want refused to be %v", a, err, want)
		}
	})
}

func FuzzControl(f *testing.F) {
	for _, address := range []string{"8.8.8.8:443", "[2606:4700:4700::1111]:443", "127.0.0.1:443", "[fe80::1%eth0]:443", "[::ffff:127.0.0.1]:443",
		"[64:ff9b::7f00:1]:443", "8.8.8.8:80", "8.8.8.8:https", "8.8.8.8", ":443", "", "[::1", "example.com:443", "[::1%]:443"} {
		for _, network := range []string{"tcp4", "tcp6", "tcp", ""} {
			f.Add(network, address)
		}
	}
	f.Fuzz(func(t *testing.T, network, address string) {
		if err := allowlist.Public().Control(context.Background(), network, address, nil); err != nil {
			return
		}
		target, err := netip.ParseAddrPort(address)
		if err != nil || network != "tcp4" && network != "tcp6" || target.Port() != 443 || walkBlocks(target.Addr()) {
			t.Errorf("%q %q may be dialled", network, address)
		}
	})
}
