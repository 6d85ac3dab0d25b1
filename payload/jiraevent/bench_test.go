package jiraevent_test

import (
	"testing"

	"github.com/postrider/postrider/payload/jiraevent"
)

func BenchmarkAppendBody(b *testing.B) {
	c := updated()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.AppendBody(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := updated()
	body, err := c.AppendBody(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := jiraevent.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
