// Package inspector is a receiver for development: an [http.Handler] that takes any webhook,
// checks how it is signed, and shows what arrived, live.
//
//	in, err := inspector.New(&inspector.Options{Secrets: []sign.Secret{secret}, Console: os.Stdout})
//	mux.Handle("/inspector/", http.StripPrefix("/inspector", in))
//
// Everything below in/ receives, whatever the method: /inspector/in, /inspector/in/my/path.
// The page shows each request with its headers, its body, what became of the signature, the
// number of the retry, and whether the same was there before. requests.json is the same for
// programs. How requests are answered can be scripted, with [Inspector.Script] and
// [Inspector.Always] or on the page: any status, after any delay.
//
// The page can send a sample of every event type to itself, and atlassian-connect.json is the
// descriptor of a Connect app that listens to all of them.
//
// It is not for production: whoever reaches the page sees bodies. Memory is bounded, and
// credentials are not shown: known secrets, and headers that carry some, are masked wherever
// they stand.
package inspector
