package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// missing is the reason why the libraries for JavaScript cannot run, and withoutPython that for
// Python; empty when they can.
var missing, withoutPython string

// TestMain installs the libraries, so that no test passes because a judge is missing.
func TestMain(m *testing.M) {
	missing = install()
	if _, err := exec.LookPath("python3"); err != nil {
		withoutPython = "python3 is not installed"
	}
	if missing+withoutPython != "" && os.Getenv("CI") != "" {
		fmt.Fprintf(os.Stderr, "oracle: %s %s; run npm ci in internal/oracle first, and install python3\n", missing, withoutPython)
		os.Exit(1)
	}
	if missing != "" {
		fmt.Fprintf(os.Stderr, "oracle: SKIPPED, nothing was judged by a library for JavaScript: %s\n", missing)
	}
	if withoutPython != "" {
		fmt.Fprintf(os.Stderr, "oracle: SKIPPED, nothing was judged by Python: %s\n", withoutPython)
	}
	os.Exit(m.Run())
}

func install() (problem string) {
	if _, err := exec.LookPath("node"); err != nil {
		return "node is not installed"
	}
	// npm writes this file at the end of an installation.
	_, err := os.Stat("node_modules/.package-lock.json")
	switch {
	case err == nil:
		return ""
	case !errors.Is(err, fs.ErrNotExist):
		return err.Error()
	case os.Getenv("CI") != "":
		return "node_modules is missing"
	}
	out, err := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("npm ci: %v: %s", err, bytes.TrimSpace(out))
	}
	return ""
}

// needsNode skips a test without the libraries for JavaScript; TestMain has reported why.
func needsNode(t *testing.T) {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
}

// ask runs one command of judge.js.
func ask[Answer any](t *testing.T, command string, question any) (answer Answer) {
	t.Helper()
	needsNode(t)
	return judge[Answer](t, question, "node", "judge.js", command)
}

// needsJSONSchema skips a test where Python has no package jsonschema.
func needsJSONSchema(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("python3", "-c", "import jsonschema").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("install python3-jsonschema: %s", out)
		}
		t.Skip("python3-jsonschema is not installed")
	}
}

// askPython runs one command of judge.py.
func askPython[Answer any](t *testing.T, command string, question any) (answer Answer) {
	t.Helper()
	if withoutPython != "" {
		t.Skip(withoutPython)
	}
	return judge[Answer](t, question, "python3", "judge.py", command)
}

func judge[Answer any](t *testing.T, question any, program string, args ...string) (answer Answer) {
	t.Helper()
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &problems
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, problems.String())
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %v in %.1000s", args, err, strings.TrimSpace(out.String()))
	}
	return answer
}
