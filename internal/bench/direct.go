package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/valyala/fasthttp"
)

const requestTimeout = 30 * time.Second

// direct is a queue in memory with a goroutine for each request in flight: a solution that takes an
// hour to write and loses its deliveries in a crash.
type direct struct {
	setup
	queue chan event
	post  func() func(context.Context, event) error // one for each goroutine
}

func newDirect(s setup) (*direct, error) {
	d := &direct{setup: s, queue: make(chan event, queueLength)}
	shared := func(post func(context.Context, event) error) func() func(context.Context, event) error {
		return func() func(context.Context, event) error { return post }
	}
	t := tunedTransport(s.job, s.InFlight)
	switch s.Contender {
	case netHTTP:
		d.post = shared(viaClient(s.job, &http.Client{Transport: t, Timeout: requestTimeout}))
	case roundTrip:
		d.post = shared(viaRoundTrip(s.job, t))
	case retryable:
		c := retryablehttp.NewClient()
		c.HTTPClient = &http.Client{Transport: t, Timeout: requestTimeout}
		c.Logger, c.RetryMax = nil, 0
		d.post = shared(viaRetryable(s.job, c))
	case fastHTTP:
		d.post = shared(viaFastHTTP(s.job))
	case rawBytes:
		d.post = func() func(context.Context, event) error { return (&wire{job: s.job}).post }
	}
	return d, nil
}

func (d *direct) dispatch(ctx context.Context, evs ...event) error {
	for _, e := range evs {
		select {
		case d.queue <- e:
		default:
			return errors.New("the queue is full")
		}
	}
	return nil
}

func (d *direct) run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range d.InFlight {
		workers.Go(func() {
			post := d.post()
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-d.queue:
					d.done(post(ctx, e))
				}
			}
		})
	}
	workers.Wait()
	return nil
}

func (d *direct) close() {}

// tunedTransport keeps a connection for every request in flight and dials the receiver for every
// name.
func tunedTransport(j job, inFlight int) *http.Transport {
	var dialer net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, j.Receiver)
		},
		MaxIdleConnsPerHost: inFlight,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
}

func (j job) url(endpoint int) string { return "http://" + j.host(endpoint) + j.path(endpoint) }

func viaClient(j job, c *http.Client) func(context.Context, event) error {
	return func(ctx context.Context, e event) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.url(e.endpoint), bytes.NewReader(body))
		if err != nil {
			return err
		}
		for _, h := range headers {
			req.Header.Set(h[0], h[1])
		}
		req.Header.Set(idHeader, e.id)
		return judge(c.Do(req))
	}
}

func viaRetryable(j job, c *retryablehttp.Client) func(context.Context, event) error {
	return func(ctx context.Context, e event) error {
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, j.url(e.endpoint), body)
		if err != nil {
			return err
		}
		for _, h := range headers {
			req.Header.Set(h[0], h[1])
		}
		req.Header.Set(idHeader, e.id)
		return judge(c.Do(req))
	}
}

// viaRoundTrip prepares an endpoint's URL and headers once.
func viaRoundTrip(j job, t *http.Transport) func(context.Context, event) error {
	prepared := make([]*http.Request, j.Endpoints)
	for i := range prepared {
		u := &url.URL{Scheme: "http", Host: j.host(i), Path: j.path(i)}
		h := make(http.Header, len(headers)+1)
		for _, one := range headers {
			h.Set(one[0], one[1])
		}
		prepared[i] = &http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: h,
			ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	}
	return func(ctx context.Context, e event) error {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		req := prepared[e.endpoint].WithContext(ctx)
		req.Header = make(http.Header, len(headers)+1)
		for k, v := range prepared[e.endpoint].Header {
			req.Header[k] = v
		}
		req.Header[idHeader] = []string{e.id}
		req.Body = io.NopCloser(bytes.NewReader(body))
		return judge(t.RoundTrip(req))
	}
}

func judge(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return err
}

func viaFastHTTP(j job) func(context.Context, event) error {
	clients := make([]*fasthttp.HostClient, j.Endpoints)
	for i := range clients {
		clients[i] = &fasthttp.HostClient{Addr: j.Receiver, MaxConns: j.InFlight, ReadTimeout: requestTimeout}
	}
	return func(_ context.Context, e event) error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(fasthttp.MethodPost)
		req.SetRequestURI(j.url(e.endpoint))
		for _, h := range headers {
			req.Header.Set(h[0], h[1])
		}
		req.Header.Set(idHeader, e.id)
		req.SetBodyRaw(body)
		if err := clients[e.endpoint].Do(req, resp); err != nil {
			return err
		}
		if resp.StatusCode() != fasthttp.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode())
		}
		return nil
	}
}

// wire writes HTTP/1.1 by hand over one connection. It is the lower bound of a request's cost, not
// a client to use.
type wire struct {
	job
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func (w *wire) post(ctx context.Context, e event) (err error) {
	if w.conn == nil {
		if w.conn, err = net.Dial("tcp", w.Receiver); err != nil {
			return err
		}
		w.in = bufio.NewReader(w.conn)
		context.AfterFunc(ctx, func() { _ = w.conn.SetDeadline(time.Now()) })
	}
	w.out = fmt.Appendf(w.out[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", w.path(e.endpoint), w.host(e.endpoint), len(body))
	for _, h := range headers {
		w.out = append(append(append(append(w.out, h[0]...), ": "...), h[1]...), "\r\n"...)
	}
	w.out = append(append(append(append(w.out, idHeader+": "...), e.id...), "\r\n\r\n"...), body...)
	if _, err := w.conn.Write(w.out); err != nil {
		return err
	}
	return w.readAnswer()
}

// readAnswer reads a response with a Content-Length, as the receiver sends it.
func (w *wire) readAnswer() error {
	var length, status int
	for first := true; ; first = false {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if first && len(line) > 12 {
			status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = 0
			for _, c := range bytes.TrimRight(rest, "\r\n") {
				length = length*10 + int(c-'0')
			}
		}
	}
	if _, err := w.in.Discard(length); err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return nil
}
