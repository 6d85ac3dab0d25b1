package txsql_test

import (
	"os"
	"testing"

	"github.com/postrider/postrider/examples/internal/pg"
)

var server pg.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	server.Close()
	os.Exit(code)
}
