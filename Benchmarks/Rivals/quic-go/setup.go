package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"time"

	"github.com/lucas-clemente/quic-go"
)

const protocol = "bench"

// Windows of megabytes from the start, and streams for every call under way.
func configuration() *quic.Config {
	return &quic.Config{
		InitialStreamReceiveWindow:     4 << 20,
		MaxStreamReceiveWindow:         16 << 20,
		InitialConnectionReceiveWindow: 16 << 20,
		MaxConnectionReceiveWindow:     64 << 20,
		MaxIncomingStreams:             1 << 16,
		MaxIdleTimeout:                 30 * time.Second,
		EnableDatagrams:                true,
	}
}

func protocolOf(wire string) string {
	if wire == "h3" {
		return "h3"
	}
	return protocol
}

func serverTLS(options options, wire string) *tls.Config {
	pair, err := tls.LoadX509KeyPair(options["cert"], options["key"])
	if err != nil {
		fail(err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocolOf(wire)}, Certificates: []tls.Certificate{pair},
	}
}

func clientTLS(options options, wire string, resumes bool) *tls.Config {
	pem, err := os.ReadFile(options["ca"])
	if err != nil {
		fail(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		fail(errors.New("no certificate in " + options["ca"]))
	}
	configuration := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocolOf(wire)}, RootCAs: pool, ServerName: "localhost",
	}
	if resumes {
		configuration.ClientSessionCache = tls.NewLRUClientSessionCache(16)
	}
	return configuration
}

// A socket on the loopback with room for bursts.
func socket(port int) *net.UDPConn {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		fail(err)
	}
	_ = socket.SetReadBuffer(4 << 20)
	_ = socket.SetWriteBuffer(4 << 20)
	return socket
}
