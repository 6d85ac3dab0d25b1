package matrix

import (
	"net"
	"os"
	"syscall"

	"github.com/postrider/postrider/webhook/internal/proof/hostile"
)

// blackhole sends to a port that answers no SYN: its listener accepts nothing, and its queue of
// connections is full.
func (s *scene) blackhole() {
	s.t.Helper()
	both := hostile.SamePort(s.t, unusedIP, forbiddenIP)
	lis := both[0]
	s.t.Cleanup(func() { _ = lis.Close() })
	raw, err := lis.(*net.TCPListener).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }) // the shortest queue
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for range 20 {
		c, err := net.DialTimeout("tcp4", lis.Addr().String(), bounds[0])
		if err != nil {
			s.sendToUnused(both[1])
			return
		}
		s.t.Cleanup(func() { _ = c.Close() })
	}
	const why = "the system takes connections although their queue is full"
	if os.Getenv("CI") != "" {
		s.t.Fatal(why)
	}
	s.t.Skip(why)
}
