package jira

import _ "embed"

//go:embed openapi.json
var openAPI string

// OpenAPI returns an OpenAPI 3.1 document, in JSON, that describes what
// [NewAdmin] and [NewDynamic] serve. The caller owns the bytes.
func OpenAPI() []byte { return []byte(openAPI) }
