//go:build !race

package jira_test

// slower is the factor of time bounds under the race detector.
const slower = 1
