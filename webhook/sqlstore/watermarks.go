package sqlstore

import (
	"math"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
)

// placeMarks remembers, for lanes that are drained without a pause, the place below which
// everything was taken. While a transaction stays open for long, PostgreSQL keeps the index
// entries of what was sent, all of them before what waits, and each claim of the lane would
// read them again: ten times the work after 100,000 rows.
//
// It is a hint. A lane has one after many full claims only, and for placeLife; what this
// Store makes due below drops it. What another host gives back below waits until then, or
// until the lane is not full: the batch says then that there may be more.
type watermarks struct {
	mu      sync.Mutex
	lanes   map[webhook.Lane]*watermark
	highest int64 // due time below which marks lie
}

type watermark struct {
	at    lanePlace
	full  int       // claims in a row that brought as many as were asked for
	since time.Time // when the lane was last read from its head
}

const (
	watermarkAfter = 32
	watermarkLife  = 5 * time.Second
	maxWatermarks  = 10_000
)

// turn is a place in a lane.
type lanePlace struct{ due, seq int64 }

// head is the place before all.
var laneHead = lanePlace{due: math.MinInt64}

// of returns the place from which a lane is to be read, head where there is none.
func (m *watermarks) start(l webhook.Lane) lanePlace {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.lanes[l]
	if p == nil || p.full < watermarkAfter || time.Since(p.since) > watermarkLife {
		return laneHead
	}
	return p.at
}

// note tells what a claim took of a lane that it read from a place.
func (m *watermarks) move(l webhook.Lane, from lanePlace, rows []row, full bool) {
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
		p.since = time.Now()
	}
	p.at = laneHead
	for i := range rows {
		if at := (lanePlace{rows[i].at, rows[i].seq}); at.due > p.at.due || at.due == p.at.due && at.seq > p.at.seq {
			p.at = at
		}
	}
	m.highest = max(m.highest, p.at.due)
}

// pending forgets the marks where something is stored, or given back, that is due below.
func (m *watermarks) dropAbove(due int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if due <= m.highest {
		m.lanes, m.highest = nil, math.MinInt64
	}
}

// drop forgets the mark of a lane, as where a lease has ended below it.
func (m *watermarks) drop(l webhook.Lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lanes, l)
}
