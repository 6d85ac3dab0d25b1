package sqlstore

import (
	"math"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// watermarks holds, for lanes that are drained without a pause, the place below which all
// rows were taken. Below it are rows that other hosts hold and, while a transaction stays open for
// long, index entries of sent rows, which PostgreSQL keeps. Each claim of the lane would read them
// again: twice the work beside three hosts, ten times the work after 100,000 rows.
//
// A watermark is a hint. A lane has one only after several full claims in a row, and for a life
// that bounds the share of the time for claims from the head. The Store drops it when it makes a row
// due below. A row that another host gives back below waits until the watermark expires, or until a
// claim is not full: the batch then says that there may be more.
type watermarks struct {
	mu      sync.Mutex
	lanes   map[webhook.Lane]*watermark
	highest int64 // the highest due time of a watermark
}

type watermark struct {
	at    lanePlace
	full  int       // consecutive claims that returned as many rows as requested
	until time.Time // then the lane is read from its head again
}

const (
	watermarkAfter   = 4
	watermarkShare   = 20 // lives of this many times what the claim from the head took
	minWatermarkLife = 250 * time.Millisecond
	maxWatermarkLife = 5 * time.Second
	maxWatermarks    = 10_000
)

// lanePlace is the place of a row in its lane.
type lanePlace struct{ due, seq int64 }

// laneHead precedes all rows.
var laneHead = lanePlace{due: math.MinInt64}

// start returns the place after which a claim reads a lane, laneHead without a watermark.
func (m *watermarks) start(l webhook.Lane) lanePlace {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.lanes[l]
	if p == nil || p.full < watermarkAfter || time.Now().After(p.until) {
		return laneHead
	}
	return p.at
}

// move sets the watermark of a lane after a claim that read it from a place and took some time.
func (m *watermarks) move(l webhook.Lane, from lanePlace, rows []row, full bool, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !full {
		delete(m.lanes, l)
		return
	}
	p := m.lanes[l]
	if p == nil {
		if m.lanes == nil || len(m.lanes) >= maxWatermarks {
			m.lanes = make(map[webhook.Lane]*watermark)
		}
		p = &watermark{}
		m.lanes[l] = p
	}
	if p.full++; from == laneHead {
		p.until = time.Now().Add(min(max(minWatermarkLife, watermarkShare*took), maxWatermarkLife))
	}
	p.at = laneHead
	for i := range rows {
		if at := (lanePlace{rows[i].at, rows[i].seq}); at.due > p.at.due || at.due == p.at.due && at.seq > p.at.seq {
			p.at = at
		}
	}
	m.highest = max(m.highest, p.at.due)
}

// dropAbove drops the watermarks when a row becomes due below one.
func (m *watermarks) dropAbove(due int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if due <= m.highest {
		m.lanes, m.highest = nil, math.MinInt64
	}
}

// drop drops the watermark of a lane, as when a lease has ended below it.
func (m *watermarks) drop(l webhook.Lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lanes, l)
}
