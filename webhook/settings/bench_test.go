package settings_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// BenchmarkList prints what the page costs beside 50,000 deliveries, for 20 and 200 webhooks on
// SQLite and PostgreSQL: processor time and bytes of the list and of the page of one webhook, and
// of what the script asks for while nothing changes. The databases are those of the proofs, a
// module of its own, so it is run there.
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
