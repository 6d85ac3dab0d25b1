package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/webhook/sign"
	"github.com/postrider/postrider/webhook/webhooktest"
)

// certificate gives a webhook a client certificate, signed by the receiver's authority without the
// key, and changes key and certificate under traffic.
func certificate(ctx context.Context, say func(string, ...any)) error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	r := &mutual{ca: ca, names: map[string]int{}}
	s, err := newStage(ctx, webhook.Standard(), func(webhooktest.Request) error { return nil }, r.options)
	if err != nil {
		return err
	}
	if err = r.start(s); err == nil {
		err = s.changeCertificate(ctx, say, r)
		err = errors.Join(err, r.server.Close())
	}
	return errors.Join(err, s.close())
}

// mutual is a receiver that accepts only certificates of its authority.
type mutual struct {
	ca     *authority
	server *http.Server
	addr   string
	names  map[string]int // requests by the name in the certificate; guarded by the stage's mutex
}

// options connect the host's requests to the receiver, and allow its Store in memory to keep a
// private key; an encrypting Store needs no permission.
func (m *mutual) options(_ *stage, o *webhook.Options) {
	o.AllowClearKeys = true
	o.RootCAs = m.ca.pool()
	o.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, m.addr)
	}
}

func (m *mutual) start(s *stage) error {
	own, err := m.ca.server(webhooktest.GenericHost)
	if err != nil {
		return err
	}
	lis, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.ca.pool()})
	if err != nil {
		return err
	}
	m.addr = lis.Addr().String()
	m.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.change(func() { m.names[r.TLS.PeerCertificates[0].Subject.CommonName]++ })
		w.WriteHeader(s.answer(0, webhooktest.Request{Header: r.Header, Body: body}).Status)
	})}
	go func() { _ = m.server.Serve(lis) }() // it ends after Close
	return nil
}

func (s *stage) changeCertificate(ctx context.Context, say func(string, ...any), r *mutual) error {
	secret, err := sign.GenerateSecret()
	if err != nil {
		return err
	}
	hook, err := s.manager.Add(ctx, webhook.Webhook{Scope: scope, Name: "Ops", URL: s.endpoint.URL(), Secrets: []webhook.Secret{secret},
		Events: []string{"*"}, Active: true})
	if err != nil {
		return err
	}
	if err := s.newCertificate(ctx, r, hook.ID, "first"); err != nil {
		return err
	}
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	for i := range 100 {
		if err := s.dispatch(ctx); err != nil {
			return err
		}
		if i != 50 {
			continue
		}
		if err := s.newCertificate(ctx, r, hook.ID, "second"); err != nil {
			return err
		}
	}
	if err := s.arrived(ctx, 100); err != nil {
		return err
	}
	if err := s.traffic(ctx, 20); err != nil {
		return err
	}
	var first, second int
	s.change(func() { first, second = r.names["first"], r.names["second"] })
	if first < 20 || second < 20 || first+second != s.events {
		return fmt.Errorf("%d requests came with the first certificate, %d with the second", first, second)
	}
	say("%d events, each accepted once: %d with the first certificate, %d with the second", s.events, first, second)
	return nil
}

// newCertificate is the owner's part: download the request, have it signed, enter the certificate.
func (s *stage) newCertificate(ctx context.Context, r *mutual, id, name string) error {
	csr, err := s.manager.CertificateRequest(ctx, scope, id)
	if err != nil {
		return err
	}
	chain, err := r.ca.sign(csr, name)
	if err != nil {
		return err
	}
	_, err = s.manager.SetCertificate(ctx, scope, id, chain)
	return err
}
