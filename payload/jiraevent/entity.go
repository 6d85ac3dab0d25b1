package jiraevent

// The entities of the other families, in the shapes of Jira's REST API and agile API. A member that
// is not set is left out. For More and Sent see [Callback].

// Worklog is time logged on an issue.
type Worklog struct {
	Self             string         `json:"self,omitempty"`
	ID               ID             `json:"id"`
	IssueID          ID             `json:"issueId,omitempty"`
	Author           *User          `json:"author,omitempty"`
	UpdateAuthor     *User          `json:"updateAuthor,omitempty"`
	Comment          any            `json:"comment,omitempty"`
	Created          Date           `json:"created,omitzero"`
	Updated          Date           `json:"updated,omitzero"`
	Started          Date           `json:"started,omitzero"`
	TimeSpent        string         `json:"timeSpent,omitempty"`
	TimeSpentSeconds Number         `json:"timeSpentSeconds,omitempty"`
	More             map[string]any `json:"-"`
	Sent             Sent           `json:"-"`
}

// Attachment is a file of an issue. Size is in bytes.
type Attachment struct {
	Self     string         `json:"self,omitempty"`
	ID       ID             `json:"id"`
	Filename string         `json:"filename"`
	Author   *User          `json:"author,omitempty"`
	Created  Date           `json:"created,omitzero"`
	Size     Number         `json:"size"`
	MimeType string         `json:"mimeType,omitempty"`
	Content  string         `json:"content,omitempty"`
	More     map[string]any `json:"-"`
	Sent     Sent           `json:"-"`
}

// IssueLink joins two issues.
type IssueLink struct {
	ID                 Number         `json:"id"`
	SourceIssueID      Number         `json:"sourceIssueId"`
	DestinationIssueID Number         `json:"destinationIssueId"`
	IssueLinkType      map[string]any `json:"issueLinkType,omitempty"`
	SystemLink         bool           `json:"systemLink"`
	More               map[string]any `json:"-"`
	Sent               Sent           `json:"-"`
}

// IssueType is a kind of issue.
type IssueType struct {
	Self        string         `json:"self,omitempty"`
	ID          ID             `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	IconURL     string         `json:"iconUrl,omitempty"`
	Subtask     bool           `json:"subtask"`
	More        map[string]any `json:"-"`
	Sent        Sent           `json:"-"`
}

// Project is a project.
type Project struct {
	Self         string         `json:"self,omitempty"`
	ID           Number         `json:"id"`
	Key          string         `json:"key"`
	Name         string         `json:"name"`
	AvatarURLs   Avatars        `json:"avatarUrls,omitempty"`
	Lead         *User          `json:"projectLead,omitempty"`
	AssigneeType string         `json:"assigneeType,omitempty"`
	More         map[string]any `json:"-"`
	Sent         Sent           `json:"-"`
}

// Version is a version of a project. ReleaseDate is a date, 2006-01-02.
type Version struct {
	Self        string `json:"self,omitempty"`
	ID          ID     `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Archived    bool   `json:"archived"`
	Released    bool   `json:"released"`
	Overdue     bool   `json:"overdue,omitempty"`
	ReleaseDate string `json:"releaseDate,omitempty"`
	ProjectID   Number `json:"projectId"`
	// ProjectKey fills the variable project.key; it is not part of a callback.
	ProjectKey string         `json:"-"`
	More       map[string]any `json:"-"`
	Sent       Sent           `json:"-"`
}

// Sprint is a sprint. State is "future", "active" or "closed".
type Sprint struct {
	Self          string         `json:"self,omitempty"`
	ID            Number         `json:"id"`
	State         string         `json:"state"`
	Name          string         `json:"name"`
	Goal          string         `json:"goal,omitempty"`
	StartDate     AgileTime      `json:"startDate,omitzero"`
	EndDate       AgileTime      `json:"endDate,omitzero"`
	CompleteDate  AgileTime      `json:"completeDate,omitzero"`
	OriginBoardID Number         `json:"originBoardId,omitempty"`
	More          map[string]any `json:"-"`
	Sent          Sent           `json:"-"`
}

// Board is a board. Type is "scrum" or "kanban".
type Board struct {
	Self string         `json:"self,omitempty"`
	ID   Number         `json:"id"`
	Name string         `json:"name"`
	Type string         `json:"type"`
	More map[string]any `json:"-"`
	Sent Sent           `json:"-"`
}

// Filter is a saved filter.
type Filter struct {
	Self        string         `json:"self,omitempty"`
	ID          ID             `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Owner       *User          `json:"owner,omitempty"`
	JQL         string         `json:"jql,omitempty"`
	More        map[string]any `json:"-"`
	Sent        Sent           `json:"-"`
}

// Property is an entity property of an issue, or a system setting.
type Property struct {
	Self  string         `json:"self,omitempty"`
	Key   string         `json:"key"`
	Value any            `json:"value,omitempty"`
	More  map[string]any `json:"-"`
	Sent  Sent           `json:"-"`
}
