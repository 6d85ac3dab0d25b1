package sqlstore

import (
	"context"
	"strconv"
	"strings"
)

// multi is a statement that takes many rows. PostgreSQL gets any number of them as
// arrays. SQLite gets them as parameters of a VALUES list, which it reads three times
// as fast as JSON; there is a compiled statement for each of a few lengths.
type multi struct {
	columns  int
	postgres string
	sqlite   [len(lengths)]string
}

var lengths = [...]int{64, 16, 4, 1}

// newMulti fills the lists into the text for SQLite, where <rows> stands for them.
func newMulti(columns int, postgres, sqlite string) *multi {
	m := &multi{columns: columns, postgres: postgres}
	for i, n := range lengths {
		m.sqlite[i] = strings.Replace(sqlite, "<rows>", valuesList(n, columns), 1)
	}
	return m
}

// valuesList returns ($1, $2), ($3, $4) for two rows of two columns.
func valuesList(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String() + ")"
}

// run runs the statement on rows whose values lie one after the other: strings, int64,
// bool and []byte.
func (s *Store) run(ctx context.Context, c Conn, m *multi, values []any, scan func(Rows) error) error {
	if s.dialect == PostgreSQL {
		a := make(arrays, m.columns)
		for i, v := range values {
			a.add(i%m.columns, v)
		}
		return s.each(ctx, c, m.postgres, a.args(), scan)
	}
	for i, n := range lengths {
		for size := n * m.columns; len(values) >= size; values = values[size:] {
			if err := s.each(ctx, c, m.sqlite[i], values[:size], scan); err != nil {
				return err
			}
		}
	}
	return nil
}
