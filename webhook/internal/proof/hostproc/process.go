package hostproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Process is a running host, from its parent's side. Its methods are safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	in   io.Closer
	read chan struct{} // closed after the last report

	mu      sync.Mutex
	broken  string
	counts  map[Kind]int
	changed chan struct{}
}

// Start starts a host. It passes each report to on, one at a time.
func Start(cfg Config, on func(Report)) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(self, argument), read: make(chan struct{}), counts: make(map[Kind]int), changed: make(chan struct{})}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.cmd.Stderr = in, os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("hostproc: %w", err)
	}
	go p.listen(out, on)
	if err := json.NewEncoder(in).Encode(cfg); err != nil {
		p.Kill()
		return nil, fmt.Errorf("hostproc: %w", err)
	}
	return p, nil
}

func (p *Process) listen(out io.Reader, on func(Report)) {
	defer close(p.read)
	in := json.NewDecoder(out)
	for {
		var r Report
		if in.Decode(&r) != nil {
			return // the host has ended, perhaps within a report
		}
		on(r)
		p.mu.Lock()
		p.counts[r.Kind]++
		if r.Kind == Broken {
			p.broken = r.Text
		}
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// ErrEnded: the host ended itself.
var ErrEnded = errors.New("hostproc: the host ended")

// Wait waits until the host has made n reports of a kind.
func (p *Process) Wait(ctx context.Context, k Kind, n int) error {
	for {
		p.mu.Lock()
		have, changed := p.counts[k], p.changed
		p.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-p.read:
			p.mu.Lock()
			have, broken := p.counts[k], p.broken
			p.mu.Unlock()
			if have >= n {
				return nil
			}
			return fmt.Errorf("%w before %q: %s", ErrEnded, k, broken)
		case <-ctx.Done():
			return fmt.Errorf("hostproc: waiting for %q: %w", k, ctx.Err())
		}
	}
}

// Count is the number of reports of a kind.
func (p *Process) Count(k Kind) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[k]
}

// Kill ends the host with SIGKILL, and returns after its last report.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.end()
}

// Signal sends a signal, such as SIGCONT.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Freeze stops the host with SIGSTOP and returns when all of its threads have stopped. The signal
// alone is not enough: a thread inside a system call stops when the call returns, which may be
// after it took a lock of the database.
func (p *Process) Freeze() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.PID(), &status, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("hostproc: waiting for the host to stand still: %w", err)
		case !status.Stopped():
			return fmt.Errorf("%w instead of standing still", ErrEnded)
		default:
			return nil
		}
	}
}

// Stop ends the host gracefully and returns its error.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.end()
}

func (p *Process) end() error {
	<-p.read
	err := p.cmd.Wait()
	_ = p.in.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.broken != "" {
		return fmt.Errorf("hostproc: %w: %s", err, p.broken)
	}
	return err
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }
