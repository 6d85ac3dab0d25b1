package settings_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// BenchmarkList prints the cost of the page beside 50,000 deliveries, for 20 and 200 webhooks on
// SQLite and PostgreSQL: processor time and bytes of the list, of the page of one webhook, and of
// the script's requests while nothing changes. It runs in the module of the proofs, which has the
// databases.
func BenchmarkList(b *testing.B) {
	const proofs = "../internal/proof"
	if _, err := os.Stat(proofs); err != nil {
		if os.Getenv("CI") != "" {
			b.Fatal(err)
		}
		b.Skip("the proofs are not part of a download of the module: use a checkout")
	}
	for b.Loop() {
		c := exec.Command("go", "test", "./stores", "-run", "^$", "-bench", "SettingsList", "-benchtime", "50x")
		c.Dir = proofs
		out, err := c.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "Benchmark") {
				_, _ = os.Stdout.WriteString(line) // a benchmark's log is cut after ten lines
			}
		}
	}
}
