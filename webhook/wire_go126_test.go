//go:build go1.26

package webhook_test

import "github.com/postrider/postrider/webhook"

// The HTTP/2 server of net/http in Go 1.25 passes channels on from one synctest bubble to the
// next, which panics.
func init() { agedProfiles["HTTP2"] = webhook.Automation() }
