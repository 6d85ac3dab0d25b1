package txbun_test

import (
	"testing"

	"github.com/postrider/postrider/examples/internal/pg"
)

var server pg.Shared

func TestMain(m *testing.M) { server.Main(m) }
