package sqlstore

import (
	"context"
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

// lengths ends at 16: drivers take time for a parameter that grows with their number.
var lengths = [...]int{16, 4, 1}

// newMulti fills the lists into the text for SQLite, where <rows> stands for them.
func newMulti(columns int, postgres, sqlite string) *multi {
	m := &multi{columns: columns, postgres: postgres}
	for i, n := range lengths {
		m.sqlite[i] = strings.Replace(sqlite, "<rows>", valuesList(n, columns), 1)
	}
	return m
}

// valuesList returns (?, ?), (?, ?) for two rows of two columns. Parameters without a
// number are the ones that drivers bind fastest.
func valuesList(rows, columns int) string {
	row := "(" + strings.Repeat("?, ", columns-1) + "?)"
	return strings.Repeat(row+", ", rows-1) + row
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
