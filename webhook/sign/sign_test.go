package sign_test

import (
	"errors"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook/sign"
)

func TestFuncIsASigner(t *testing.T) {
	t.Parallel()
	want := errors.New("refused")
	m := sign.Message{ID: "msg_1", Attempt: 3, Time: time.Unix(1, 0), Body: []byte("b")}
	r := newRequest()
	var s sign.Signer = sign.Func(func(gotR *http.Request, got sign.Message) error {
		if gotR != r || got.ID != m.ID || got.Attempt != m.Attempt || !got.Time.Equal(m.Time) || string(got.Body) != "b" {
			t.Errorf("the function got %+v, want what Sign was given", got)
		}
		return want
	})
	if err := s.Sign(r, m); !errors.Is(err, want) {
		t.Errorf("Sign = %v, want the function's error", err)
	}
}

// Package sign depends on no third party. The same holds for the shared packages with the rules for
// header fields and the classes of characters.
func TestImportsTheStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"../internal/httpfield", "../../internal/ascii"} {
		shared, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(shared) == 0 {
			t.Fatal(shared, err)
		}
		files = append(files, shared...)
	}
	const module = "github.com/postrider/postrider/"
	own := []string{module + "webhook/internal/httpfield", module + "internal/ascii"}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			checked++
			path := strings.Trim(spec.Path.Value, `"`)
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") && !slices.Contains(own, path) {
				t.Errorf("%s imports %s", name, spec.Path.Value)
			}
		}
	}
	if checked == 0 {
		t.Error("no import was checked")
	}
}

func BenchmarkStandard(b *testing.B) {
	v := vectors(b)[1]
	s, r, m := mustStandard(b, sign.NewSecret(v.Secret)), newRequest(), v.message()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Sign(r, m); err != nil {
			b.Fatal(err)
		}
	}
}
