package payload

import "github.com/postrider/postrider/payload/internal/jsonbody"

// EncodeBuiltin encodes one of this package's types without checking it.
func EncodeBuiltin(data Data, expiry ExpiryFormat) []byte {
	d, _ := asBuiltin(data)
	body, err := jsonbody.Encode(d.body(expiry))
	if err != nil {
		panic(err)
	}
	return body
}
