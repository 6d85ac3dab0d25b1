package hostile

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// The part of RFC 1035 section 4 that a name server for tests needs: one question per message,
// answers of type A and AAAA (RFC 3596).
const (
	typeA    = 1
	typeAAAA = 28
	classIN  = 1

	rcodeServerFailure = 2
	rcodeNotFound      = 3

	headerLen = 12
	maxUDP    = 512

	flagResponse  = 1 << 15
	flagAuthority = 1 << 10
	flagTruncated = 1 << 9
	flagRecurse   = 1<<8 | 1<<7 // desired and available
	maskOpcode    = 15 << 11
)

type question struct {
	id   uint16
	name string // lower case, without the final dot
	typ  uint16
	wire []byte // as received, to be sent back
}

func (q question) kind() string {
	switch q.typ {
	case typeA:
		return "A"
	case typeAAAA:
		return "AAAA"
	}
	return "other"
}

func (l Lookup) rcode() uint16 {
	switch {
	case l.NotFound:
		return rcodeNotFound
	case l.ServerFailure:
		return rcodeServerFailure
	}
	return 0
}

// parseQuestion reads a standard query with one question of class IN. It skips everything after the
// question, such as EDNS.
func parseQuestion(msg []byte) (q question, ok bool) {
	if len(msg) < headerLen {
		return q, false
	}
	flags := binary.BigEndian.Uint16(msg[2:])
	if flags&(flagResponse|maskOpcode) != 0 || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return q, false
	}
	var labels []string
	rest := msg[headerLen:]
	for {
		if len(rest) == 0 {
			return q, false
		}
		n := int(rest[0])
		if n == 0 {
			rest = rest[1:]
			break
		}
		if n > 63 || len(rest) < 1+n { // above 63 it is a pointer, which a question does not need
			return q, false
		}
		labels = append(labels, string(rest[1:1+n]))
		rest = rest[1+n:]
	}
	if len(rest) < 4 || binary.BigEndian.Uint16(rest[2:]) != classIN {
		return q, false
	}
	return question{
		id: binary.BigEndian.Uint16(msg), name: fold(strings.Join(labels, ".")), typ: binary.BigEndian.Uint16(rest),
		wire: append([]byte(nil), msg[headerLen:len(msg)-len(rest)+4]...),
	}, true
}

// reply answers q with the addresses of its type, or with a flag that the answer is too long for
// UDP.
func (q question) reply(rcode uint16, addrs []netip.Addr, udp bool) []byte {
	var answers []byte
	count := 0
	for _, a := range addrs {
		if rcode != 0 || a.Is4() != (q.typ == typeA) || a.Is6() != (q.typ == typeAAAA) {
			continue
		}
		data := a.AsSlice()
		answers = binary.BigEndian.AppendUint16(answers, 0xC000|headerLen) // a pointer to the question's name
		answers = binary.BigEndian.AppendUint16(answers, q.typ)
		answers = binary.BigEndian.AppendUint16(answers, classIN)
		answers = binary.BigEndian.AppendUint32(answers, 0) // TTL: must not be cached
		answers = binary.BigEndian.AppendUint16(answers, uint16(len(data)))
		answers = append(answers, data...)
		count++
	}
	flags := flagResponse | flagAuthority | flagRecurse | rcode
	if udp && headerLen+len(q.wire)+len(answers) > maxUDP {
		flags |= flagTruncated
		answers, count = nil, 0
	}
	out := binary.BigEndian.AppendUint16(nil, q.id)
	out = binary.BigEndian.AppendUint16(out, flags)
	out = binary.BigEndian.AppendUint16(out, 1)
	out = binary.BigEndian.AppendUint16(out, uint16(count))
	out = append(out, 0, 0, 0, 0) // no authority, nothing additional
	out = append(out, q.wire...)
	return append(out, answers...)
}

func truncated(reply []byte) bool {
	return binary.BigEndian.Uint16(reply[2:])&flagTruncated != 0
}
