package webhook_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/allowlist"
	"github.com/postrider/postrider/retry"
	"github.com/postrider/postrider/webhook"
)

// Rule: New refuses Options that cannot work and names the field.
func TestNewRefusesOptions(t *testing.T) {
	t.Parallel()
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	proxy := &webhook.Proxy{URL: &url.URL{Scheme: "http", Host: "proxy.example.com:3128"}, AddressesCheckedBy: webhook.ByProxy}
	cases := map[string]struct {
		o     webhook.Options
		field string
	}{
		"capacity below 0":           {webhook.Options{Capacity: -1}, "Capacity"},
		"lane below 0":               {webhook.Options{PerLane: -1}, "PerLane"},
		"lane above capacity":        {webhook.Options{Capacity: 2, PerLane: 3}, "PerLane"},
		"lane above the default":     {webhook.Options{PerLane: 65}, "PerLane"},
		"rate below 0":               {webhook.Options{Rate: -1}, "Rate"},
		"rate not a number":          {webhook.Options{Rate: math.NaN()}, "Rate"},
		"rate infinite":              {webhook.Options{Rate: math.Inf(1)}, "Rate"},
		"rate too small to enforce":  {webhook.Options{Rate: 1e-9}, "Rate"},
		"burst below 0":              {webhook.Options{Rate: 1, Burst: -1}, "Burst"},
		"burst without rate":         {webhook.Options{Burst: 5}, "Burst"},
		"burst that never fills":     {webhook.Options{Rate: 1e-6, Burst: 1e6}, "Burst"},
		"timeout below 0":            {webhook.Options{Timeout: -1}, "Timeout"},
		"lease equal to the margin":  {webhook.Options{Timeout: 50 * time.Second}, "Lease"},
		"lease not above timeout":    {webhook.Options{Lease: 40 * time.Second}, "Lease"},
		"lease below 0":              {webhook.Options{Lease: -time.Minute}, "Lease"},
		"lease far below 0":          {webhook.Options{Lease: math.MinInt64}, "Lease"},
		"timeout that overflows":     {webhook.Options{Timeout: math.MaxInt64}, "Timeout"},
		"poll below 0":               {webhook.Options{Poll: -1}, "Poll"},
		"drain below 0":              {webhook.Options{Drain: -1}, "Drain"},
		"dispatch timeout below 0":   {webhook.Options{DispatchTimeout: -1}, "DispatchTimeout"},
		"history too short":          {webhook.Options{History: 71 * time.Hour}, "History"},
		"breaker opens below 0":      {webhook.Options{Breaker: webhook.Breaker{Open: -1}}, "Breaker.Open"},
		"breaker opens past its max": {webhook.Options{Breaker: webhook.Breaker{Open: time.Hour, MaxOpen: time.Minute}}, "Breaker.MaxOpen"},
		"transport and dialer":       {webhook.Options{Transport: &receiver{}, DialContext: dial}, "DialContext"},
		"transport and roots":        {webhook.Options{Transport: &receiver{}, RootCAs: x509.NewCertPool()}, "RootCAs"},
		"transport and proxy":        {webhook.Options{Transport: &receiver{}, Proxy: proxy}, "Proxy"},
		"transport and resolver":     {webhook.Options{Transport: &receiver{}, Resolver: &net.Resolver{}}, "Resolver"},
		"dialer and resolver":        {webhook.Options{DialContext: dial, Resolver: &net.Resolver{}}, "Resolver"},
		"dialer and proxy":           {webhook.Options{DialContext: dial, Proxy: proxy}, "Proxy"},
		"proxy without URL":          {webhook.Options{Proxy: &webhook.Proxy{AddressesCheckedBy: webhook.ByProxy}}, "Proxy.URL"},
		"proxy without host":         {webhook.Options{Proxy: &webhook.Proxy{URL: &url.URL{Scheme: "http"}, AddressesCheckedBy: webhook.ByProxy}}, "Proxy.URL"},
		"proxy of another scheme":    {webhook.Options{Proxy: &webhook.Proxy{URL: &url.URL{Scheme: "ftp", Host: "h"}, AddressesCheckedBy: webhook.ByProxy}}, "Proxy.URL"},
		"proxy without a check":      {webhook.Options{Proxy: &webhook.Proxy{URL: proxy.URL}}, "Proxy.AddressesCheckedBy"},
		"proxy with unknown checker": {webhook.Options{Proxy: &webhook.Proxy{URL: proxy.URL, AddressesCheckedBy: 3}}, "Proxy.AddressesCheckedBy"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.New(newStore(t), webhook.Automation(), &c.o)
			if !errors.Is(err, webhook.ErrInvalid) || !strings.Contains(err.Error(), c.field) || !strings.HasPrefix(err.Error(), "webhook: ") {
				t.Errorf("error %v, want one that begins with webhook: and names %s", err, c.field)
			}
		})
	}
}

// Rule: New refuses a Profile that cannot work and names the field.
func TestNewRefusesProfile(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	slots := func(d time.Duration) retry.Policy { return retry.Policy{Slots: []retry.Slot{{Min: d, Max: d}}} }
	cases := map[string]struct {
		change func(*webhook.Profile)
		o      webhook.Options
		field  string
	}{
		"no name":                   {change: func(p *webhook.Profile) { p.Name = "" }, field: "Name"},
		"name with a space":         {change: func(p *webhook.Profile) { p.Name = "my profile" }, field: "Name"},
		"name too long":             {change: func(p *webhook.Profile) { p.Name = strings.Repeat("a", 41) }, field: "Name"},
		"useless prefix":            {change: func(p *webhook.Profile) { p.Allow.AllowPrefixes = []netip.Prefix{{}} }, field: "Allow"},
		"port that is never dialed": {change: func(p *webhook.Profile) { p.Allow = allowlist.Policy{Ports: []uint16{80}} }, field: "Allow"},
		"retry slot upside down":    {change: func(p *webhook.Profile) { p.Retry.Slots = []retry.Slot{{Min: 2, Max: 1}} }, field: "Retry"},
		"horizon past the history":  {change: func(p *webhook.Profile) { p.Retry, p.MaxAge = slots(4*day), 9*day }, o: webhook.Options{History: 3 * day}, field: "History"},
		"horizon past the age":      {change: func(p *webhook.Profile) { p.Retry = slots(8 * day) }, field: "MaxAge"},
		"limit below 0":             {change: func(p *webhook.Profile) { p.Form.MaxPerScope = -1 }, field: "MaxPerScope"},
		"body below 0":              {change: func(p *webhook.Profile) { p.MaxBody = -1 }, field: "MaxBody"},
		"body above all fan-out":    {change: func(p *webhook.Profile) { p.MaxBody = 64<<20 + 1 }, field: "MaxBody"},
		"age below 0":               {change: func(p *webhook.Profile) { p.MaxAge = -1 }, field: "MaxAge"},
		"disabling before it began": {change: func(p *webhook.Profile) { p.DisableAfter = -1 }, field: "DisableAfter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := webhook.Automation()
			c.change(&p)
			_, err := webhook.New(newStore(t), p, &c.o)
			if !errors.Is(err, webhook.ErrInvalid) || !strings.Contains(err.Error(), c.field) || !strings.HasPrefix(err.Error(), "webhook: ") {
				t.Errorf("error %v, want one that begins with webhook: and names %s", err, c.field)
			}
		})
	}
	if _, err := webhook.New(nil, webhook.Automation(), nil); !errors.Is(err, webhook.ErrInvalid) || !strings.Contains(err.Error(), "Store") {
		t.Errorf("without a Store: %v", err)
	}
}

// Rule: the bounds themselves are accepted, and so are zero values.
func TestNewAccepts(t *testing.T) {
	t.Parallel()
	proxy := &webhook.Proxy{URL: &url.URL{Scheme: "socks5", Host: "proxy.example.com"}, AddressesCheckedBy: webhook.ByLookup}
	for name, o := range map[string]*webhook.Options{
		"nil":                  nil,
		"zero":                 {},
		"capacity of one":      {Capacity: 1},
		"lane as capacity":     {Capacity: 5, PerLane: 5},
		"lease just above":     {Timeout: 50 * time.Second, Lease: time.Minute + 1},
		"shortest history":     {History: 72 * time.Hour},
		"all history":          {History: -1},
		"rate without burst":   {Rate: 0.5},
		"breaker never":        {Breaker: webhook.Breaker{Failures: -1}},
		"breaker above 10 min": {Breaker: webhook.Breaker{Open: time.Hour}},
		"proxy":                {Proxy: proxy, RootCAs: x509.NewCertPool()},
	} {
		if _, err := webhook.New(newStore(t), webhook.Automation(), o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Rule: New copies the Options, so later changes by the host have no effect.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var old, late int
		obs := &webhook.Observer{Settled: func(context.Context, webhook.Delivery) { old++ }}
		o := &webhook.Options{Transport: &receiver{}, Observer: obs}
		h := newHost(t, newStore(t), webhook.Automation(), o)
		obs.Settled = func(context.Context, webhook.Delivery) { late++ }
		o.Transport, o.Capacity = nil, -1
		h.start()
		defer h.stop()
		h.add("one")
		h.dispatch()
		settled(time.Second)
		if old != 1 || late != 0 {
			t.Errorf("observers called %d and %d times, want 1 and 0", old, late)
		}
	})
}

// Rule: the documented defaults are in force: 64 active requests, 4 of them for one webhook,
// 50 ms until a request is slow, 30 s for one attempt.
func TestDefaults(t *testing.T) {
	t.Parallel()
	var hangs atomic.Bool
	to := &receiver{answer: func(n int, _ request) answer {
		if hangs.Load() {
			return answer{status: 200, delay: time.Hour}
		}
		return answer{status: 200}
	}}
	p := webhook.Automation()
	p.Form.MaxPerScope = 0
	inBubble(t, p, &webhook.Options{Transport: to}, func(h *host) {
		const hooks, perLane = 17, 4
		for i := range hooks {
			h.add("hook" + string(rune('a'+i)))
		}
		for i := range 3 { // three successes open the window
			h.dispatchAll(id("evt_%d", i))
			settled(time.Second)
		}
		to.reset()
		hangs.Store(true)
		begin := time.Now()
		for i := range 5 {
			h.dispatchAll(id("evt_late_%d", i))
		}
		settled(49 * time.Millisecond)
		if s := h.Status(); s.Active != 64 || s.InFlight != 64 {
			t.Errorf("%d active, %d in flight, want 64", s.Active, s.InFlight)
		}
		settled(500 * time.Millisecond)
		byURL := map[string]int{}
		for _, r := range to.seen() {
			byURL[r.URL]++
		}
		for u, n := range byURL {
			if n != perLane {
				t.Errorf("%d requests in flight to %s, want 4", n, u)
			}
		}
		if s := h.Status(); s.Active != 0 || s.InFlight != hooks*perLane {
			t.Errorf("%d active, %d in flight, want none and %d: slow requests hold no slot", s.Active, s.InFlight, hooks*perLane)
		}
		settled(30*time.Second - time.Since(begin) - 1)
		if n := len(to.seen()); n != hooks*perLane {
			t.Errorf("%d requests before the timeout, want %d", n, hooks*perLane)
		}
		settled(time.Second)
		ds, _, err := h.hooks.Deliveries(context.Background(), webhook.Query{Scope: scope, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		timedOut := 0
		for _, d := range ds {
			if d.LastCode == webhook.CodeTimeout {
				timedOut++
			}
		}
		if timedOut != hooks*perLane {
			t.Errorf("%d attempts timed out after 30 s, want %d", timedOut, hooks*perLane)
		}
	})
}

// Rule: values that the Options point to are copied too, such as the proxy's URL.
func TestProxyIsCopied(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	go func() {
		defer close(asked)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		line, _ := bufio.NewReader(c).ReadString('\n')
		asked <- line
	}()
	o := &webhook.Options{Proxy: &webhook.Proxy{URL: &url.URL{Scheme: "http", Host: l.Addr().String()}, AddressesCheckedBy: webhook.ByProxy}}
	d, err := webhook.New(newStore(t), webhook.Automation(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Proxy.URL.Host = "127.0.0.1:1"
	m, err := d.Manager()
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Add(t.Context(), webhook.Webhook{Scope: scope, Name: "one", URL: automation + "one",
		Secrets: []webhook.Secret{webhook.NewSecret(token)}, Events: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := m.Test(t.Context(), scope, w.ID); err != nil || a.OK() {
		t.Errorf("Test through a proxy that hangs up: %+v, %v", a, err)
	}
	l.Close()
	if got := <-asked; !strings.HasPrefix(got, "CONNECT api-private.atlassian.com:443 ") {
		t.Errorf("the first proxy was asked %q", got)
	}
}
