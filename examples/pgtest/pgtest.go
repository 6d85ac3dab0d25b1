// Package pgtest starts a PostgreSQL server for the time of a test or a demonstration: a data
// directory in a temporary folder, a socket in it, and an address on the loopback interface. Stop
// removes all of it.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrMissing: there is no PostgreSQL on this machine.
var ErrMissing = errors.New("pgtest: PostgreSQL is not installed: looked for initdb and postgres in PATH and in /usr/lib/postgresql/*/bin")

// Server is a running server. Only Create and DSN are safe for concurrent use, while it runs.
type Server struct {
	bin, dir string
	port     int
	cred     *syscall.Credential
	cmd      *exec.Cmd
	log      *os.File
	ended    chan struct{}
}

// PortVariable is the environment variable with the port of a server on 127.0.0.1, such as one in a
// container. Tests share that server instead of starting their own. Its user postgres needs no
// password, and createdb is in PATH.
const PortVariable = "POSTRIDER_TEST_POSTGRES_PORT"

// shared is the server that PortVariable names. Its owner starts and stops it.
func shared(port string) (*Server, error) {
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %s is no port: %q", PortVariable, port)
	}
	dir, err := os.MkdirTemp("", "postrider-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, port: n}
	if os.Geteuid() == 0 {
		err = s.unprivileged() // the user of a pooler in front of it
	}
	return s, err
}

// Start makes a database cluster and starts a server on it, with fsync on and the given settings,
// each "name=value". The server refuses to run as root, so a process of root runs it as the user
// postgres, or else as the user nobody.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postrider-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	if err := s.start(ctx, settings); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func find() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) + 2*strings.Compare(b, a) })
	if p, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", ErrMissing
}

func (s *Server) start(ctx context.Context, settings []string) error {
	if os.Geteuid() == 0 {
		if err := s.unprivileged(); err != nil {
			return err
		}
	}
	data := s.data()
	initdb := s.command(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	conf := "fsync=on\nlisten_addresses='127.0.0.1'\nunix_socket_directories='" + s.dir + "'\nshared_buffers=256MB\nmax_connections=200\n"
	for _, one := range settings {
		conf += one + "\n"
	}
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(conf)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.Up(ctx)
}

// unprivileged chooses the user of the server.
func (s *Server) unprivileged() error {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(s.dir, uid, gid)
	}
	return errors.New("pgtest: root may not run PostgreSQL, and there is no user postgres or nobody")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	return cmd
}

// Up starts the server again after Down or Kill, at the same address.
func (s *Server) Up(ctx context.Context) error {
	var err error
	if s.log, err = os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("pgtest: %w", err)
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	for {
		ready := s.command(ctx, "pg_isready", "-q", "-h", s.dir, "-p", strconv.Itoa(s.port))
		if ready.Run() == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("pgtest: the server ended: %s", s.Log())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Down stops the server and keeps its data. Connections are broken off.
func (s *Server) Down() { s.end(syscall.SIGINT) }

// Kill stops the server as a crash would.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	_ = s.log.Close()
	s.cmd = nil
}

// Stop stops the server and removes its data.
func (s *Server) Stop() {
	s.Down()
	_ = os.RemoveAll(s.dir)
}

// Log returns the end of what the server has logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b[max(0, len(b)-4000):])
}

// Create makes an empty database, with options of createdb.
func (s *Server) Create(ctx context.Context, name string, options ...string) error {
	args := slices.Concat([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "postgres"}, options, []string{name})
	if out, err := s.command(ctx, "createdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: create database %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// DSN is the address of a database, in the form that pgx and lib/pq read.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
