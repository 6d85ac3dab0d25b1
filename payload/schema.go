package payload

import (
	"bytes"
	"embed"
)

//go:embed schema/*.json
var schemas embed.FS

//go:embed openapi.json
var openAPI string

// Schema returns the JSON Schema, draft 2020-12, of a trigger's body, and false
// for a trigger that this package does not define. The caller owns the bytes.
//
// A schema describes what [New] writes without [WithAnyProcessID]. It allows
// further properties, since later versions may add some. Strict validators
// need their format assertions switched on to judge uuid, uri and dates.
func Schema(trigger string) ([]byte, bool) {
	if !known(trigger) {
		return nil, false // also keeps file names such as "../x" out
	}
	b, err := schemas.ReadFile("schema/" + trigger + ".json")
	return bytes.Clone(b), err == nil
}

// OpenAPI returns an OpenAPI 3.1 document, in JSON, whose section "webhooks"
// describes every trigger with the schemas that [Schema] returns. The caller
// owns the bytes.
func OpenAPI() []byte { return []byte(openAPI) }
