package payload_test

import (
	"testing"

	"github.com/postrider/postrider/payload"
)

func BenchmarkNew(b *testing.B) {
	var data payload.Data = success()
	for _, bm := range []struct {
		name string
		opts []payload.Option
	}{
		{"generatedID", nil},
		{"hostID", []payload.Option{payload.WithID(runID)}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.New("acme", data, bm.opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, data := range []payload.Data{success(), failure(), expiry()} {
		b.Run(data.EventType(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				payload.EncodeBuiltin(data, payload.ExpiryDate)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, data := range []payload.Data{success(), expiry()} {
		body := mustNew(b, data).Body
		b.Run(data.EventType(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := payload.Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
