package jiraevent

// Family groups events that are about the same kind of entity.
type Family string

// The families.
const (
	FamilyIssue         Family = "issue"
	FamilyIssueProperty Family = "issue_property"
	FamilyWorklog       Family = "worklog"
	FamilyComment       Family = "comment"
	FamilyAttachment    Family = "attachment"
	FamilyIssueLink     Family = "issue_link"
	FamilyIssueType     Family = "issue_type"
	FamilyProject       Family = "project"
	FamilyVersion       Family = "version"
	FamilyUser          Family = "user"
	FamilyOption        Family = "option" // system settings, such as voting
	FamilySprint        Family = "sprint"
	FamilyBoard         Family = "board"
	FamilyFilter        Family = "filter"
	FamilyExpression    Family = "expression"
	FamilyPlatform      Family = "platform"
	FamilyAddon         Family = "addon"         // Connect add-ons enabled and disabled
	FamilyPostFunction  Family = "post_function" // workflow post functions under their own name
	FamilySystem        Family = "system"        // plugins and upgrades
)

// Generation is a set of editions of Atlassian's documentation.
type Generation uint8

// The editions. An event belongs to every edition that lists it.
const (
	Connect2015 Generation = 1 << iota // Connect's list of about 2015
	Cloud2019                          // Jira Cloud's list of September 2019
	Current                            // Jira Cloud's list today
	Legacy                             // Connect's list before 2015
)

// Has reports whether every edition of want is in g.
func (g Generation) Has(want Generation) bool { return g&want == want }
