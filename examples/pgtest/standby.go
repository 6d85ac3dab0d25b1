package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Standby makes a read-only copy of a running server, which follows it, and starts it at its own
// address. With sync the server acknowledges a commit only after the standby has it, so that a
// promotion loses none.
func (s *Server) Standby(ctx context.Context, sync bool) (*Server, error) {
	dir, err := os.MkdirTemp("", "postrider-pg-")
	if err != nil {
		return nil, err
	}
	standby := &Server{bin: s.bin, dir: dir, cred: s.cred}
	if err := standby.follow(ctx, s); err != nil {
		standby.Stop()
		return nil, err
	}
	if sync {
		err = s.wait(ctx)
	}
	if err != nil {
		standby.Stop()
		return nil, err
	}
	return standby, nil
}

func (s *Server) follow(ctx context.Context, primary *Server) error {
	if s.cred != nil {
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	backup := s.command(ctx, "pg_basebackup", "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "-d",
		strings.Replace(primary.DSN("postgres"), "?", "?application_name=standby&", 1))
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg: pg_basebackup: %w: %s", err, bytes.TrimSpace(out))
	}
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("unix_socket_directories='" + s.dir + "'\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.Up(ctx)
}

// wait makes commits wait for the standby. A session learns of a new setting between two statements
// only, so each look at it is a session of its own. The checkpointer tells the sessions whether to
// wait at all: it reads the setting before the checkpoint that it is asked for.
func (s *Server) wait(ctx context.Context) error {
	err := s.psql(ctx, "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
	for err == nil {
		if s.psql(ctx, "SELECT 1 / (SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync')") == nil {
			return s.psql(ctx, "CHECKPOINT")
		}
		select {
		case <-s.ended:
			return fmt.Errorf("pgtest: the server ended: %s", s.Log())
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

// psql runs statements in a session of their own.
func (s *Server) psql(ctx context.Context, statements ...string) error {
	args := []string{"-q", "-v", "ON_ERROR_STOP=1", "-h", s.dir, "-p", strconv.Itoa(s.port), "-U", "postgres"}
	for _, one := range statements {
		args = append(args, "-c", one)
	}
	if out, err := s.command(ctx, "psql", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: %q: %w: %s", statements, err, bytes.TrimSpace(out))
	}
	return nil
}

// Promote turns a standby into a server that accepts writes, and waits until it does.
func (s *Server) Promote(ctx context.Context) error {
	if out, err := s.command(ctx, "pg_ctl", "promote", "-w", "-D", s.data()).CombinedOutput(); err != nil {
		return fmt.Errorf("pg: promote: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Address is the host and the port of the server, for a DSN that names several.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }
