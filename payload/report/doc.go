// Package report turns the results of a task run into the texts that people read about it.
//
// A webhook reports the end of a run; the users that it changed are looked up by its processId.
// [Build] does that through two interfaces of the host, a [Source] of results and [Names] for
// identifiers:
//
//	r, err := report.Build(ctx, source, names, event) // event: payload.TaskSuccess or TaskFailure
//
// The functions below are pure. Each returns one artefact, ready for use:
//
//	page := report.AuditPage(r, time.Now()) // a dated page, Markdown
//	text := report.SlackMessage(r)          // a message, Slack's mrkdwn
//	item := report.Incident(r)              // a work item, its description in Markdown
//
// [KeyReminder] makes an e-mail and a work item about an expiring key; it needs no lookup.
//
// # Values are text
//
// Names come from people, also from hostile ones. A value is escaped for its medium and stays in
// its place: it makes no line break, table cell, heading, link, mention or emoji. Control
// characters and those that change the direction of writing are dropped, and a value is cut at 200
// characters. Where a medium has no escape, an invisible word joiner (U+2060) breaks up links and
// mentions, and a look-alike replaces a formatting character. A link is https or left out.
//
// Identifiers are not shown. A value without a name is an "unknown user", "unknown group" or
// "unknown app"; the processId of the run and the link to it are the exception.
package report
