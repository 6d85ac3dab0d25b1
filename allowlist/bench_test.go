package allowlist_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/postrider/postrider/allowlist"
)

func BenchmarkCheckURL(b *testing.B) {
	for _, bb := range []struct {
		name   string
		policy allowlist.Policy
		url    string
	}{
		{"automation", allowlist.Automation(), automationURL},
		{"public", allowlist.Public(), "https://hooks.example.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx?channel=ops"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.policy.CheckURL(bb.url); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheckAddr(b *testing.B) {
	a := netip.MustParseAddr("13.107.42.14")
	b.ReportAllocs()
	for b.Loop() {
		if err := allowlist.Public().CheckAddr(a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkControl(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := allowlist.Public().Control(context.Background(), "tcp4", "13.107.42.14:443", nil); err != nil {
			b.Fatal(err)
		}
	}
}
