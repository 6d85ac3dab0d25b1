package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

func lookup(t *testing.T, d *hostile.DNS, network, name string) ([]string, error) {
	t.Helper()
	addrs, err := d.Resolver().LookupNetIP(t.Context(), network, name)
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return out, err
}

func TestDNSRebinds(t *testing.T) {
	t.Parallel()
	d := hostile.NewDNS(t)
	d.Set("Rebind.example.com.", hostile.Addrs("127.0.0.2"), hostile.Addrs("127.0.0.1", "::1"))
	for i, want := range [][]string{{"127.0.0.2"}, {"127.0.0.1", "::1"}, {"127.0.0.1", "::1"}} {
		got, err := lookup(t, d, "ip", "rebind.EXAMPLE.com.")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lookup %d (-want +got):\n%s", i+1, diff)
		}
	}
	kinds := map[string]int{}
	for _, q := range d.Queries() {
		if q.Name != "rebind.example.com" || q.Network != "udp" || q.Time.IsZero() {
			t.Errorf("query %+v", q)
		}
		kinds[q.Type]++
	}
	if diff := cmp.Diff(map[string]int{"A": 3, "AAAA": 3}, kinds); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
	d.Set("rebind.example.com", hostile.Addrs("127.0.0.9"))
	if got, err := lookup(t, d, "ip4", "rebind.example.com."); err != nil || len(got) != 1 || got[0] != "127.0.0.9" {
		t.Errorf("after Set: %v, %v; want 127.0.0.9", got, err)
	}
}

func TestDNSFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		l    []hostile.Lookup
		want func(*net.DNSError) bool
	}{
		{"never set", nil, func(e *net.DNSError) bool { return e.IsNotFound }},
		{"NXDOMAIN", []hostile.Lookup{{NotFound: true}}, func(e *net.DNSError) bool { return e.IsNotFound }},
		{"no address", []hostile.Lookup{{}}, func(e *net.DNSError) bool { return e.IsNotFound }},
		{"SERVFAIL", []hostile.Lookup{{ServerFailure: true}}, func(e *net.DNSError) bool { return e.IsTemporary && !e.IsNotFound }},
		{"silence", []hostile.Lookup{{Silent: true}}, func(e *net.DNSError) bool { return e.IsTimeout }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := hostile.NewDNS(t)
			if tt.l != nil {
				d.Set("x.example.com", tt.l...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := d.Resolver().LookupHost(ctx, "x.example.com.")
			var de *net.DNSError
			if !errors.As(err, &de) || !tt.want(de) {
				t.Errorf("LookupHost = %v: not the failure of that name", err)
			}
			if len(d.Queries()) == 0 {
				t.Error("no question was recorded")
			}
		})
	}
}

func TestDNSFallsBackToTCP(t *testing.T) {
	t.Parallel()
	d := hostile.NewDNS(t)
	var many hostile.Lookup
	for i := range 60 {
		many.Addrs = append(many.Addrs, netip.MustParseAddr(fmt.Sprintf("127.0.1.%d", i)))
	}
	d.Set("many.example.com", many, hostile.Addrs("127.0.0.1"))
	got, err := lookup(t, d, "ip4", "many.example.com.")
	if err != nil || len(got) != 60 {
		t.Errorf("%d addresses, %v; want 60", len(got), err)
	}
	var networks []string
	for _, q := range d.Queries() {
		networks = append(networks, q.Network)
	}
	if diff := cmp.Diff([]string{"udp", "tcp"}, networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	if got, err := lookup(t, d, "ip4", "many.example.com."); err != nil || len(got) != 1 {
		t.Errorf("second lookup: %v, %v; want the second answer", got, err)
	}
}
