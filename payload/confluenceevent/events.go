package confluenceevent

import (
	"errors"
	"slices"

	"github.com/postrider/postrider/payload/internal/eventlist"
)

// Names with special rules.
const (
	PageMoved             = "page_moved"
	PageChildrenReordered = "page_children_reordered"
)

// Family groups events that have the same kind of body.
type Family string

// The families.
const (
	FamilyPage       Family = "page"
	FamilyBlog       Family = "blog"
	FamilyComment    Family = "comment"
	FamilyAttachment Family = "attachment"
	FamilyLabel      Family = "label"
	FamilySpace      Family = "space"
	FamilyUser       Family = "user"
	FamilyGroup      Family = "group"
	FamilySession    Family = "session" // login, login_failed, logout
	FamilySearch     Family = "search"
	FamilyContent    Family = "content"
	FamilyBlueprint  Family = "blueprint"
	FamilyStatus     Family = "status"
	FamilyAddon      Family = "addon"
	FamilySystem     Family = "system"
	FamilyFolder     Family = "folder"     // in Confluence Cloud; its bodies are of free form
	FamilyWhiteboard Family = "whiteboard" // likewise
)

// Generation is a set of editions of Atlassian's documentation.
type Generation uint8

// The editions. An event belongs to every edition that lists it.
const (
	Connect2015 Generation = 1 << iota // Connect's list of about 2015
	Legacy                             // Connect's list before that
	Current                            // sent by Confluence Cloud today and in neither list
)

// Has reports whether every edition of want is in g.
func (g Generation) Has(want Generation) bool { return g&want == want }

// Info describes one event of the catalogue.
type Info struct {
	Name        string
	Family      Family
	Generations Generation // the editions that list the name
}

// ErrUnknownEvent matches (errors.Is) every [*UnknownEventError].
var ErrUnknownEvent = errors.New("confluenceevent: unknown event")

// UnknownEventError reports that the catalogue does not list a name. Its Name is the given one, of
// any length; the text leaves it out.
type UnknownEventError = eventlist.UnknownError

// Lookup returns the catalogue's entry of an event. The name is compared exactly. The error is an
// [*UnknownEventError].
func Lookup(name string) (Info, error) {
	i, ok := byName[name]
	if !ok {
		return Info{}, eventlist.Unknown(ErrUnknownEvent, name)
	}
	return catalogue[i], nil
}

// Events returns the names of all events of the families, or of the whole
// catalogue when none is given, in alphabetical order.
func Events(families ...Family) []string {
	return names(func(i *Info) bool { return len(families) == 0 || slices.Contains(families, i.Family) })
}

// EventsOf returns the names that an edition of the documentation lists, in alphabetical order; for
// several editions those that all of them list.
func EventsOf(g Generation) []string {
	return names(func(i *Info) bool { return i.Generations.Has(g) })
}

func names(keep func(*Info) bool) []string { return eventlist.Names(catalogue, nameOf, keep) }

func nameOf(i *Info) string { return i.Name }
