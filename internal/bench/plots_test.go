package main

import (
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	t.Parallel()
	p := plot{title: "t", x: "x", y: "y", lines: []line{{"a", [][2]float64{{16, 1}, {256, 2}}}}}
	if s := p.svg(); !strings.Contains(s, `<polyline points="70.0,185.0 520.0,40.0"`) {
		t.Errorf("the line goes elsewhere:\n%s", s)
	}
	if s := (&plot{}).svg(); s != "" {
		t.Errorf("a plot of nothing: %s", s)
	}
}
