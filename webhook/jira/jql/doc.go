// Package jql reads the part of Jira's query language that webhooks use, and finds the filters that
// an issue matches among many.
//
//	f, err := jql.Dynamic().Parse(`project = PRJ AND status != Done`)
//	f.Match(issue) // issue is a Subject
//
// A [Grammar] defines the clauses that a filter may have: [Dynamic] has the eight that Jira Cloud
// documents for the registrations of apps, [Admin] more of them, [Any] all. The operators are =,
// !=, IN and NOT IN, joined by AND, OR, NOT and parentheses. ORDER BY, functions and all other
// operators are refused.
//
// The case of names, keywords and values is ignored. A field that an issue does not have matches
// nothing, neither != nor NOT IN; NOT before a clause means the opposite operator, so it does not
// match either. A field with several values, such as labels, is = x if one of them is x, and != x
// if it has values and none is x.
//
// An [Index] holds many filters and tests only those that an issue can match.
package jql
