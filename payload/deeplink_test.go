package payload_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/payload"
)

func taskLink(site, app, instance, task, process string) payload.TaskLink {
	return payload.TaskLink{Site: site, AppID: app, InstanceID: instance, TaskID: task, ProcessID: process}
}

func TestDeepLink(t *testing.T) {
	t.Parallel()
	const site = "https://your-site.atlassian.net"
	cases := []struct {
		name string
		link payload.TaskLink
		want string
	}{
		{"plain", taskLink(site, "a1", "i1", "t1", runID), link},
		{"a slash after the site", taskLink(site+"/", "a1", "i1", "t1", runID), link},
		{"a port", taskLink("https://localhost:8443", "a", "i", "t", "p"), "https://localhost:8443/jira/settings/apps/a/i/automatedTasks?taskId=t&processId=p"},
		{"scheme in upper case", taskLink("HTTPS://your-site.atlassian.net", "a1", "i1", "t1", runID), link},
		{
			"escaping", taskLink(site, "a/../b", "i?x#y", "t&processId=evil", "p q+é"),
			site + "/jira/settings/apps/a%2F..%2Fb/i%3Fx%23y/automatedTasks?taskId=t%26processId%3Devil&processId=p+q%2B%C3%A9",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := payload.DeepLink(tc.link)
			if err != nil || got != tc.want {
				t.Fatalf("DeepLink = %q, %v; want %q", got, err, tc.want)
			}
			u, err := url.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			if q := u.Query(); q.Get("taskId") != tc.link.TaskID || q.Get("processId") != tc.link.ProcessID || len(q) != 2 {
				t.Errorf("query = %v, want the two values that went in", q)
			}
			s := success()
			s.DeepLink = got
			if err := s.Validate(); err != nil {
				t.Errorf("New would refuse the link: %v", err)
			}
		})
	}
}

func TestDeepLink_refuses(t *testing.T) {
	t.Parallel()
	good := taskLink("https://your-site.atlassian.net", "a", "i", "t", "p")
	with := func(change func(*payload.TaskLink)) payload.TaskLink {
		l := good
		change(&l)
		return l
	}
	site := func(s string) payload.TaskLink { return with(func(l *payload.TaskLink) { l.Site = s }) }
	cases := []struct {
		name  string
		link  payload.TaskLink
		field string
	}{
		{"no site", site(""), "Site"},
		{"http", site("http://your-site.atlassian.net"), "Site"},
		{"no scheme", site("your-site.atlassian.net"), "Site"},
		{"user", site("https://canary@your-site.atlassian.net"), "Site"},
		{"path", site("https://your-site.atlassian.net/canary"), "Site"},
		{"query", site("https://your-site.atlassian.net?canary"), "Site"},
		{"empty query", site("https://your-site.atlassian.net?"), "Site"},
		{"fragment", site("https://your-site.atlassian.net#canary"), "Site"},
		{"no app", with(func(l *payload.TaskLink) { l.AppID = "" }), "AppID"},
		{"app a dot segment", with(func(l *payload.TaskLink) { l.AppID = ".." }), "AppID"},
		{"instance a dot segment", with(func(l *payload.TaskLink) { l.InstanceID = "." }), "InstanceID"},
		{"no instance", with(func(l *payload.TaskLink) { l.InstanceID = "" }), "InstanceID"},
		{"no task", with(func(l *payload.TaskLink) { l.TaskID = "" }), "TaskID"},
		{"process not UTF-8", with(func(l *payload.TaskLink) { l.ProcessID = "\xff" }), "ProcessID"},
		{"no process", with(func(l *payload.TaskLink) { l.ProcessID = "" }), "ProcessID"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := payload.DeepLink(tc.link)
			var bad *payload.InvalidError
			if got != "" || !errors.As(err, &bad) || bad.Field != tc.field {
				t.Fatalf("DeepLink = %q, %v; want a refusal of %s", got, err, tc.field)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error prints the URL: %v", err)
			}
		})
	}
}
