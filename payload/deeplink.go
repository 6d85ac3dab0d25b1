package payload

import "net/url"

// TaskLink identifies the run behind a [DeepLink]. Every field is required.
type TaskLink struct {
	Site       string // https URL of the site, such as https://your-site.atlassian.net, without a path
	AppID      string
	InstanceID string
	TaskID     string
	ProcessID  string
}

// DeepLink returns the URL of the automated tasks page, filtered to one run:
//
//	{site}/jira/settings/apps/{app}/{instance}/automatedTasks?taskId={task}&processId={process}
//
// Each part is percent-encoded as one path segment or one query value. DeepLink returns ErrInvalid,
// naming the field, for a site that is not an https origin, an empty part, invalid UTF-8, and an
// AppID or InstanceID that is "." or "..", which a path would resolve.
func DeepLink(l TaskLink) (string, error) {
	if !httpsURL(l.Site) {
		return "", invalid("Site", reasonURL)
	}
	site, _ := url.Parse(l.Site)
	if site.Path != "" && site.Path != "/" || site.RawQuery != "" || site.ForceQuery || site.Fragment != "" {
		return "", invalid("Site", "must have no path, query or fragment")
	}
	c := check{}
	c.segment("AppID", l.AppID)
	c.segment("InstanceID", l.InstanceID)
	c.text("TaskID", l.TaskID)
	c.text("ProcessID", l.ProcessID)
	if c.err != nil {
		return "", c.err
	}
	return "https://" + site.Host + "/jira/settings/apps/" + url.PathEscape(l.AppID) + "/" + url.PathEscape(l.InstanceID) +
		"/automatedTasks?taskId=" + url.QueryEscape(l.TaskID) + "&processId=" + url.QueryEscape(l.ProcessID), nil
}

func (c *check) segment(field, s string) {
	c.text(field, s)
	if s == "." || s == ".." {
		c.fail(field, "must not be a dot segment")
	}
}
