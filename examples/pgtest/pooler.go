package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// ErrNoPooler: there is no PgBouncer on this machine.
var ErrNoPooler = errors.New("pgtest: PgBouncer is not installed: looked for pgbouncer in PATH and in /usr/sbin")

// Pooler starts a PgBouncer in transaction mode in front of the server and returns a func that
// makes the DSN of a database behind it. It ends with the test. Where PgBouncer is not installed it
// skips the test, or fails it if CI is set.
func (s *Server) Pooler(t testing.TB) (dsn func(database string) string) {
	t.Helper()
	port, err := s.startPooler(t.Context(), t.Cleanup)
	switch {
	case errors.Is(err, ErrNoPooler) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return func(database string) string {
		return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", port, database)
	}
}

func (s *Server) startPooler(ctx context.Context, cleanup func(func())) (port int, err error) {
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			return 0, ErrNoPooler
		}
	}
	if port, err = freePort(); err != nil {
		return 0, err
	}
	conf := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
logfile =
pidfile =
`, s.port, port)
	path := filepath.Join(s.dir, fmt.Sprintf("pooler-%d.ini", port))
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		return 0, err
	}
	cmd := exec.Command(bin, path)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("pgtest: %w", err)
	}
	ended := make(chan struct{})
	var result error // set before ended is closed
	go func() {
		defer close(ended)
		result = cmd.Wait()
	}()
	cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, conn.Close()
		}
		select {
		case <-ended:
			return 0, fmt.Errorf("pgtest: PgBouncer ended: %w", result)
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
