// Command mutants plants one bug at a time into the library and runs the test that must catch it.
// It shows that the tests can fail.
//
//	go run ./webhook/internal/proof/mutants            # all
//	go run ./webhook/internal/proof/mutants -only lease
//	go run ./webhook/internal/proof/mutants -part 2/3  # every third, from the second on
//
// The working tree does not change: the compiler gets the changed file through an overlay. The exit
// code is 1 when a test does not catch its bug, or when a mutation does not apply any more.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "plant only the mutations whose name contains this")
	part := flag.String("part", "1/1", "plant only every n-th mutation, from the i-th on, as i/n")
	flag.Parse()
	chosen, err := choose(*only, *part)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	caught, planted, err := run(chosen)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	fmt.Printf("caught %d of %d\n", caught, planted)
	if err != nil || caught < planted {
		os.Exit(1)
	}
}

// choose returns the mutations of a part whose names contain only.
func choose(only, part string) (chosen []mutation, err error) {
	var i, n int
	if _, err := fmt.Sscanf(part, "%d/%d", &i, &n); err != nil || i < 1 || i > n {
		return nil, fmt.Errorf("-part %q: use i/n with 1 <= i <= n, such as 2/3", part)
	}
	for k, m := range gallery {
		if k%n == i-1 && strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutation is named like %q", only)
	}
	return chosen, nil
}

func run(chosen []mutation) (caught, planted int, err error) {
	root, err := moduleRoot()
	if err != nil {
		return 0, 0, err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	for _, m := range chosen {
		planted++
		began := time.Now()
		verdict, ok := m.plant(root, dir)
		if ok {
			caught++
		}
		fmt.Printf("%-8s %-52s %s (%.0fs)\n", verdict, m.name, m.test, time.Since(began).Seconds())
	}
	return caught, planted, nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/postrider/postrider").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// mutation is one planted bug.
type mutation struct {
	name     string
	file     string // below the module's root
	old, new string // old stands in file exactly once
	test     string // arguments of go test that must fail
}

// plant builds and runs the test with the bug in place.
func (m mutation) plant(root, dir string) (verdict string, caught bool) {
	path := filepath.Join(root, filepath.FromSlash(m.file))
	src, err := os.ReadFile(path)
	if err != nil || bytes.Count(src, []byte(m.old)) != 1 {
		return "STALE", false // the code has changed and the mutation must follow
	}
	changed := filepath.Join(dir, "mutant.go")
	overlay := filepath.Join(dir, "overlay.json")
	plan, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.WriteFile(changed, bytes.Replace(src, []byte(m.old), []byte(m.new), 1), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, plan, 0o600)
	}
	if err != nil {
		return "ERROR", false
	}
	args := append([]string{"test", "-overlay", overlay, "-vet=off", "-count=1", "-timeout=120s"}, strings.Fields(m.test)...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "MISSED", false
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		_, _ = os.Stderr.Write(out)
		return "BROKEN", false
	case bytes.Contains(out, []byte("no tests to run")):
		return "NO TEST", false
	case bytes.Contains(out, []byte("panic: test timed out")):
		return "HANGS", false // a hanging test may hang for another reason
	}
	return "caught", true
}
