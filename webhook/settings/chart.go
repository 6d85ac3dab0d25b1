package settings

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// chartView draws the attempts of a period: a bar for each step of time, with the accepted part
// below the failed one, and a line for the mean latency. Its numbers stand as text beside it.
type chartView struct {
	Title, Success, Latency string
	Width                   int
	Bars                    []bar
	Line                    []string // points of each stretch without a gap
}

type bar struct {
	X, Y, Height int
	Failed       bool
}

const (
	barWidth    = 8
	barGap      = 2
	chartHeight = 48
)

// charts returns the last 24 hours and 7 days; none where the Store does not count.
func (v *visit) charts(id string) ([]chartView, error) {
	hour := v.now.UTC().Truncate(time.Hour)
	counts, err := v.m.Counts(v.ctx, v.scope, []string{id}, hour.Add(-7*24*time.Hour))
	switch {
	case errors.Is(err, webhook.ErrUnsupported):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []chartView{v.chart(counts, hour, 24, 1), v.chart(counts, hour, 7*24, 6)}, nil
}

// chart draws the hours up to the one that began at end, step hours in a bar.
func (v *visit) chart(counts []webhook.HourCount, end time.Time, hours, step int) chartView {
	bars := make([]webhook.HourCount, hours/step)
	var all webhook.HourCount
	for _, c := range counts {
		back := int(end.Sub(c.Hour)/time.Hour) / step
		if back < 0 || back >= len(bars) {
			continue
		}
		for _, sum := range []*webhook.HourCount{&bars[len(bars)-1-back], &all} {
			sum.Accepted, sum.Failed = sum.Accepted+c.Accepted, sum.Failed+c.Failed
			sum.Took, sum.Slowest = sum.Took+c.Took, max(sum.Slowest, c.Slowest)
		}
	}
	out := chartView{Title: v.t.Last(hours), Width: len(bars) * (barWidth + barGap), Success: v.t.NoAttempts}
	if n := all.Accepted + all.Failed; n > 0 {
		out.Success = v.t.Success(all.Accepted, all.Failed)
		out.Latency = v.t.Latency(all.Took/time.Duration(n), all.Slowest)
	}
	out.draw(bars)
	return out
}

func (c *chartView) draw(bars []webhook.HourCount) {
	var most int64
	var slowest time.Duration
	for _, b := range bars {
		if n := b.Accepted + b.Failed; n > 0 {
			most, slowest = max(most, n), max(slowest, b.Took/time.Duration(n))
		}
	}
	height := func(n int64) int {
		if n == 0 {
			return 0
		}
		return max(1, int(n*chartHeight/most))
	}
	var line []string
	flush := func() {
		if len(line) > 0 {
			c.Line = append(c.Line, strings.Join(line, " "))
		}
		line = nil
	}
	for i, b := range bars {
		x := i * (barWidth + barGap)
		good, bad := height(b.Accepted), height(b.Failed)
		if good > 0 {
			c.Bars = append(c.Bars, bar{x, chartHeight - good, good, false})
		}
		if bad > 0 {
			c.Bars = append(c.Bars, bar{x, max(0, chartHeight-good-bad), min(bad, chartHeight-good), true})
		}
		n := b.Accepted + b.Failed
		if n == 0 || slowest == 0 {
			flush()
			continue
		}
		y := chartHeight - int(int64(b.Took/time.Duration(n))*(chartHeight-2)/int64(slowest)) - 1
		line = append(line, fmt.Sprintf("%d,%d %d,%d", x, y, x+barWidth, y))
	}
	flush()
}
