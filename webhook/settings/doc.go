// Package settings is the page on which people manage webhooks: an [http.Handler] that a host
// mounts behind its own login.
//
//	page, err := settings.New(hooks, &settings.Options{
//		Scope: func(r *http.Request) (string, error) { return tenantOf(r) },
//	})
//	mux.Handle("/settings/webhooks/", http.StripPrefix("/settings/webhooks", requireAdmin(page)))
//
// It lists the webhooks of a scope with their health, adds, edits, tests, switches and deletes
// them. It shows every delivery: its attempts, its next try, why it has not been sent yet, and the
// request itself. Failed deliveries can be found by event, type, outcome and time, and sent again,
// one by one or all since a time. Links are relative, so any prefix works that ends with a slash.
//
// # The host's duties
//
// The host decides who sees the page. Options.Scope returns the scope of a request, and an error
// there refuses the request. Options.ReadOnly takes away everything that changes something.
//
// # The page's duties
//
// Secrets, URLs and the values of headers are written and never read. The browser gets the scheme
// of a stored URL, its host unless that is an address, and nothing of a secret, not even of one
// typed into a form with a mistake elsewhere. A URL typed into such a form comes back in that form
// alone. [http.CrossOriginProtection] refuses requests of other sites. The Content-Security-Policy
// allows one stylesheet and one script of the page's own. Nothing is cached. A form is carried out
// once, however often its button is pressed. Everything works without JavaScript; the script keeps
// lists and deliveries up to date, and costs next to nothing while nothing changes.
//
// # Appearance and language
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
