package jira

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/jira/jql"
)

// Attributes with the authors of a webhook's creation and last change.
const (
	attrCreatedBy   = "jira_created_by"
	attrUpdatedBy   = "jira_updated_by"
	attrUpdatedName = "jira_updated_by_name"
)

// filterSection is the member of today's records that holds the JQL.
const filterSection = "issue-related-events-section"

// AdminID is the number of a webhook in the administrators' API: 1 to 2^48-1, made from its ID, so
// that nothing has to be stored or counted.
func AdminID(webhookID string) int64 {
	sum := sha256.Sum256([]byte(webhookID))
	return int64(binary.BigEndian.Uint64(sum[:8])>>16 | 1)
}

// adminRequest is a record in a request, in both shapes. Absent members leave the webhook's fields
// as they are.
type adminRequest struct {
	Name                *string           `json:"name"`
	Description         *string           `json:"description"`
	URL                 *string           `json:"url"`
	Events              eventList         `json:"events"`
	Filters             map[string]string `json:"filters"`
	JQLFilter           *string           `json:"jqlFilter"`
	ExcludeBody         *bool             `json:"excludeBody"`
	ExcludeIssueDetails *bool             `json:"excludeIssueDetails"`
	Enabled             *bool             `json:"enabled"`
	Secret              *string           `json:"secret"`
}

// apply writes the fields of the request into a webhook.
func (in *adminRequest) apply(w *webhook.Webhook, by Administrator) error {
	if len(in.Filters) > maxSections {
		return badRequest(fmt.Sprintf("The filters may have at most %d sections.", maxSections))
	}
	for name, filter := range in.Filters {
		if name != filterSection && !jql.Blank(filter) { // an ignored filter would widen the webhook to every issue
			return badRequest("The filters may have the section " + filterSection + " only.")
		}
	}
	if section, ok := in.Filters[filterSection]; ok {
		if in.JQLFilter != nil && *in.JQLFilter != section {
			return badRequest("The jqlFilter and the filters differ: give one of them.")
		}
		in.JQLFilter = &section
	}
	if in.ExcludeIssueDetails != nil {
		if in.ExcludeBody != nil && *in.ExcludeBody != *in.ExcludeIssueDetails {
			return badRequest("The excludeIssueDetails and the excludeBody differ: give one of them.")
		}
		in.ExcludeBody = in.ExcludeIssueDetails
	}
	assign(&w.Name, in.Name)
	assign(&w.Notes, in.Description)
	assign(&w.URL, in.URL)
	assign(&w.Filter, in.JQLFilter)
	assign(&w.ExcludeBody, in.ExcludeBody)
	assign(&w.Active, in.Enabled)
	if in.Events.more {
		return tooMany("events", MaxEventNames)
	}
	if in.Events.names != nil {
		w.Events = in.Events.names
		if slices.Contains(w.Events, jql.EveryEvent) {
			w.Events = []string{jql.EveryEvent}
		}
	}
	if in.Secret != nil && *in.Secret != "" {
		w.Secrets = []webhook.Secret{webhook.NewSecret(*in.Secret)}
	}
	if w.Attributes == nil {
		w.Attributes = make(map[string]string, 2)
	}
	w.Attributes[attrUpdatedBy], w.Attributes[attrUpdatedName] = by.Name, by.DisplayName
	return nil
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// adminRecord is a webhook in the API's current shape.
type adminRecord struct {
	Name                   string            `json:"name"`
	Description            string            `json:"description"`
	URL                    string            `json:"url"`
	ExcludeBody            bool              `json:"excludeBody"`
	Filters                map[string]string `json:"filters"`
	Events                 []string          `json:"events"`
	Enabled                bool              `json:"enabled"`
	Self                   string            `json:"self"`
	CreatedBy              string            `json:"createdBy"`
	Created                int64             `json:"created"`
	LastUpdatedUser        string            `json:"lastUpdatedUser"`
	LastUpdatedDisplayName string            `json:"lastUpdatedDisplayName"`
	LastUpdated            int64             `json:"lastUpdated"`
	IsSigned               bool              `json:"isSigned"`
}

// record2019 is a webhook in the shape of the documentation of 2019.
type record2019 struct {
	Name                string   `json:"name"`
	URL                 string   `json:"url"`
	Events              []string `json:"events"`
	JQLFilter           string   `json:"jqlFilter"`
	ExcludeIssueDetails bool     `json:"excludeIssueDetails"`
	Enabled             bool     `json:"enabled"`
	Self                string   `json:"self"`
	CreatedBy           string   `json:"createdBy"`
	Created             restTime `json:"created"`
	IsSigned            bool     `json:"isSigned"`
}

// record returns the record of a webhook, without its secret.
func (a *admin) record(w *webhook.Webhook, r *http.Request) any {
	base := strings.TrimRight(a.o.BaseURL, "/")
	if base == "" {
		base = "https://" + r.Host
	}
	self := base + adminPath + "/" + strconv.FormatInt(AdminID(w.ID), 10)
	events := w.Events
	if events == nil {
		events = []string{}
	}
	signed := len(w.Secrets) > 0
	if a.o.Shape2019 {
		return record2019{Name: w.Name, URL: w.URL, Events: events, JQLFilter: w.Filter, ExcludeIssueDetails: w.ExcludeBody, Enabled: w.Active,
			Self: self, CreatedBy: w.Attributes[attrCreatedBy], Created: restTime{w.CreatedAt}, IsSigned: signed}
	}
	return adminRecord{Name: w.Name, Description: w.Notes, URL: w.URL, ExcludeBody: w.ExcludeBody, Filters: map[string]string{filterSection: w.Filter},
		Events: events, Enabled: w.Active, Self: self, CreatedBy: w.Attributes[attrCreatedBy], Created: w.CreatedAt.UnixMilli(),
		LastUpdatedUser: w.Attributes[attrUpdatedBy], LastUpdatedDisplayName: w.Attributes[attrUpdatedName], LastUpdated: w.UpdatedAt.UnixMilli(), IsSigned: signed}
}
