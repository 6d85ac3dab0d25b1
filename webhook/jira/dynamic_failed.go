package jira

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failedPage is a page of the failed list.
type failedPage struct {
	Values     []failedRecord `json:"values"`
	MaxResults int            `json:"maxResults"`
	Next       string         `json:"next,omitempty"`
}

type failedRecord struct {
	ID          string `json:"id"`
	Body        string `json:"body,omitempty"`
	URL         string `json:"url"`
	FailureTime int64  `json:"failureTime"`
}

// failed answers with a page of the callbacks that failed within FailureLife. The cursor is a time,
// so that a page never splits the failures of one millisecond.
func (d *dynamic) failed(v dialect, app App, r *http.Request) (int, any, error) {
	if app.OAuth {
		return 0, nil, &requestError{http.StatusForbidden, "Only Connect apps may use this resource."}
	}
	size, err := parameter(r, "maxResults", pageSize)
	if err != nil {
		return 0, nil, err
	}
	if size == 0 {
		return 0, nil, badRequest("The parameter maxResults must be a number from 1.")
	}
	size = min(size, pageSize)
	after, err := cursor(r)
	if err != nil {
		return 0, nil, err
	}
	if oldest := time.Now().Add(-FailureLife); after.Before(oldest) {
		after = oldest
	}
	fs, err := d.failures.Failures(r.Context(), app.Owner, after, size)
	if err != nil {
		return 0, nil, err
	}
	page := failedPage{Values: make([]failedRecord, len(fs)), MaxResults: size}
	for i, f := range fs {
		page.Values[i] = failedRecord{ID: f.ID, Body: string(f.Body), URL: f.URL, FailureTime: f.At.UnixMilli()}
	}
	if len(fs) > 0 {
		last := fs[len(fs)-1].At
		more, err := d.failures.Failures(r.Context(), app.Owner, last, 1)
		if err != nil {
			return 0, nil, err
		}
		if len(more) > 0 {
			page.Next = d.base(r) + path(v) + "/failed?maxResults=" + strconv.Itoa(size) + "&after=" + strconv.FormatInt(last.UnixMilli(), 10)
		}
	}
	return http.StatusOK, page, nil
}

// cursor reads the start of a page. Jira Cloud's documentation calls the parameter after, and
// failedAfter in its examples.
func cursor(r *http.Request) (time.Time, error) {
	query := r.URL.Query()
	for _, name := range [...]string{"after", "failedAfter"} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms < 0 {
			return time.Time{}, badRequest("The parameter " + name + " must be a time in milliseconds since 1970.")
		}
		return time.UnixMilli(ms), nil
	}
	return time.Time{}, nil
}

// base is the start of absolute links in an answer.
func (d *dynamic) base(r *http.Request) string {
	if d.baseURL != "" {
		return strings.TrimRight(d.baseURL, "/")
	}
	return "https://" + r.Host
}

func path(v dialect) string { return "/rest/api/" + strconv.Itoa(int(v)) + "/webhook" }
