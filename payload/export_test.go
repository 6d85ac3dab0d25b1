package payload

// AppendString gives black-box tests the string encoder.
var AppendString = appendString

// EncodeBuiltin encodes one of this package's types without checking it.
func EncodeBuiltin(data Data, expiry ExpiryFormat) []byte {
	d, _ := asBuiltin(data)
	return d.appendTo(make([]byte, 0, d.size()), expiry)
}
