// Command taskapp is a small application that runs tasks and reports their ends to automation
// rules: webhooks over SQLite, with the settings page, the operators' page and the inspector
// mounted.
//
//	go run ./examples/taskapp
//
// Open the printed address. A stand-in of an Automation rule runs inside, at the real host name, so
// no rule about URLs is relaxed; the inspector shows its requests. Add a webhook with the URL and
// the secret that the page shows, run a task, and watch it arrive. Then set the inspector's answer
// to 503, and watch the retries.
//
// It listens on 127.0.0.1 only and has no login: a host mounts the pages behind its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	port := flag.Int("port", 8090, "port on 127.0.0.1; 0 takes a free one")
	file := flag.String("db", "", "SQLite file; default is one that is removed at the end")
	realRetries := flag.Bool("real", false, "retry as in production, within minutes, instead of seconds")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *port, *file, *realRetries); err != nil {
		fmt.Fprintln(os.Stderr, "taskapp:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, port int, file string, realRetries bool) (err error) {
	if file == "" {
		dir, err := os.MkdirTemp("", "taskapp")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "tasks.db")
	}
	a, err := newApp(ctx, file, realRetries)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()

	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w (choose another port with -port)", err)
	}
	server := &http.Server{Handler: localOnly(a.routes()), ReadHeaderTimeout: 10 * time.Second}
	fmt.Printf("taskapp: open http://%s/\n", listener.Addr())

	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error)
	go func() { ended <- a.hooks.Run(running) }()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			ended <- err
			return
		}
		ended <- nil
	}()
	left := 2
	select {
	case err = <-ended: // Run failed
		left--
	case <-ctx.Done():
	}
	stop()
	// Shutdown waits five seconds for a connection that a browser has opened in advance and not
	// used.
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	err = errors.Join(err, server.Shutdown(grace))
	for ; left > 0; left-- {
		err = errors.Join(err, <-ended)
	}
	return err
}

// localOnly refuses requests that a page of another name leads here (DNS rebinding).
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "127.0.0.1" && host != "localhost" {
			http.Error(w, "taskapp answers on 127.0.0.1 only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
