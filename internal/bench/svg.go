package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// plot is a chart of lines, with a logarithmic axis along the bottom.
type plot struct {
	title, x, y string
	lines       []line
}

type line struct {
	name   string
	points [][2]float64
}

const (
	plotWidth, plotHeight  = 720, 380
	plotLeft, plotRight    = 70, 200
	plotTop, plotBottom    = 40, 50
	plotInnerW, plotInnerH = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	horizontalLines        = 5
	plotFont               = `font-family="sans-serif" font-size="12"`
)

var colours = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f", "#e377c2", "#bcbd22", "#111111"}

// svg draws the plot.
func (p *plot) svg() string {
	var xs []float64
	top := 0.0
	for _, l := range p.lines {
		for _, pt := range l.points {
			xs, top = append(xs, pt[0]), max(top, pt[1])
		}
	}
	if len(xs) == 0 {
		return ""
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	top = ceiling(top)
	across := math.Log(xs[len(xs)-1] / xs[0])
	at := func(pt [2]float64) (x, y float64) {
		x, y = plotLeft, plotTop+plotInnerH*(1-pt[1]/top)
		if across > 0 {
			x += plotInnerW * math.Log(pt[0]/xs[0]) / across
		}
		return x, y
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" %s>`+"\n", plotWidth, plotHeight, plotFont)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/><text x="%d" y="22" font-size="14">%s</text>`+"\n", plotLeft, p.title)
	for i := range horizontalLines + 1 {
		v := top * float64(i) / horizontalLines
		_, y := at([2]float64{xs[0], v})
		fmt.Fprintf(&b, `<path d="M%d %.1fh%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft, y, plotInnerW, plotLeft-6, y+4, number(v))
	}
	for _, v := range xs {
		x, _ := at([2]float64{v, 0})
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, plotHeight-plotBottom+18, number(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text x="6" y="%d">%s</text>`+"\n", plotLeft+plotInnerW/2, plotHeight-10, p.x, plotTop-6, p.y)
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		var path []string
		for _, pt := range l.points {
			x, y := at(pt)
			path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, colour)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(path, " "), colour)
		y := plotTop + 8 + 20*i
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="4" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", plotWidth-plotRight+14, y, colour, plotWidth-plotRight+32, y+6, l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p *plot) write(name string) error { return os.WriteFile(name, []byte(p.svg()), 0o644) }

// ceiling is the next 1, 2 or 5 times a power of ten.
func ceiling(x float64) float64 {
	if x <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, n := range []float64{1, 2, 5} {
		if x <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}
