package stores_test

import (
	"testing"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/storetest"
)

func TestStore(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.migrated(t, nil)
		storetest.RunAll(t, func(*testing.T) webhook.Store { return s })
	})
}
