package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook/settings"
)

// tenant is the only one here. A real host reads it from the session of the signed-in person.
const tenant = "acme"

// signedOut is the cookie of a person who has signed out; everyone starts signed in.
const signedOut = "taskapp_signed_out"

var errSignedOut = errors.New("signed out")

// scope returns the scope of a request's webhooks.
func scope(r *http.Request) (string, error) {
	if _, err := r.Cookie(signedOut); err == nil {
		return "", errSignedOut
	}
	return tenant, nil
}

func signedIn(r *http.Request) bool {
	_, err := scope(r)
	return err == nil
}

// signIn is the page for a person who is not signed in.
func signIn(*http.Request) string { return "/sign-in" }

// session carries out the form of signing in or out.
func session(age int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: signedOut, Value: "yes", Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// texts returns the texts of the settings page in the language of a request. This host has English,
// and enough Arabic to show a page that is written from right to left.
func texts(r *http.Request) *settings.Texts {
	t := settings.Automation()
	if strings.HasPrefix(r.Header.Get("Accept-Language"), "ar") {
		t.Lang, t.Dir, t.Location = "ar", "rtl", time.FixedZone("AST", 3*60*60)
		t.ListTitle, t.AddButton, t.AddTitle = "إعدادات الإشعارات", "إضافة خطاف ويب", "إضافة خطاف ويب"
		t.Back, t.Skip, t.Save, t.Cancel = "كل خطافات الويب", "انتقل إلى المحتوى", "حفظ", "إلغاء"
		t.DeliveriesTitle, t.Deliveries, t.LogTitle = "عمليات التسليم", "عمليات التسليم", "كل عمليات التسليم"
	}
	return &t
}
