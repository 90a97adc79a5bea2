package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/lucas-clemente/quic-go"
	"github.com/lucas-clemente/quic-go/http3"
)

// A connection that speaks HTTP/3.
type httpSession struct {
	tripper *http3.RoundTripper
	url     string
}

func dialHTTP(socket net.PacketConn, target net.Addr, configurationOfTLS *tls.Config) session {
	tripper := &http3.RoundTripper{
		DisableCompression: true, TLSClientConfig: configurationOfTLS, QuicConfig: configuration(),
		Dial: func(
			ctx context.Context, _ string, configurationOfTLS *tls.Config, configuration *quic.Config,
		) (quic.EarlyConnection, error) {
			return quic.DialEarlyContext(ctx, socket, target, "localhost", configurationOfTLS, configuration)
		},
	}
	return httpSession{tripper, fmt.Sprintf("https://localhost:%d/", target.(*net.UDPAddr).Port)}
}

func (s httpSession) close() { _ = s.tripper.Close() }

// A request. Its body is gathered and goes out when it is closed, or, where the request is to go on, through a pipe.
func (s httpSession) stream(mode byte) (stream, error) {
	h := &httpStream{session: s, mode: mode}
	if mode == 'E' || mode == 'S' {
		return h, nil
	}
	reader, writer := io.Pipe()
	h.pipe, h.arrived = writer, make(chan struct{})
	go func() {
		defer close(h.arrived)
		h.response, h.failure = h.request(reader)
	}()
	return h, nil
}

type httpStream struct {
	session  httpSession
	mode     byte
	body     bytes.Buffer
	pipe     *io.PipeWriter
	arrived  chan struct{}
	response *http.Response
	failure  error
}

func (h *httpStream) request(body io.Reader) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodPost, h.session.url+string(rune(h.mode)), body)
	if err != nil {
		return nil, err
	}
	return h.session.tripper.RoundTrip(request)
}

func (h *httpStream) Write(bytes []byte) (int, error) {
	if h.pipe != nil {
		return h.pipe.Write(bytes)
	}
	return h.body.Write(bytes)
}

func (h *httpStream) Close() error {
	if h.pipe != nil {
		return h.pipe.Close()
	}
	h.response, h.failure = h.request(&h.body)
	return h.failure
}

func (h *httpStream) Read(buffer []byte) (int, error) {
	if h.arrived != nil {
		<-h.arrived
	}
	if h.failure != nil {
		return 0, h.failure
	}
	if h.response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the response has status %d", h.response.StatusCode)
	}
	return h.response.Body.Read(buffer)
}

func (h *httpStream) done() {
	if h.response != nil {
		h.response.Body.Close()
	}
}
