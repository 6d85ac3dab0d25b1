package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// received holds a receiver's counts since the latest reset. Times count from the moment written in
// an event's identifier; the sender and the receiver share a clock.
type received struct {
	Healthy, Prompt int // answered at once, and those of them within a second
	Hung            int // requests to endpoints that hang
	P50, P99        time.Duration
	CPU             time.Duration // of the receiver, since it started
}

// desk is the receiver's side: the path of a request names its endpoint.
type desk struct {
	mu      sync.Mutex
	took    []time.Duration
	hung    int
	turned  bool          // prompt endpoints hang now
	release chan struct{} // closed: no endpoint hangs any more
}

// receive serves until standard input ends.
func receive() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	d := &desk{release: make(chan struct{})}
	s := &fasthttp.Server{Handler: d.handle, NoDefaultServerHeader: true, NoDefaultDate: true}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // the parent has ended
	}()
	return s.Serve(l)
}

func (d *desk) handle(c *fasthttp.RequestCtx) {
	switch string(c.Path()) {
	case "/hook":
		d.record(string(c.Request.Header.Peek("Webhook-Id")))
	case "/hang":
		d.hang(true)
	case "/turn":
		d.hang(false)
	case "/_turn":
		d.mu.Lock()
		d.turned = true
		d.mu.Unlock()
		return
	case "/_reset":
		d.mu.Lock()
		close(d.release)
		d.took, d.hung, d.turned, d.release = nil, 0, false, make(chan struct{})
		d.mu.Unlock()
	case "/_release":
		d.mu.Lock()
		close(d.release)
		d.mu.Unlock()
		return
	case "/_stats":
		d.mu.Lock()
		r := received{Healthy: len(d.took), Hung: d.hung, CPU: ownCPU()}
		took := slices.Clone(d.took)
		d.mu.Unlock()
		for _, t := range took {
			if t <= time.Second {
				r.Prompt++
			}
		}
		if slices.Sort(took); len(took) > 0 {
			r.P50, r.P99 = took[len(took)/2], took[len(took)*99/100]
		}
		_ = json.NewEncoder(c).Encode(r)
		return
	}
	c.SetBodyString("ok")
}

// hang answers after the release, or at once where always is false and "/_turn" was not called.
func (d *desk) hang(always bool) {
	d.mu.Lock()
	if !always && !d.turned {
		d.mu.Unlock()
		return
	}
	d.hung++
	release := d.release
	d.mu.Unlock()
	<-release
}

func (d *desk) record(id string) {
	rest, counts := strings.CutPrefix(id, "evt_")
	if !counts {
		return
	}
	sent, _, _ := strings.Cut(rest, "_")
	ns, err := strconv.ParseInt(sent, 36, 64)
	if err != nil {
		return
	}
	took := time.Since(time.Unix(0, ns))
	d.mu.Lock()
	d.took = append(d.took, took)
	d.mu.Unlock()
}

// eventID is an identifier with the time of the event.
func eventID(n int) string {
	return "evt_" + strconv.FormatInt(time.Now().UnixNano(), 36) + "_" + strconv.Itoa(n)
}

// warmID is an identifier that the receiver does not count.
func warmID(n int) string { return "warm_" + strconv.Itoa(n) }

// receiver is the parent's handle on a receiver process.
type receiver struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer
}

func startReceiver(ctx context.Context) (*receiver, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &receiver{cmd: exec.CommandContext(ctx, self, "-as", "receiver")}
	r.cmd.Stderr = os.Stderr
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	r.addr = strings.TrimSpace(line)
	return r, nil
}

func (r *receiver) stop() error {
	return errors.Join(r.in.Close(), r.cmd.Wait())
}

func (r *receiver) get(path string, into any) error {
	resp, err := http.Get("http://" + r.addr + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (r *receiver) reset() error   { return r.get("/_reset", nil) }
func (r *receiver) release() error { return r.get("/_release", nil) }

func (r *receiver) stats() (s received, err error) {
	err = r.get("/_stats", &s)
	return s, err
}
