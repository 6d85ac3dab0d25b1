// Command docs writes docs/payloads.md, the reference for receivers, from the Go types, schemas and
// policies:
//
//	go run ./webhook/internal/proof/docs
//
// A test fails when the file and the code differ.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "docs/payloads.md", "where to write")
	flag.Parse()
	text, err := payloads()
	if err == nil {
		err = os.WriteFile(*out, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}
