package settings_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/memstore"
	"github.com/postrider/postrider/webhook/settings"
)

// The page is mounted behind the host's own login, which provides the scope.
func Example() {
	store, err := memstore.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	hooks, err := webhook.New(store, webhook.Automation(), nil)
	if err != nil {
		log.Fatal(err)
	}
	page, err := settings.New(hooks, &settings.Options{
		Scope: func(r *http.Request) (string, error) {
			user, _, ok := r.BasicAuth() // a session in real life
			if !ok {
				return "", errors.New("not signed in")
			}
			return "tenant-of-" + user, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/settings/notifications/", http.StripPrefix("/settings/notifications", page))

	server := httptest.NewServer(mux)
	defer server.Close()
	for _, user := range []string{"", "kim"} {
		request, err := http.NewRequest(http.MethodGet, server.URL+"/settings/notifications/", nil)
		if err != nil {
			log.Fatal(err)
		}
		if user != "" {
			request.SetBasicAuth(user, "secret")
		}
		response, err := server.Client().Do(request)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(response.StatusCode, strings.Contains(string(body), "0 of 3 used"))
	}
	// Output:
	// 403 false
	// 200 true
}
