// Package settings is the page on which people manage webhooks: an [http.Handler] that a
// host mounts behind its own login.
//
//	page, err := settings.New(hooks, &settings.Options{
//		Scope: func(r *http.Request) (string, error) { return tenantOf(r) },
//	})
//	mux.Handle("/settings/webhooks/", http.StripPrefix("/settings/webhooks", requireAdmin(page)))
//
// It lists the webhooks of a scope with their health, adds, edits, tests, switches and
// deletes them. It shows every delivery: its attempts, its next try, why it has not been sent
// yet, and the request itself. What failed can be found by event, type, outcome and time, and sent
// again, one by one or all since a time. Links are relative, so any prefix works; it only has to
// end with a slash.
//
// # What the host answers for
//
// Who may see the page. Options.Scope tells whose webhooks a request is about, and an
// error there refuses it; Options.ReadOnly takes away everything that changes something.
//
// # What the page answers for
//
// Secrets, URLs and the values of headers are written and never read: of a stored URL the browser
// gets scheme and host, of a secret nothing, not even what was typed into a form that had a
// mistake elsewhere. A URL that was typed into such a form comes back in it, and nowhere else.
// Requests of other sites are refused by [http.CrossOriginProtection], the
// Content-Security-Policy allows one stylesheet and one script of the page's own, and nothing
// is cached. A form is carried out once, however often its button is pressed. Everything works
// without JavaScript; the script keeps lists and deliveries up to date, and costs next to nothing
// while nothing changes.
//
// # How it looks and reads
//
// All texts are in [Texts]: [English] for receivers of any kind, [Automation] for rules of
// Atlassian Automation. Options.Texts chooses them, the language, the direction and the time zone
// for each request.
//
// Options.CSS may set these variables, for the light and, in a media query, for the dark scheme:
//
//	--page --card --ink --soft --line --field --code    backgrounds, text, borders, code
//	--accent --on-accent                                links, primary buttons, the switch
//	--good --bad --wait                                 delivered, failed, waiting
//	--good-back --bad-back --note-back --chip           backgrounds of notices and labels
//	--font --mono --radius --width                      fonts, corners, the page's width
package settings
