package jiraevent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/payload/jiraevent"
)

func TestIssue_newestWorklogs(t *testing.T) {
	t.Parallel()
	at := func(minute int) jiraevent.Date {
		return jiraevent.Date{Time: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)}
	}
	list := []jiraevent.Worklog{{ID: "no date"}}
	for i := range 150 { // a permutation, so that the order in the list is not that of time
		minute := i * 7 % 150
		list = append(list, jiraevent.Worklog{ID: jiraevent.ID(fmt.Sprint(minute)), Updated: at(minute)})
	}
	c := updated()
	c.Issue.Fields["worklog"] = map[string]any{"total": 151, "worklogs": list}
	got, err := jiraevent.Decode([]byte(body(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	page := got.Issue.Fields["worklog"].(map[string]any)
	var ids, want []string
	for _, w := range page["worklogs"].([]any) {
		ids = append(ids, w.(map[string]any)["id"].(string))
	}
	for _, w := range list[1:] {
		if w.Updated.Minute()+60*w.Updated.Hour() >= 50 {
			want = append(want, string(w.ID))
		}
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("the 100 newest in the order of the list (-want +got):\n%s", diff)
	}
	if page["total"] != json.Number("151") || len(c.Issue.Fields["worklog"].(map[string]any)["worklogs"].([]jiraevent.Worklog)) != 151 {
		t.Error("the total or the caller's own list was changed")
	}

	c.Issue.Fields["worklog"] = map[string]any{"worklogs": list[:100]}
	if got := body(t, c); strings.Count(got, `"id":"`) != strings.Count(body(t, updated()), `"id":"`)+100 {
		t.Error("a list of 100 was cut")
	}
}
