package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// client calls the tracker's REST API and prints the answers.
type client struct {
	out  io.Writer
	base string
}

func (c *client) title(text string) { fmt.Fprintf(c.out, "\n%s\n", text) }

// do makes a request as a user and returns the object of the answer.
func (c *client) do(as, method, path string, want int, body string) (map[string]any, error) {
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(as, passwords[as])
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(text)
	fmt.Fprintf(c.out, "  %s %s -> %d\n", method, path, answer.StatusCode)
	if len(text) > 0 {
		fmt.Fprintf(c.out, "    %s\n", text)
	}
	if answer.StatusCode != want {
		return nil, fmt.Errorf("%s %s: status %d, want %d", method, path, answer.StatusCode, want)
	}
	object := map[string]any{}
	if bytes.HasPrefix(text, []byte("{")) {
		err = json.Unmarshal(text, &object)
	}
	return object, err
}
