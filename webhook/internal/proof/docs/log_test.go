package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logLine is a message with its level. The message has no "webhook: " in front.
type logLine struct{ level, text string }

// Rule: the table of docs/production.md has every message that the library logs at INFO or above,
// under its level, and none that is not logged. A row may have several, each by its beginning.
func TestLogLinesAreListed(t *testing.T) {
	t.Parallel()
	logged, listed := loggedLines(t), listedLines(t)
	for _, line := range logged {
		if !slices.ContainsFunc(listed, line.beginsWith) {
			t.Errorf("docs/production.md lacks %s: %s", line.level, line.text)
		}
	}
	for _, row := range listed {
		if !slices.ContainsFunc(logged, func(line logLine) bool { return line.beginsWith(row) }) {
			t.Errorf("docs/production.md has %s: %s, which is not logged", row.level, row.text)
		}
	}
	if len(logged) < 30 {
		t.Errorf("only %d messages were found", len(logged))
	}
}

func (l logLine) beginsWith(row logLine) bool {
	return l.level == row.level && strings.HasPrefix(l.text, row.text)
}

// listedLines reads the table: level, messages with "; " between them, and what to do.
func listedLines(t *testing.T) (lines []logLine) {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\| (ERROR|WARN|INFO) \| ([^|]+) \|`).FindAllStringSubmatch(string(page), -1) {
		for text := range strings.SplitSeq(m[2], "; ") {
			lines = append(lines, logLine{m[1], strings.TrimSuffix(text, " …")})
		}
	}
	return lines
}

// loggedLines finds the messages in the sources of webhook and the packages below it.
func loggedLines(t *testing.T) (lines []logLine) {
	t.Helper()
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "proof" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			lines = append(lines, linesOf(t, path, d)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// levels are the levels of the methods that log. reportBreach gets its message as an argument.
var levels = map[string]string{"Info": "INFO", "Warn": "WARN", "Error": "ERROR", "reportBreach": "ERROR"}

// linesOf finds the messages of a declaration.
func linesOf(t *testing.T, path string, d ast.Decl) (lines []logLine) {
	t.Helper()
	if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "reportBreach" {
		return nil
	}
	ast.Inspect(d, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, hasContext := strings.CutSuffix(method.Sel.Name, "Context")
		level, ok := levels[name]
		if !ok || name != "reportBreach" && !isLogger(method.X) {
			return true
		}
		args := call.Args
		if hasContext || name == "reportBreach" {
			args = args[1:]
		}
		text, ok := literal(args[0])
		if !ok {
			t.Errorf("%s: the message of a %s is not a literal, so this test cannot compare it", path, method.Sel.Name)
		}
		lines = append(lines, logLine{level, strings.TrimPrefix(text, "webhook: ")})
		return true
	})
	return lines
}

// isLogger reports whether an expression is a variable or field named log or Logger.
func isLogger(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "log"
	case *ast.SelectorExpr:
		return e.Sel.Name == "log" || e.Sel.Name == "Logger"
	}
	return false
}

func literal(e ast.Expr) (text string, ok bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
