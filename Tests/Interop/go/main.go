// A peer on quic-go that speaks HTTP/3; ../README.md says what it prints.
//
//	quic-go-peer serve --tls-cert FILE --tls-key FILE [--tls-ca FILE]
//	quic-go-peer call --to HOST:PORT --tls-ca FILE [--tls-cert FILE --tls-key FILE]
//
// The http3 of this quic-go knows no trailers. So the server answers in the head alone, which gRPC
// allows for errors, and the client sees a status only there.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/lucas-clemente/quic-go"
	"github.com/lucas-clemente/quic-go/http3"
)

type options struct {
	to, cert, key, ca string
}

func (o options) configuration() (*tls.Config, error) {
	configuration := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h3"}}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, err
		}
		configuration.Certificates = []tls.Certificate{pair}
	}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errors.New("no certificate in " + o.ca)
		}
		configuration.RootCAs, configuration.ClientCAs = pool, pool
		configuration.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return configuration, nil
}

func frame(message []byte) []byte {
	prefix := make([]byte, 5)
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	return append(prefix, message...)
}

// The server: each request gets the status NOT_FOUND, and says how much came, and its digest.
func answer(writer http.ResponseWriter, request *http.Request) {
	digest := sha256.New()
	count, err := io.Copy(digest, request.Body)
	if err != nil {
		return
	}
	header := writer.Header()
	header.Set("content-type", "application/grpc")
	header.Set("grpc-status", "5")
	header.Set("grpc-message", fmt.Sprintf("%d %x %s", count, digest.Sum(nil), request.URL.Path))
	for _, value := range request.Header.Values("x-echo-bin") {
		header.Add("x-echo-bin", value)
	}
	writer.WriteHeader(http.StatusOK)
}

// On a busy machine either side may be silent for longer than the five seconds that quic-go gives a handshake.
var patient = &quic.Config{HandshakeIdleTimeout: 60 * time.Second, KeepAlivePeriod: 10 * time.Second}

func serve(o options) error {
	configuration, err := o.configuration()
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	server := http3.Server{TLSConfig: configuration, QuicConfig: patient, Handler: http.HandlerFunc(answer)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(socket) }()
	fmt.Printf("LISTENING %d\n", socket.LocalAddr().(*net.UDPAddr).Port)
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
		return server.Close()
	}
}

type client struct {
	http http.Client
	url  string
}

func (c *client) request(method, path, contentType string, body []byte) (*http.Response, []byte, error) {
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("content-type", contentType)
	request.Header.Set("te", "trailers")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response, content, err
}

func (c *client) unary(size int) error {
	message := make([]byte, size)
	rand.Read(message)
	response, content, err := c.request("POST", "/echo.Echo/Unary", "application/grpc", frame(message))
	if err != nil {
		return err
	}
	if response.StatusCode != 200 || !bytes.Equal(content, frame(message)) {
		return fmt.Errorf("HTTP %d, %d bytes for %d", response.StatusCode, len(content), size)
	}
	return nil
}

func (c *client) status() error {
	response, _, err := c.request("POST", "/echo.Echo/Fail", "application/grpc", frame([]byte("NOT_FOUND:so")))
	if err != nil {
		return err
	}
	if got := response.Header.Get("grpc-status"); got != "5" {
		return fmt.Errorf("grpc-status is %q", got)
	}
	return nil
}

func (c *client) many() error {
	failures := make(chan error)
	for i := 0; i < 100; i++ {
		go func(size int) { failures <- c.unary(size) }(i * 100)
	}
	var failure error
	for i := 0; i < 100; i++ {
		if err := <-failures; err != nil {
			failure = err
		}
	}
	return failure
}

func (c *client) get() error {
	response, _, err := c.request("GET", "/", "text/plain", nil)
	if err != nil {
		return err
	}
	if response.StatusCode != 405 {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return nil
}

func call(o options) error {
	configuration, err := o.configuration()
	if err != nil {
		return err
	}

	transport := &http3.RoundTripper{TLSClientConfig: configuration, QuicConfig: patient}
	defer transport.Close()
	c := &client{http.Client{Transport: transport, Timeout: 90 * time.Second}, "https://" + o.to}

	failed := false
	cases := []struct {
		name string
		run  func() error
	}{
		{"unary", func() error { return c.unary(100) }},
		{"unary_1mib", func() error { return c.unary(1 << 20) }},
		{"status", c.status},
		{"concurrent_100", c.many},
		{"get", c.get},
	}
	for _, one := range cases {
		began := time.Now()
		detail := ""
		if err := one.run(); err != nil {
			failed, detail = true, err.Error()
			var refusal *quic.TransportError
			if errors.As(err, &refusal) && refusal.ErrorCode.IsCryptoError() {
				detail = fmt.Sprintf("alert %d", refusal.ErrorCode-0x100)
			}
		}
		line, _ := json.Marshal(map[string]any{
			"case": one.name, "ok": detail == "", "detail": detail, "seconds": time.Since(began).Seconds(),
		})
		fmt.Println(string(line))
		if detail != "" {
			break
		}
	}
	if failed {
		os.Exit(1)
	}
	return nil
}

func main() {
	var o options
	flags := flag.NewFlagSet("quic-go-peer", flag.ExitOnError)
	flags.StringVar(&o.to, "to", "", "HOST:PORT")
	flags.StringVar(&o.cert, "tls-cert", "", "PEM: the own certificate")
	flags.StringVar(&o.key, "tls-key", "", "PEM: the own private key")
	flags.StringVar(&o.ca, "tls-ca", "", "PEM: the authorities that the peer must chain to")
	if len(os.Args) < 2 {
		flags.Usage()
		os.Exit(2)
	}
	flags.Parse(os.Args[2:])
	run := map[string]func(options) error{"serve": serve, "call": call}[os.Args[1]]
	if run == nil {
		flags.Usage()
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
