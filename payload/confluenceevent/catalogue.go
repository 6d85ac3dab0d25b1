package confluenceevent

// catalogue lists every event, by family.
var catalogue = []Info{
	{"attachment_created", FamilyAttachment, both},
	{"attachment_removed", FamilyAttachment, both},
	{"attachment_restored", FamilyAttachment, Connect2015},
	{"attachment_trashed", FamilyAttachment, Connect2015},
	{"attachment_updated", FamilyAttachment, both},
	{"attachment_viewed", FamilyAttachment, both},
	{"blog_created", FamilyBlog, both},
	{"blog_removed", FamilyBlog, both},
	{"blog_restored", FamilyBlog, both},
	{"blog_trashed", FamilyBlog, both},
	{"blog_updated", FamilyBlog, both},
	{"blog_viewed", FamilyBlog, both},
	{"blueprint_page_created", FamilyBlueprint, Connect2015},
	{"cache_statistics_changed", FamilySystem, Legacy},
	{"comment_created", FamilyComment, both},
	{"comment_removed", FamilyComment, both},
	{"comment_updated", FamilyComment, both},
	{"connect_addon_disabled", FamilyAddon, both},
	{"connect_addon_enabled", FamilyAddon, both},
	{"content_permissions_updated", FamilyContent, Connect2015},
	{"folder_created", FamilyFolder, Current},
	{"group_created", FamilyGroup, both},
	{"group_removed", FamilyGroup, both},
	{"label_added", FamilyLabel, both},
	{"label_created", FamilyLabel, both},
	{"label_deleted", FamilyLabel, both},
	{"label_removed", FamilyLabel, both},
	{"login", FamilySession, both},
	{"login_failed", FamilySession, both},
	{"logout", FamilySession, both},
	{"page_archived", FamilyPage, Current},
	{PageChildrenReordered, FamilyPage, both},
	{"page_created", FamilyPage, both},
	{PageMoved, FamilyPage, both},
	{"page_published", FamilyPage, Current},
	{"page_removed", FamilyPage, both},
	{"page_restored", FamilyPage, both},
	{"page_trashed", FamilyPage, both},
	{"page_updated", FamilyPage, both},
	{"page_viewed", FamilyPage, both},
	{"plugin_enabled", FamilySystem, Legacy},
	{"plugins_upgraded", FamilySystem, Legacy},
	{"remote_plugin_disabled", FamilySystem, Legacy},
	{"remote_plugin_enabled", FamilySystem, Legacy},
	{"remote_plugin_installed", FamilySystem, Legacy},
	{"search_performed", FamilySearch, both},
	{"server_upgraded", FamilySystem, Legacy},
	{"space_created", FamilySpace, both},
	{"space_logo_updated", FamilySpace, both},
	{"space_permissions_updated", FamilySpace, both},
	{"space_removed", FamilySpace, both},
	{"space_updated", FamilySpace, both},
	{"status_cleared", FamilyStatus, Legacy},
	{"status_created", FamilyStatus, Legacy},
	{"status_removed", FamilyStatus, Legacy},
	{"user_created", FamilyUser, both},
	{"user_deactivated", FamilyUser, both},
	{"user_followed", FamilyUser, both},
	{"user_reactivated", FamilyUser, both},
	{"user_removed", FamilyUser, both},
	{"whiteboard_created", FamilyWhiteboard, Current},
}

const both = Connect2015 | Legacy

// byName indexes the catalogue. Nothing writes to it after initialisation.
var byName = func() map[string]Info {
	m := make(map[string]Info, len(catalogue))
	for _, info := range catalogue {
		m[info.Name] = info
	}
	return m
}()
