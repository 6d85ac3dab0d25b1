package jira

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// pageSize is the largest page of a list, and the default one.
const pageSize = 100

// registrationPage is a page of a list.
type registrationPage struct {
	StartAt    int                  `json:"startAt"`
	MaxResults int                  `json:"maxResults"`
	Total      int                  `json:"total"`
	IsLast     bool                 `json:"isLast"`
	Values     []registrationRecord `json:"values"`
}

type registrationRecord struct {
	ID             int64    `json:"id"`
	JQLFilter      string   `json:"jqlFilter"`
	Events         []string `json:"events"`
	URL            string   `json:"url"`
	ExpirationDate restTime `json:"expirationDate"`
	FieldIDs       []string `json:"fieldIdsFilter,omitempty"`
	PropertyKeys   []string `json:"issuePropertyKeysFilter,omitempty"`
}

// list answers with a page of the caller's registrations, including those that expired within
// RegistrationGrace.
func (d *dynamic) list(_ dialect, app App, r *http.Request) (int, any, error) {
	start, err := parameter(r, "startAt", 0)
	if err != nil {
		return 0, nil, err
	}
	size, err := parameter(r, "maxResults", pageSize)
	if err != nil {
		return 0, nil, err
	}
	size = min(size, pageSize)
	all, err := d.store.Registrations(r.Context(), app.Owner)
	if err != nil {
		return 0, nil, err
	}
	oldest := time.Now().Add(-RegistrationGrace)
	all = slices.DeleteFunc(all, func(r Registration) bool { return r.ExpiresAt.Before(oldest) })
	first := min(start, len(all))
	last := first + min(size, len(all)-first)
	page := registrationPage{StartAt: start, MaxResults: size, Total: len(all), IsLast: last == len(all), Values: []registrationRecord{}}
	for _, r := range all[first:last] {
		page.Values = append(page.Values, registrationRecord{ID: r.ID, JQLFilter: r.Filter, Events: r.Events, URL: r.URL,
			ExpirationDate: restTime{r.ExpiresAt}, FieldIDs: r.FieldIDs, PropertyKeys: r.PropertyKeys})
	}
	return http.StatusOK, page, nil
}

// parameter reads a number of the query.
func parameter(r *http.Request, name string, absent int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0, badRequest(fmt.Sprintf("The parameter %s must be a number from 0.", name))
	}
	return n, nil
}

// webhookIDs are registrations to delete or refresh.
type webhookIDs struct {
	WebhookIDs idList `json:"webhookIds"`
}

func readIDs(r *http.Request) ([]int64, error) {
	var in webhookIDs
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	if len(in.WebhookIDs) == 0 {
		return nil, badRequest("The webhookIds are required.")
	}
	return in.WebhookIDs, nil
}

func (d *dynamic) delete(_ dialect, app App, r *http.Request) (int, any, error) {
	ids, err := readIDs(r)
	if err != nil {
		return 0, nil, err
	}
	if err := d.store.Delete(r.Context(), app.Owner, ids); err != nil {
		return 0, nil, err
	}
	d.change(r, app.Owner)
	return http.StatusAccepted, nil, nil
}

// refreshResult has the new expiry, and the registrations that were not refreshed.
type refreshResult struct {
	ExpirationDate restTime       `json:"expirationDate"`
	Refused        []refreshError `json:"refused,omitempty"`
}

type refreshError struct {
	WebhookID int64    `json:"webhookId"`
	Errors    []string `json:"errors"`
}

func (d *dynamic) refresh(_ dialect, app App, r *http.Request) (int, any, error) {
	ids, err := readIDs(r)
	if err != nil {
		return 0, nil, err
	}
	now := time.Now().UTC()
	until := now.Add(d.life)
	if ids, err = d.listed(r, app.Owner, ids, now); err != nil {
		return 0, nil, err
	}
	refused, err := d.store.Refresh(r.Context(), app.Owner, ids, now, until, d.max)
	if err != nil {
		return 0, nil, err
	}
	out := refreshResult{ExpirationDate: restTime{until}}
	for _, id := range refused {
		out.Refused = append(out.Refused, refreshError{id, []string{
			fmt.Sprintf("The limit of %d webhooks is reached, or registered webhooks have another url", d.max)}})
	}
	d.change(r, app.Owner)
	return http.StatusOK, out, nil
}

// listed drops the IDs of registrations that expired too long ago to be listed, even if they have
// not been pruned yet.
func (d *dynamic) listed(r *http.Request, o Owner, ids []int64, now time.Time) ([]int64, error) {
	all, err := d.store.Registrations(r.Context(), o)
	if err != nil {
		return nil, err
	}
	gone := make(map[int64]bool)
	for _, old := range all {
		if old.ExpiresAt.Before(now.Add(-RegistrationGrace)) {
			gone[old.ID] = true
		}
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return gone[id] }), nil
}
