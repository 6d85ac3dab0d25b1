package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// job is one measurement, made by its own process, so that CPU time, memory and garbage of one
// contender do not count for another.
type job struct {
	Part       string  // which function of parts makes it
	Contender  string  // see newSender
	Receiver   string  // host:port
	DSN        string  // PostgreSQL, where the contender needs it
	StorePID   int     // process whose CPU time, with its children's, is the store's
	Redis      string  // host:port
	Dir        string  // for files
	InFlight   int     // limit of requests in flight
	PerLane    int     // limit for one endpoint; 0 means Postrider's default
	Endpoints  int     // deliveries go to each in turn
	Hanging    int     // the number of endpoints that never answer
	Deliveries int     // drain: how many
	Rate       int     // open loop: events per second
	Seconds    float64 // open loop: how long
	Fan        int     // fan-out: webhooks of one event
	Keys       int     // drain: over so many keys, in order; 0 without
	Hosts      int     // hosts: how many share the database
	Crowd      string  // tenants: the behaviour of the others
	Profile    string  // drain: folder for profiles; empty for none
}

// figures are the results of a job, by the names in tables.
type figures map[string]float64

const jobTimeout = 4 * time.Minute

// parts are the measurements that a child process can make.
var parts = map[string]func(context.Context, job) (figures, error){
	"drain":    drain,
	"openloop": openLoop,
	"fanout":   fanOut,
	"hosts":    hosts,
	"memory":   memory,
	"tenants":  tenants,
	"idle":     idle,
	"hold":     hold,
	"resume":   resume,
}

// child makes the measurement on its standard input and writes the figures to standard output.
func child() error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return err
	}
	part, ok := parts[j.Part]
	if !ok {
		return fmt.Errorf("bench: no part %q", j.Part)
	}
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	f, err := part(ctx, j)
	if err != nil {
		return fmt.Errorf("bench: %s of %s: %w", j.Part, j.Contender, err)
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// process is a running child.
type process struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func (j job) start(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, "-as", "job")}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = bytes.NewReader(in), &p.out, os.Stderr
	return p, p.cmd.Start()
}

func (p *process) wait() (figures, error) {
	if err := p.cmd.Wait(); err != nil {
		return nil, err
	}
	var f figures
	return f, json.Unmarshal(p.out.Bytes(), &f)
}

// kill ends the process like a crash.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	var exit *exec.ExitError
	if werr := p.cmd.Wait(); !errors.As(werr, &exit) {
		return errors.Join(err, werr)
	}
	return err
}
