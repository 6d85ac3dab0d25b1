package jira

import _ "embed"

//go:embed openapi.json
var openAPI string

// OpenAPI returns an OpenAPI 3.1 document, in JSON, that describes the APIs of [NewAdmin] and
// [NewDynamic]. The caller owns the bytes.
func OpenAPI() []byte { return []byte(openAPI) }
