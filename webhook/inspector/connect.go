package inspector

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/payload/confluenceevent"
	"github.com/postrider/postrider/payload/jiraevent"
	"github.com/postrider/postrider/webhook/internal/webpage"
	"github.com/postrider/postrider/webhook/sign"
)

const (
	connectPath   = "in/connect/"
	installedPath = connectPath + "installed"
	maxClients    = 100
)

// connectEvents are the events of the catalogue, each once: those of the product, or all.
func connectEvents(product string) []string {
	var names []string
	if product != "confluence" {
		names = append(names, jiraevent.Events()...)
	}
	if product != "jira" {
		names = append(names, confluenceevent.Events()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// descriptor describes an app that listens to every event, each at a URL of its own.
// ?product=jira or ?product=confluence leaves the other product's events out.
func (in *Inspector) descriptor(w http.ResponseWriter, r *http.Request) {
	type hook struct {
		Event string `json:"event"`
		URL   string `json:"url"`
	}
	type object map[string]any
	var hooks []hook
	for _, name := range connectEvents(r.URL.Query().Get("product")) {
		hooks = append(hooks, hook{name, "/" + connectPath + name})
	}
	base := in.o.BaseURL
	if base == "" {
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		base = scheme + r.Host + webpage.Mount(r)
	}
	writeJSON(w, object{
		"key": "postrider-inspector", "name": "Postrider inspector", "description": "Shows the webhooks that it receives.",
		"baseUrl": strings.TrimSuffix(base, "/"), "apiVersion": 1,
		"authentication": object{"type": "jwt"}, "lifecycle": object{"installed": "/" + installedPath},
		"scopes": []string{"READ", "ADMIN"}, "modules": object{"webhooks": hooks},
	})
}

// install keeps the secret of a site that installs the app, and returns the body without the
// secret: nil where the body cannot be read as a whole, because the secret may stand in it all the
// same. The secret of another app's installation is masked and not kept. Only the first 100 sites
// are kept, and a later installation replaces the secret, as with a real app; the secrets protect
// only test data.
func (in *Inspector) install(target string, body []byte, whole bool) []byte {
	where, _, _ := strings.Cut(target, "?")
	ours := strings.HasSuffix(where, "/"+installedPath)
	var fields map[string]json.RawMessage
	if !whole || json.Unmarshal(body, &fields) != nil {
		if ours || bytes.Contains(body, []byte("sharedSecret")) {
			return nil
		}
		return body
	}
	given, ok := fields["sharedSecret"]
	if !ok {
		return body
	}
	var client, secret string
	if ours && json.Unmarshal(given, &secret) == nil && secret != "" && len(secret) <= 4096 &&
		json.Unmarshal(fields["clientKey"], &client) == nil && client != "" && len(client) <= 255 {
		in.mu.Lock()
		if _, known := in.clients[client]; known || len(in.clients) < maxClients {
			in.clients[client] = sign.NewSecret(secret)
		}
		in.mu.Unlock()
	}
	fields["sharedSecret"] = json.RawMessage(`"(hidden)"`)
	masked, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return masked
}

// installed returns the secret of a client key.
func (in *Inspector) installed(clientKey string) []sign.Secret {
	in.mu.Lock()
	defer in.mu.Unlock()
	if s, ok := in.clients[clientKey]; ok {
		return []sign.Secret{s}
	}
	return nil
}
