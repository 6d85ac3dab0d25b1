// Command credentials changes the credentials of webhooks under traffic, and counts the requests
// that their receivers refused. It needs only Go: the receivers run inside.
//
//	go run ./examples/credentials            # every scene; exit code 1 when a request was refused or sent twice
//	go run ./examples/credentials rotation   # one of them
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// scene is one change of credentials under traffic. play describes its steps on out and returns the
// failure.
type scene struct {
	name string
	play func(ctx context.Context, say func(format string, args ...any)) error
}

// scenes are played in this order.
var scenes = []scene{
	{"rotation", rotation},
	{"renewal", renewal},
	{"certificate", certificate},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "credentials:", err)
		os.Exit(1)
	}
}

// run plays the named scenes, or all where none is named.
func run(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(scenes, func(s scene) bool { return s.name == name }) {
			var known []string
			for _, s := range scenes {
				known = append(known, s.name)
			}
			return fmt.Errorf("there is no scene %q, name some of %s", name, strings.Join(known, ", "))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, s := range scenes {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		say := func(format string, args ...any) { fmt.Printf(s.name+": "+format+"\n", args...) }
		if err := s.play(ctx, say); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
