package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// redisServer is a throw-away Redis. It appends every command to a file that is synced once a
// second. Redis recommends this where a crash may cost a second of work, and queues on Redis are
// usually run with no more. It takes no snapshots, which would start during a measurement.
type redisServer struct {
	addr string
	dir  string
	cmd  *exec.Cmd
}

// startRedis returns nil where redis-server is not installed.
func startRedis(ctx context.Context) (*redisServer, error) {
	bin, err := exec.LookPath("redis-server")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &redisServer{addr: net.JoinHostPort("127.0.0.1", port)}
	if r.dir, err = os.MkdirTemp("", "postrider-bench-redis-"); err != nil {
		return nil, err
	}
	r.cmd = exec.CommandContext(ctx, bin, "--bind", "127.0.0.1", "--port", port, "--dir", r.dir,
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.dir))
	}
	for range 250 {
		if err = r.command("PING", "+PONG"); err == nil {
			return r, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.stop()
	return nil, fmt.Errorf("bench: redis-server did not start: %w", err)
}

// empty removes all data, also from the file.
func (r *redisServer) empty() error {
	return errors.Join(r.command("FLUSHALL", "+OK"), r.command("BGREWRITEAOF", "+Background"))
}

// command sends an inline command, which Redis accepts beside its binary protocol, and compares the
// start of the answer.
func (r *redisServer) command(command, want string) error {
	c, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, command+"\r\n"); err != nil {
		return err
	}
	got := make([]byte, 256)
	n, err := c.Read(got)
	if err == nil && !strings.HasPrefix(string(got[:n]), want) {
		err = fmt.Errorf("redis: %s: %s", command, strings.TrimSpace(string(got[:n])))
	}
	return err
}

// version of the server, as it names itself.
func (r *redisServer) version() string {
	out, _ := exec.Command(r.cmd.Path, "--version").Output()
	words := strings.Fields(string(out)) // Redis server v=7.0.15 sha=...
	if len(words) < 3 {
		return "Redis"
	}
	return "Redis " + strings.TrimPrefix(words[2], "v=")
}

func (r *redisServer) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	_ = os.RemoveAll(r.dir)
}
