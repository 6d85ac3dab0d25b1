package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// desk prints and files the results of the rules.
type desk struct {
	out   string
	files int
}

func (d *desk) take(r outcome) error {
	fmt.Printf("%s: %s arrived, rule %q ", r.name, r.trigger, r.rule.Name)
	switch {
	case r.err != nil:
		fmt.Println("failed")
		return r.err
	case !r.met:
		fmt.Println("had nothing to do")
		return nil
	}
	fmt.Printf("made %d:\n\n", len(r.made))
	folder := filepath.Join(d.out, r.name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, a := range r.made {
		file := filepath.Join(folder, r.trigger+"-"+a.Kind+".md")
		text := strings.TrimRight(a.Text, "\n") + "\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		d.files++
		fmt.Printf("    %s\n\n", strings.ReplaceAll(text, "\n", "\n    "))
	}
	return nil
}
