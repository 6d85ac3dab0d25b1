// Package settings is the page on which people manage webhooks: an [http.Handler] that a
// host mounts behind its own login.
//
//	page, err := settings.New(hooks, &settings.Options{
//		Scope: func(r *http.Request) (string, error) { return tenantOf(r) },
//	})
//	mux.Handle("/settings/webhooks/", http.StripPrefix("/settings/webhooks", requireAdmin(page)))
//
// It lists the webhooks of a scope with their health, adds, edits, tests, switches and
// deletes them, and shows every delivery: its attempts, its next try, and why it has not
// been sent yet. Links are relative, so any prefix works; it only has to end with a slash.
//
// # What the host answers for
//
// Who may see the page. Options.Scope tells whose webhooks a request is about, and an
// error there refuses it; Options.ReadOnly takes away everything that changes something.
//
// # What the page answers for
//
// Secrets, URLs and the values of headers are written and never read: of a URL the browser
// gets scheme and host, of a secret nothing, not even what was typed into a form that had a
// mistake elsewhere. Requests of other sites are refused by [http.CrossOriginProtection], the
// Content-Security-Policy allows one stylesheet and one script of the page's own, and nothing
// is cached. Everything works without JavaScript; the script keeps deliveries up to date.
//
// All texts are in [Texts], English by default.
package settings
