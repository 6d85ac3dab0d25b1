package jiraevent

import (
	"errors"
	"slices"
	"strings"

	"github.com/postrider/postrider/payload/internal/eventlist"
)

// Names with special rules.
const (
	IssueCreated   = "jira:issue_created"
	IssueUpdated   = "jira:issue_updated"
	VersionDeleted = "jira:version_deleted"
	// VersionMerged is the name of 2015 for the event that Jira Cloud sends as VersionDeleted with
	// a mergedTo member.
	VersionMerged = "jira:version_merged"
	// PostFunction is the legacy name of a callback of a workflow transition.
	PostFunction = "jira-webhook-post-function"
)

// Info describes one event of the catalogue.
type Info struct {
	// Name is the name to which webhooks listen, and the webhookEvent of a body.
	Name string
	// Family is the kind of entity of the event.
	Family Family
	// Generations are the editions of the documentation that list the name.
	Generations Generation
	// JQL are the editions in which a JQL filter narrows the event. Where an
	// edition is absent, a filter does not apply and the event always matches.
	JQL Generation
	// Variables are the names that a webhook's URL may hold for this event,
	// without braces: "issue.key" for ${issue.key} or {issue.key}.
	Variables []string
}

// ErrUnknownEvent matches (errors.Is) every [*UnknownEventError].
var ErrUnknownEvent = errors.New("jiraevent: unknown event")

// UnknownEventError reports that the catalogue does not list a name. Its Name is the given one, of
// any length; the text leaves it out.
type UnknownEventError = eventlist.UnknownError

// Lookup returns the catalogue's entry of an event. Names are compared exactly, except for the
// version events, whose names had no "jira:" for a while: "version_created" finds
// jira:version_created. The caller owns the Info. The error is an [*UnknownEventError].
func Lookup(name string) (Info, error) {
	i, ok := byName[name]
	if !ok && strings.HasPrefix(name, "version_") {
		i, ok = byName["jira:"+name]
	}
	if !ok {
		return Info{}, eventlist.Unknown(ErrUnknownEvent, name)
	}
	info := catalogue[i]
	info.Variables = slices.Clone(info.Variables)
	return info, nil
}

// Events returns the names of all events of the families, or of the whole
// catalogue when none is given, in a fixed order. The caller owns the slice.
func Events(families ...Family) []string {
	return names(func(i *Info) bool { return len(families) == 0 || slices.Contains(families, i.Family) })
}

// EventsOf returns the names that an edition of the documentation lists, in a fixed order; for
// several editions those that all of them list.
func EventsOf(g Generation) []string {
	return names(func(i *Info) bool { return i.Generations.Has(g) })
}

func names(keep func(*Info) bool) []string { return eventlist.Names(catalogue, nameOf, keep) }

func nameOf(i *Info) string { return i.Name }
