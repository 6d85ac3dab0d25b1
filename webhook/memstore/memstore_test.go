package memstore_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

func TestConformance(t *testing.T) {
	storetest.RunAll(t, func(t *testing.T) webhook.Store { return open(t, nil) })
}

// TestConformanceShared runs all cases on one Store, so that each case meets the leftovers of the others.
func TestConformanceShared(t *testing.T) {
	s := open(t, nil)
	storetest.Run(t, func(*testing.T) webhook.Store { return s })
	storetest.RunRegistry(t, func(*testing.T) webhook.Store { return s })
	storetest.RunHistory(t, func(*testing.T) webhook.Store { return s })
	storetest.RunMarks(t, func(*testing.T) webhook.Store { return s })
	storetest.RunPruner(t, func(*testing.T) webhook.Store { return s })
	storetest.RunHealth(t, func(*testing.T) webhook.Store { return s })
	storetest.RunSweeper(t, func(*testing.T) webhook.Store { return s })
	storetest.RunShared(t, func(*testing.T) (a, b webhook.Store) { return s, s })
}
