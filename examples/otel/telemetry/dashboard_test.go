package telemetry_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// dashboard is the part of Grafana's format that the test reads.
type dashboard struct {
	Title, UID string
	Panels     []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct {
			Name  string
			Query json.RawMessage
		}
	}
}

// In the dashboard every metric has its braces, so that a query can be read without a
// parser of PromQL: a name before "{" is a metric, one inside or after "by" is a label.
var (
	selector = regexp.MustCompile(`([a-z_:]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"[^"]*"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
	legend   = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)
	variable = regexp.MustCompile(`label_values\((.*), ([a-z_]+)\)`)
	ours     = regexp.MustCompile(`\bpostrider_[a-z_]+`)
)

// series are the names that Prometheus queries know, each with its labels.
func series(families []*dto.MetricFamily) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, f := range families {
		labels := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		if f.GetType() != dto.MetricType_HISTOGRAM {
			out[f.GetName()] = labels
			continue
		}
		bucket := map[string]bool{"le": true}
		for l := range labels {
			bucket[l] = true
		}
		out[f.GetName()+"_bucket"], out[f.GetName()+"_count"], out[f.GetName()+"_sum"] = bucket, labels, labels
	}
	return out
}

// Rule: every metric and label of the dashboard exists, and every metric is on it.
func TestDashboard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		known, used := series(everyMetric(t)), map[string]bool{}
		raw, err := os.ReadFile("dashboard.json")
		check(t, err)
		var d dashboard
		check(t, json.Unmarshal(raw, &d))

		judge := func(where, expr string) {
			labels, rest := map[string]bool{}, expr
			for _, s := range selector.FindAllStringSubmatch(expr, -1) {
				if known[s[1]] == nil {
					t.Errorf("%s: there is no metric %s", where, s[1])
				}
				used[s[1]] = true
				for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
					if !known[s[1]][m[1]] {
						t.Errorf("%s: %s has no label %s", where, s[1], m[1])
					}
				}
				for l := range known[s[1]] {
					labels[l] = true
				}
				rest = strings.ReplaceAll(rest, s[0], "")
			}
			if len(labels) == 0 && !strings.Contains(expr, "{}") {
				t.Errorf("%s: no metric with braces in %q", where, expr)
			}
			for _, g := range grouping.FindAllStringSubmatch(rest, -1) {
				for l := range strings.SplitSeq(g[1], ", ") {
					if !labels[l] {
						t.Errorf("%s: grouped by %s, which its metrics do not have", where, l)
					}
				}
				rest = strings.ReplaceAll(rest, g[0], "")
			}
			if left := ours.FindString(rest); left != "" {
				t.Errorf("%s: %s stands without braces", where, left)
			}
		}
		ids := map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
				t.Errorf("panel %d %q: two of that ID, no title, wider than the page or without a query", p.ID, p.Title)
			}
			ids[p.ID] = true
			for _, q := range p.Targets {
				judge(p.Title, q.Expr)
				for _, l := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
					if !regexp.MustCompile(`by \([^)]*\b` + l[1] + `\b`).MatchString(q.Expr) {
						t.Errorf("%s: the legend names %s, the query does not group by it", p.Title, l[1])
					}
				}
			}
		}
		for _, v := range d.Templating.List {
			if m := variable.FindStringSubmatch(string(v.Query)); m != nil {
				judge("variable "+v.Name, "sum by ("+m[2]+") ("+m[1]+")")
			}
		}
		for _, name := range names {
			if !used[name] && !used[name+"_bucket"] {
				t.Errorf("%s is on no panel", name)
			}
		}
		if len(d.Panels) < 10 || d.UID == "" || d.Title == "" {
			t.Errorf("%d panels, UID %q, title %q", len(d.Panels), d.UID, d.Title)
		}
	})
}
