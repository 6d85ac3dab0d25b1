package oracle

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/webhook"
)

// nginx runs one server whose location /hook has the given settings, in front of a backend that
// receives the client's identity. It listens on a socket in the file system, because another
// process could take a port meanwhile.
func nginx(t *testing.T, p *pki, backend, server, location string) (socket string) {
	t.Helper()
	program := needs(t, "nginx")
	socket = p.file("nginx.sock")
	p.write(t, "nginx.conf", fmt.Appendf(nil, `daemon off; worker_processes 1; pid %[1]s/pid; error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {
    listen unix:%[2]s ssl; server_name %[3]s;
    ssl_certificate %[1]s/server.pem; ssl_certificate_key %[1]s/server.key;
    %[4]s
    location /hook { %[5]s proxy_pass %[6]s; proxy_set_header X-Client $ssl_client_s_dn; proxy_set_header X-User $remote_user; }
  }
}
`, p.dir, socket, credentialHost, server, location, backend))
	started(t, exec.Command(program, "-p", p.dir, "-c", p.file("nginx.conf"), "-g", "user root;"))
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			return socket
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // nginx does not report that it listens
	}
}

// backend is behind nginx and keeps the identities of clients.
type backend struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newBackend(t *testing.T) *backend {
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		b.seen = append(b.seen, strings.TrimSpace(r.Header.Get("X-Client")+" "+r.Header.Get("X-User")))
		b.mu.Unlock()
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) takeSeen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.seen
	b.seen = nil
	return out
}

// Rule: nginx with auth_basic accepts its users' names and passwords, of any characters, and
// answers 401 to others.
func TestNginxBasic(t *testing.T) {
	t.Parallel()
	p, b := newPKI(t), newBackend(t)
	const user = "odd user+%&"
	sum := sha1.Sum([]byte(odd)) // the format of nginx; a password in clear could not hold a colon
	p.write(t, "htpasswd", []byte(user+":{SHA}"+base64.StdEncoding.EncodeToString(sum[:])+"\n"))
	m := p.senderTo(t, "unix", nginx(t, p, b.URL, "", `auth_basic "x"; auth_basic_user_file `+p.file("htpasswd")+`;`))
	hook := func(a webhook.Auth) webhook.Webhook { return addHook(t, m, func(w *webhook.Webhook) { w.Auth = a }) }
	basic := func(user, password string) webhook.Auth {
		return webhook.Auth{Scheme: webhook.AuthBasic, Username: user, Secret: webhook.NewSecret(password)}
	}
	for _, c := range []struct {
		name string
		auth webhook.Auth
		want int
	}{
		{"right", basic(user, odd), 200},
		{"wrong password", basic(user, odd+"x"), 401},
		{"wrong user", basic("x", odd), 401},
		{"none", webhook.Auth{}, 401},
	} {
		if a := tried(t, m, hook(c.auth)); a.Status != c.want {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	if diff := cmp.Diff([]string{user}, b.takeSeen()); diff != "" {
		t.Errorf("nginx let in (-want +got):\n%s", diff)
	}
}

// openssl runs an openssl command in the folder of the authority.
func openssl(t *testing.T, p *pki, args ...string) string {
	t.Helper()
	cmd := exec.Command(needs(t, "openssl"), args...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Rule: openssl verifies a certificate request, signs it as an authority, and verifies the
// certificate. nginx with ssl_verify_client accepts it under its own name, and refuses a client
// without one. Two webhooks with two identities are never confused.
func TestNginxClientCertificate(t *testing.T) {
	t.Parallel()
	p, b := newPKI(t), newBackend(t)
	m := p.senderTo(t, "unix", nginx(t, p, b.URL, "ssl_verify_client on; ssl_client_certificate "+p.file("ca.pem")+";", ""))
	var hooks []webhook.Webhook
	for i := range 2 {
		w := addHook(t, m, func(*webhook.Webhook) {})
		if a := tried(t, m, w); a.Status != 400 {
			t.Errorf("without a certificate: %+v", a)
		}
		csr, err := m.CertificateRequest(t.Context(), w.Scope, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("request%d", i)
		p.write(t, name+".csr", csr)
		if said := openssl(t, p, "req", "-verify", "-in", name+".csr", "-noout", "-subject", "-text"); !strings.Contains(said, "verify OK") ||
			!strings.Contains(said, "CN = "+w.ID) || !strings.Contains(said, "prime256v1") {
			t.Errorf("openssl req: %s", said)
		}
		p.write(t, "ext", []byte("extendedKeyUsage=clientAuth\n"))
		openssl(t, p, "x509", "-req", "-in", name+".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "ext", "-out", name+".pem")
		if said := openssl(t, p, "verify", "-purpose", "sslclient", "-CAfile", "ca.pem", name+".pem"); !strings.Contains(said, "OK") {
			t.Errorf("openssl verify: %s", said)
		}
		chain := openssl(t, p, "x509", "-in", name+".pem")
		if w, err = m.SetCertificate(t.Context(), w.Scope, w.ID, []byte(chain)); err != nil {
			t.Fatal(err)
		}
		hooks = append(hooks, w)
	}
	b.takeSeen()
	for i := range 20 {
		w := hooks[i%2]
		if a := tried(t, m, w); !a.OK() {
			t.Fatalf("%+v", a)
		}
		if diff := cmp.Diff([]string{"CN=" + w.ID}, b.takeSeen()); diff != "" {
			t.Fatalf("request %d (-want +got):\n%s", i, diff)
		}
	}
}
