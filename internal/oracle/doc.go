// Package oracle has only tests. They compare Postrider's output, and its reading of URLs,
// addresses and filters, with libraries by other authors. These are atlassian-connect-express and
// atlassian-jwt, both editions of Standard Webhooks for JavaScript and Go, svix, stripe, both
// libraries for GitHub's webhooks, jose, jql-ast, ajv, the linter of Redocly, a validator of
// OpenAPI 3.1 and Python's jsonschema; for credentials oauthlib, golang.org/x/oauth2, nginx and
// openssl; for URLs and addresses node's URL, Python's urllib and ipaddress, ipaddr.js and
// golang.org/x/net/idna. porcupine, a linearizability checker, judges whether keys are kept in
// order by hosts that are killed.
//
// The libraries for JavaScript are locked in package-lock.json; go test installs missing ones with
// npm ci. With CI set they must be there, and so must Python.
package oracle
