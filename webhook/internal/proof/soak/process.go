package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// The roles of a process of this program, beside that of the parent.
const (
	hostRole     = "soak-host"
	receiverRole = "soak-receiver"
)

// child runs a child process. It returns at once in the parent.
func child() {
	if len(os.Args) != 2 {
		return
	}
	var live func(*json.Decoder, *json.Encoder) error
	switch os.Args[1] {
	case hostRole:
		live = hostMain
	case receiverRole:
		live = receiverMain
	default:
		return
	}
	if err := live(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "ended:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a child. It reads JSON from its standard input, the configuration first, and ends at
// the end of the input.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	read sync.WaitGroup
	once sync.Once
	err  error
	done chan struct{}
}

// start starts a child. It passes on every line of output, one at a time for each of the two
// outputs; the last may be incomplete.
func start(role string, config any, stdout, stderr func(line []byte)) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self, role), done: make(chan struct{})}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.read.Go(func() { lines(out, stdout) })
	p.read.Go(func() { lines(errs, stderr) })
	go func() {
		p.read.Wait()
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := json.NewEncoder(p.in).Encode(config); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

func lines(r io.Reader, each func([]byte)) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			each(line)
		}
		if err != nil {
			return
		}
	}
}

// send writes a further message to the child.
func (p *process) send(v any) error { return json.NewEncoder(p.in).Encode(v) }

// kill ends the child with SIGKILL, and returns after its last line.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.close()
}

// stop ends the child gracefully, and returns its error.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.close()
}

func (p *process) close() error {
	<-p.done
	p.once.Do(func() { _ = p.in.Close() })
	return p.err
}

func (p *process) pid() int { return p.cmd.Process.Pid }
