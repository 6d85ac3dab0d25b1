// Package report turns the results of a task run into the texts that people read about it.
//
// A webhook says that a run ended and how; which users it touched is looked up by its
// processId. [Build] does that through two interfaces of the host, a [Source] of results and
// [Names] for identifiers:
//
//	r, err := report.Build(ctx, source, names, event) // event: payload.TaskSuccess or TaskFailure
//
// What follows is pure. Each function returns one artefact, ready to be handed over:
//
//	page := report.AuditPage(r, time.Now()) // a dated page, Markdown
//	text := report.SlackMessage(r)          // a message, Slack's mrkdwn
//	item := report.Incident(r)              // a work item, its description in Markdown
//
// [KeyReminder] makes an e-mail and a work item of a key that expires; it needs no lookup.
//
// # Values are text
//
// Names come from people, some of whom are not friends. A value is escaped for the medium it
// goes to and keeps to its place: no line break, table cell, heading, link, mention or emoji
// comes of it. Control characters and those that turn the direction of writing are dropped,
// and a value is cut at 200 characters. Where a medium has no escape, an invisible word joiner
// (U+2060) breaks up what would become a link or a mention, and a look-alike stands for a
// character that would format. Links are https or they are left out.
//
// Identifiers do not show. What has no name is an "unknown user", "unknown group" or
// "unknown app"; the processId of the run and the link to it are the exception.
package report
