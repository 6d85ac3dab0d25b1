// Package oracle has no code of its own: its tests ask libraries that other people
// wrote whether what Postrider sends is right. They are atlassian-connect-express,
// atlassian-jwt, jql-ast, both editions of Standard Webhooks for JavaScript and Go, ajv
// and the linter of Redocly.
//
// Those for JavaScript are locked in package-lock.json and installed by npm ci, which
// go test runs by itself where they are missing. With CI set they must be there.
package oracle
