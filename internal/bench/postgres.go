package main

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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is a throw-away PostgreSQL with fsync on and the settings of a new cluster, apart from
// those in postgresConf.
type postgres struct {
	dir, port string
	cmd       *exec.Cmd
	made      int // databases
}

const postgresConf = "listen_addresses='127.0.0.1'\nshared_buffers=256MB\nmax_connections=200\nmax_wal_size=2GB\n"

var errNoPostgres = errors.New("bench: PostgreSQL is not installed: looked for initdb in PATH and in /usr/lib/postgresql/*/bin")

func startPostgres(ctx context.Context) (p *postgres, err error) {
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			return nil, errNoPostgres
		}
		initdb = found[len(found)-1]
	}
	p = &postgres{}
	if p.dir, err = os.MkdirTemp("", "postrider-bench-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	as, err := unprivileged(p.dir)
	if err != nil {
		return nil, err
	}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	data := filepath.Join(p.dir, "data")
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(initdb), name), args...)
		cmd.Dir, cmd.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: as}
		return cmd
	}
	if out, err := run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bench: initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(postgresConf + "unix_socket_directories='" + p.dir + "'\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	p.cmd = run("postgres", "-D", data, "-p", p.port)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGINT) }
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return nil, err
	}
	for range 200 {
		conn, err := pgx.Connect(ctx, p.dsn("postgres"))
		if err == nil {
			return p, conn.Close(ctx)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.New("bench: PostgreSQL did not start")
}

// unprivileged chooses the user of the server, which refuses to run as root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
	}
	return nil, errors.New("bench: root may not run PostgreSQL, and there is no user postgres or nobody")
}

func (p *postgres) stop() {
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		_ = p.cmd.Wait()
	}
	_ = os.RemoveAll(p.dir)
}

func (p *postgres) pid() int { return p.cmd.Process.Pid }

func (p *postgres) dsn(database string) string {
	return "postgres://postgres@127.0.0.1:" + p.port + "/" + database + "?sslmode=disable"
}

// fresh makes an empty database, and returns its address and a function that drops it.
func (p *postgres) fresh(ctx context.Context) (dsn string, drop func(), err error) {
	p.made++
	name := fmt.Sprintf("bench%d", p.made)
	exec := func(sql string) error {
		conn, err := pgx.Connect(ctx, p.dsn("postgres"))
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, sql)
		return errors.Join(err, conn.Close(ctx))
	}
	return p.dsn(name), func() { _ = exec("DROP DATABASE " + name + " WITH (FORCE)") }, exec("CREATE DATABASE " + name)
}

// analyze updates the statistics of a database that has just been filled. It makes no checkpoint,
// because in use rows are claimed and settled soon after they were inserted, with their pages still
// unwritten.
func analyze(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ANALYZE")
	return errors.Join(err, conn.Close(ctx))
}

// transactions counts those of a database, as far as its sessions have reported them.
func (p *postgres) transactions(ctx context.Context, dsn string) (n float64, err error) {
	conn, err := pgx.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return 0, err
	}
	name := dsn[strings.LastIndexByte(dsn, '/')+1:]
	name, _, _ = strings.Cut(name, "?")
	err = conn.QueryRow(ctx, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1", name).Scan(&n)
	return n, errors.Join(err, conn.Close(ctx))
}

// version returns the server's version.
func (p *postgres) version(ctx context.Context) (version string) {
	conn, err := pgx.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return err.Error()
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return err.Error()
	}
	return version
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
