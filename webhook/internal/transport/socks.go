package transport

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// Numbers of SOCKS5: RFC 1928, and RFC 1929 for the password.
const (
	socksVersion  = 5
	socksNoAuth   = 0
	socksPassword = 2
	socksConnect  = 1
	socksIPv4     = 1
	socksDomain   = 3
	socksIPv6     = 4
)

// socks asks a SOCKS5 proxy for a connection.
func (p *proxy) socks(conn io.ReadWriter, address string) error {
	hello := []byte{socksVersion, 1, socksNoAuth}
	if p.url.User != nil {
		hello = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	chosen, err := socksAsk(conn, hello, 2)
	if err != nil {
		return err
	}
	switch {
	case chosen[0] != socksVersion:
		return errProxy
	case chosen[1] == socksPassword && p.url.User != nil:
		if err := p.socksLogin(conn); err != nil {
			return err
		}
	case chosen[1] != socksNoAuth:
		return &Error{Egress, ProxyAuth}
	}
	request, err := socksRequest(address)
	if err != nil {
		return err
	}
	reply, err := socksAsk(conn, request, 4)
	if err != nil {
		return err
	}
	return socksReply(conn, reply)
}

func (p *proxy) socksLogin(conn io.ReadWriter) error {
	name := p.url.User.Username()
	password, _ := p.url.User.Password()
	if name == "" || len(name) > 255 || len(password) > 255 {
		return &Error{Egress, ProxyAuth}
	}
	login := append([]byte{1, byte(len(name))}, name...)
	login = append(append(login, byte(len(password))), password...)
	answer, err := socksAsk(conn, login, 2)
	if err == nil && answer[1] != 0 {
		err = &Error{Egress, ProxyAuth}
	}
	return err
}

// socksAsk writes a message and reads the first n bytes of the answer.
func socksAsk(conn io.ReadWriter, message []byte, n int) ([]byte, error) {
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	answer := make([]byte, n)
	_, err := io.ReadFull(conn, answer)
	return answer, err
}

// socksRequest returns a request for a connection to host:port. The proxy resolves names.
func socksRequest(address string) ([]byte, error) {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || len(host) > 255 {
		return nil, &Error{Kind: Connect}
	}
	out := []byte{socksVersion, socksConnect, 0}
	if a, err := netip.ParseAddr(host); err != nil {
		out = append(append(out, socksDomain, byte(len(host))), host...)
	} else if a = a.Unmap(); a.Is4() {
		out = append(append(out, socksIPv4), a.AsSlice()...)
	} else {
		out = append(append(out, socksIPv6), a.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(out, uint16(n)), nil
}

// socksReply judges the answer to a request. head is its first four bytes. socksReply reads the
// other bytes, the address from which the proxy connects.
func socksReply(conn io.Reader, head []byte) error {
	if head[0] != socksVersion {
		return errProxy
	}
	switch head[1] {
	case 0:
	case 2: // forbidden by the proxy's rules
		return &Error{Protocol, ProxyRefused}
	case 1, 3, 4: // general failure, network or host unreachable
		return &Error{Connect, Unreachable}
	case 5:
		return &Error{Connect, Refused}
	case 6: // time to live expired
		return &Error{Connect, TimedOut}
	default:
		return errProxy
	}
	size := 0
	switch head[3] {
	case socksIPv4:
		size = 4
	case socksIPv6:
		size = 16
	case socksDomain:
		var length [1]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return err
		}
		size = int(length[0])
	default:
		return errProxy
	}
	_, err := io.ReadFull(conn, make([]byte, size+2))
	return err
}
