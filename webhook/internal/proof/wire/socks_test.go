package wire_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// socksServer is a server of RFC 1928. It requires a user name where it has one.
type socksServer struct {
	user, password string
	reply          byte
	silent         bool // after the greeting
}

func (s socksServer) serve(p *testProxy, c net.Conn) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	methods := read(int(read(2)[1]))
	switch {
	case s.user == "" && bytes.IndexByte(methods, 0) >= 0:
		_, _ = c.Write([]byte{5, 0})
	case s.user != "" && bytes.IndexByte(methods, 2) >= 0:
		_, _ = c.Write([]byte{5, 2})
		name := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if name != s.user || password != s.password {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
	default:
		_, _ = c.Write([]byte{5, 0xff})
		return
	}
	if s.silent {
		hush(p, c)
		return
	}
	head := read(4)
	var host string
	switch head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = "[" + net.IP(read(16)).String() + "]"
	}
	port := read(2)
	p.record(strings.TrimSpace(fmt.Sprintf("%s %s %s:%d", s.user, s.password, host, int(port[0])<<8|int(port[1]))))
	_, _ = c.Write([]byte{5, s.reply, 0, 1, 127, 0, 0, 1, 0, 80})
	if s.reply == 0 {
		p.join(c, c)
	}
}

// Rule: the number codes of a SOCKS proxy have the same results as the statuses of a CONNECT proxy.
func TestSOCKSFailures(t *testing.T) {
	t.Parallel()
	user := url.UserPassword("user", "password")
	tests := []struct {
		name  string
		serve func(*testProxy, net.Conn)
		user  *url.Userinfo
		want  string
	}{
		{"works", socksServer{}.serve, nil, "200"},
		{"works with a needless user name", socksServer{}.serve, user, "200"},
		{"wants a user name", socksServer{user: "user"}.serve, nil, "egress proxy_auth"},
		{"wants another password", socksServer{user: "user", password: "other"}.serve, user, "egress proxy_auth"},
		{"general failure", socksServer{reply: 1}.serve, nil, "connect unreachable"},
		{"forbids the target", socksServer{reply: 2}.serve, nil, "protocol proxy_refused"},
		{"no network", socksServer{reply: 3}.serve, nil, "connect unreachable"},
		{"no host", socksServer{reply: 4}.serve, nil, "connect unreachable"},
		{"target refuses", socksServer{reply: 5}.serve, nil, "connect refused"},
		{"target is too slow", socksServer{reply: 6}.serve, nil, "connect timeout"},
		{"knows no such command", socksServer{reply: 7}.serve, nil, "egress proxy"},
		{"says nothing", hush, nil, "egress proxy"},
		{"waits for the target", socksServer{silent: true}.serve, nil, "connect timeout"},
		{"hangs up", func(*testProxy, net.Conn) {}, nil, "egress proxy"},
		{"is another server", answering("200"), nil, "egress proxy"},
		{"is older", func(_ *testProxy, c net.Conn) { _, _ = c.Read(make([]byte, 3)); _, _ = c.Write([]byte{4, 0}) }, nil, "egress proxy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, hostile.Options{})
			l.opts.Proxy = newTestProxy(t, l.server.Addr(), nil, tt.serve).url("socks5")
			l.opts.Proxy.User = tt.user
			if strings.HasPrefix(tt.name, "says") || strings.HasPrefix(tt.name, "waits") || strings.HasPrefix(tt.name, "is another") {
				l.opts.Dial = short
			}
			if got := l.post(l.transport()); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
