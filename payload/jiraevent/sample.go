package jiraevent

import (
	"time"
)

// Sample returns an invented, valid callback of an event with every member of such an event, to try
// a receiver's mapping, and false for a name that the catalogue does not list.
func Sample(event string) (Callback, bool) {
	info, err := Lookup(event)
	if err != nil {
		return Callback{}, false
	}
	at := time.Date(2026, time.May, 27, 9, 30, 0, 0, time.UTC)
	c := Callback{Timestamp: At(at), Event: info.Name, User: sampleUser()}
	switch info.Family {
	case FamilyIssue:
		sampleIssueEvent(&c, at)
	case FamilyIssueProperty:
		c.Issue, c.Property = sampleIssue(), &Property{Key: "flags", Value: map[string]any{"colour": "red"}}
	case FamilyWorklog:
		c.Worklog = &Worklog{ID: "100028", IssueID: "10002", Author: sampleUser(), UpdateAuthor: sampleUser(), Comment: "Analysis",
			Created: Date{at}, Updated: Date{at}, Started: Date{at}, TimeSpent: "3h 20m", TimeSpentSeconds: 12000}
	case FamilyComment:
		c.Issue, c.Comment = sampleIssue(), sampleComment(at)
	case FamilyAttachment:
		c.Issue, c.Attachment = sampleIssue(), &Attachment{ID: "10000", Filename: "picture.jpg", Author: sampleUser(), Created: Date{at}, Size: 23123, MimeType: "image/jpeg"}
	case FamilyIssueLink:
		c.IssueLink = &IssueLink{ID: 10001, SourceIssueID: 10002, DestinationIssueID: 10003, IssueLinkType: map[string]any{"id": 10000, "name": "Blocks"}}
	case FamilyIssueType:
		c.IssueType = &IssueType{ID: "3", Name: "Task", Description: "Something to do"}
	case FamilyProject:
		c.Project = &Project{ID: 10000, Key: "EX", Name: "Example", Lead: sampleUser(), AssigneeType: "UNASSIGNED"}
	case FamilyVersion:
		c.Version = sampleVersion("10010", "1.0")
		if event == VersionMerged {
			c.MergedTo = sampleVersion("10011", "1.1")
		}
	case FamilyOption:
		c.Property = &Property{Key: "jira.option.voting", Value: "true"}
	case FamilySprint:
		c.Sprint = &Sprint{ID: 37, State: "active", Name: "Sprint 1", Goal: "Ship it", StartDate: AgileTime{at}, EndDate: AgileTime{at.AddDate(0, 0, 14)}, OriginBoardID: 5}
	case FamilyBoard:
		c.Board = &Board{ID: 5, Name: "Example board", Type: "scrum"}
	case FamilyFilter:
		c.Filter = &Filter{ID: "10000", Name: "All open bugs", Owner: sampleUser(), JQL: "type = Bug"}
	case FamilyPostFunction:
		c.Issue = sampleIssue()
	case FamilyAddon, FamilySystem, FamilyExpression, FamilyPlatform:
		c.User, c.More = nil, map[string]any{"key": "example-app", "baseUrl": "https://your-site.atlassian.net"}
	}
	return c, true
}

func sampleIssueEvent(c *Callback, at time.Time) {
	c.Issue, c.IssueEventTypeName = sampleIssue(), "issue_"+c.Event[len("jira:issue_"):]
	if c.Event == IssueUpdated {
		before, after := "Improvement", "New Feature"
		from, to := "4", "2"
		c.Changelog = &Changelog{ID: "10124", Items: []ChangeItem{{Field: "issuetype", FieldType: "jira", FieldID: "issuetype",
			From: &from, FromString: &before, To: &to, ToString: &after}}}
		c.Comment = sampleComment(at)
	}
}

func sampleUser() *User {
	return &User{AccountID: "5b10a2844c20165700ede21g", AccountType: "atlassian", DisplayName: "Mia Krystof", Active: true, TimeZone: "Australia/Sydney"}
}

func sampleIssue() *Issue {
	return &Issue{ID: "10002", Self: "https://your-site.atlassian.net/rest/api/2/issue/10002", Key: "EX-1", Fields: map[string]any{
		"summary":   "Main order flow broken",
		"project":   map[string]any{"id": "10000", "key": "EX", "name": "Example"},
		"issuetype": map[string]any{"id": "2", "name": "New Feature"},
		"status":    map[string]any{"id": "3", "name": "In Progress"},
		"priority":  map[string]any{"id": "3", "name": "Medium"},
		"reporter":  sampleUser(),
		"assignee":  sampleUser(),
		"labels":    []string{"ui"},
	}}
}

func sampleComment(at time.Time) *Comment {
	public := true
	return &Comment{ID: "252789", Author: sampleUser(), Body: "Just in time!", UpdateAuthor: sampleUser(), Created: Date{at}, Updated: Date{at}, JSDPublic: &public}
}

func sampleVersion(id ID, name string) *Version {
	return &Version{ID: id, Name: name, Description: "An excellent version", ReleaseDate: "2026-07-06", ProjectID: 10000, ProjectKey: "EX"}
}
