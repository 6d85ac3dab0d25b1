package matrix

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// blackhole sends to a port that answers no SYN: its listener accepts nothing, and its queue of
// connections is full. The kernel's table of sockets tells when it is. A dial that fails by its own
// timeout does not: without a processor it may end before it has sent anything.
func (s *scene) blackhole() {
	s.t.Helper()
	both := hostile.SamePort(s.t, unusedIP, forbiddenIP)
	lis := both[0]
	s.t.Cleanup(func() { _ = lis.Close() })
	raw, err := lis.(*net.TCPListener).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }) // room for one connection
	}
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := net.Dial("tcp4", lis.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	full := fmt.Appendf(nil, ": 0400007F:%04X 00000000:0000 0A 00000000:00000001 ", lis.Addr().(*net.TCPAddr).Port) // of unusedIP, listens, one waits
	hostile.Await(s.t, "a full queue of connections", func() bool {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil && os.Getenv("CI") == "" {
			s.t.Skip(err)
		}
		return bytes.Contains(table, full)
	})
	s.sendToUnused(both[1])
}
