// Package inspector is a receiver for development: an [http.Handler] that takes any webhook,
// checks how it is signed, and shows what arrived, live.
//
//	in, err := inspector.New(&inspector.Options{Secrets: []sign.Secret{secret}, Console: os.Stdout})
//	mux.Handle("/inspector/", http.StripPrefix("/inspector", in))
//
// Everything below in/ receives, with any method: /inspector/in, /inspector/in/my/path. The page
// shows each request with its headers, its body, the result of its signature, the number of the
// retry, and whether the same request came before. requests.json is the same for programs. Answers
// can be scripted, with [Inspector.Script] and [Inspector.Always] or on the page: any status, after
// any delay.
//
// The page can send a sample of every event type to itself, and atlassian-connect.json is the
// descriptor of a Connect app that listens to all of them.
//
// It is not for production: everyone who reaches the page sees bodies. The page, the feed and the
// descriptor answer under localhost only, or under the names in Options.Hosts, so that no page of
// another site can read them. The memory and the length of each page are bounded.
//
// The secrets in Options.Secrets are masked in every kept part of a request: target, headers, body,
// event and identifier, as they are and as JSON, HTML and URLs usually write them. Another
// spelling, such as base64, is shown as it came. Of Authorization, cookies and the token header
// only the length and the scheme are kept. The shared secret of a Connect installation is not kept.
package inspector
