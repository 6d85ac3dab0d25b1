package oauth

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Rule: a token is used until expires_in after the fetch began, less a minute or half of it where that
// is less. Without expires_in it is used for five minutes, and always for a day at most. An expired
// token is used once.
func TestEnd(t *testing.T) {
	t.Parallel()
	for said1, want := range map[string]time.Duration{
		`,"expires_in":3600`:     59 * time.Minute,
		`,"expires_in":"3600"`:   59 * time.Minute,
		`,"expires_in":3600.5`:   59*time.Minute + time.Second/2,
		`,"expires_in":120`:      time.Minute,
		`,"expires_in":60`:       30 * time.Second,
		`,"expires_in":1`:        time.Second / 2,
		``:                       4 * time.Minute,
		`,"expires_in":null`:     4 * time.Minute,
		`,"expires_in":"soon"`:   4 * time.Minute,
		`,"expires_in":"NaN"`:    4 * time.Minute,
		`,"expires_in":{}`:       4 * time.Minute,
		`,"expires_in":1e300`:    24*time.Hour - time.Minute,
		`,"expires_in":"Inf"`:    24*time.Hour - time.Minute,
		`,"expires_in":99999999`: 24*time.Hour - time.Minute,
		`,"expires_in":0`:        0,
		`,"expires_in":-1`:       0,
		`,"expires_in":-1e300`:   0,
		`,"expires_in":"-Inf"`:   0,
	} {
		t.Run(said1, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := 300 * time.Millisecond
				if want == 0 {
					slow = 0
				}
				e := &endpoint{answer: func(n int64, _ context.Context) (int, string, error) {
					time.Sleep(slow)
					return 200, `{"access_token":"t"` + said1 + `}`, nil
				}}
				c := NewCache(e.post)
				if _, fetched := mustGet(t, c, &Client{}); !fetched {
					t.Error("not fetched")
				}
				if want > 0 {
					time.Sleep(want - slow - 1)
					if _, fetched := mustGet(t, c, &Client{}); fetched {
						t.Error("fetched before its end")
					}
					time.Sleep(time.Nanosecond)
				}
				if _, fetched := mustGet(t, c, &Client{}); !fetched {
					t.Error("used after its end")
				}
			})
		})
	}
}

// Rule: only an answer with a usable bearer token gives a token; an error holds the status and, if
// known, one of the six names.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // the token, or the error
	}{
		"a token":                  {200, `{"access_token":"t","token_type":"Bearer"}`, "t"},
		"another case":             {200, `{"access_token":"t","token_type":"bEARER"}`, "t"},
		"no type":                  {200, `{"access_token":"t"}`, "t"},
		"created":                  {201, `{"access_token":"t"}`, "t"},
		"4,096 bytes":              {200, `{"access_token":"` + strings.Repeat("t", 4096) + `"}`, strings.Repeat("t", 4096)},
		"4,097 bytes":              {200, `{"access_token":"` + strings.Repeat("t", 4097) + `"}`, "token endpoint: 200"},
		"mac":                      {200, `{"access_token":"t","token_type":"mac"}`, "token endpoint: 200"},
		"DPoP":                     {200, `{"access_token":"t","token_type":"DPoP"}`, "token endpoint: 200"},
		"no token":                 {200, `{}`, "token endpoint: 200"},
		"empty":                    {200, ``, "token endpoint: 200"},
		"HTML":                     {200, `<html>login</html>`, "token endpoint: 200"},
		"two values":               {200, `{"access_token":"t"}{"access_token":"u"}`, "token endpoint: 200"},
		"a token with a break":     {200, `{"access_token":"t\r\nX: y"}`, "token endpoint: 200"},
		"a token beyond ASCII":     {200, `{"access_token":"ä"}`, "token endpoint: 200"},
		"a token with a space":     {200, `{"access_token":"t "}`, "token endpoint: 200"},
		"a number":                 {200, `{"access_token":1}`, "token endpoint: 200"},
		"64 KiB":                   {200, `{"access_token":"t"}` + strings.Repeat(" ", MaxAnswer-20), "t"},
		"more than 64 KiB":         {200, `{"access_token":"t"}` + strings.Repeat(" ", MaxAnswer-19), "token endpoint: 200"},
		"deep":                     {200, strings.Repeat("[", 60_000), "token endpoint: 200"},
		"an error with 200":        {200, `{"error":"invalid_scope"}`, "token endpoint: 200 invalid_scope"},
		"an error":                 {400, `{"error":"invalid_client","error_description":"canary"}`, "token endpoint: 400 invalid_client"},
		"an error of its own":      {400, `{"error":"canary"}`, "token endpoint: 400"},
		"an error that is no text": {401, `{"error":{"canary":1}}`, "token endpoint: 401"},
		"a redirect":               {307, `{"access_token":"t"}`, "token endpoint: 307"},
		"an error with a token":    {500, `{"access_token":"t"}`, "token endpoint: 500"},
		"too many":                 {429, `slow down`, "token endpoint: 429"},
		"switching protocols":      {101, ``, "token endpoint: 101"},
	} {
		e := &endpoint{answer: func(int64, context.Context) (int, string, error) { return c.status, c.body, nil }}
		got, _, err := NewCache(e.post).Token(t.Context(), &Client{})
		text := got.Value
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s: %.60q, want %.60q", name, text, c.want)
		}
	}
	for _, name := range Names {
		_, err := parse(400, []byte(`{"error":"`+name+`"}`), time.Now())
		if want := "token endpoint: 400 " + name; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
