//go:build !race

package jira_test

// slower is how many times as long code takes under the race detector, as a bound.
const slower = 1
