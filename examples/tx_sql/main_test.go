package txsql_test

import (
	"testing"

	"github.com/postrider/postrider/examples/pgtest"
)

var server pgtest.Shared

func TestMain(m *testing.M) { server.Main(m) }
