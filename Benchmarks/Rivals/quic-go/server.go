package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/lucas-clemente/quic-go"
	"github.com/lucas-clemente/quic-go/http3"
)

const bufferBytes = 64 << 10

func serve(options options, wire string) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	socket := socket(int(options.number("port", 0)))
	configurationOfTLS := serverTLS(options, wire)
	if wire == "h3" {
		server := &http3.Server{
			TLSConfig: configurationOfTLS, QuicConfig: configuration(), Handler: http.HandlerFunc(answer),
		}
		go func() { fail(server.Serve(socket)) }()
	} else {
		listener, err := quic.Listen(socket, configurationOfTLS, configuration())
		if err != nil {
			fail(err)
		}
		go accept(listener)
	}
	fmt.Println("LISTENING", socket.LocalAddr().(*net.UDPAddr).Port)
	<-terminated
}

func accept(listener quic.Listener) {
	for {
		connection, err := listener.Accept(context.Background())
		if err != nil {
			return
		}
		go echoDatagrams(connection)
		go func() {
			for {
				stream, err := connection.AcceptStream(context.Background())
				if err != nil {
					return
				}
				go serveStream(stream)
			}
		}()
	}
}

func echoDatagrams(connection quic.Connection) {
	for {
		datagram, err := connection.ReceiveMessage()
		if err != nil {
			return
		}
		_ = connection.SendMessage(datagram)
	}
}

// The first byte of a stream says what is done with the rest. An error is the client's end of the stream.
func serveStream(stream quic.Stream) {
	defer stream.Close()
	var mode [1]byte
	if _, err := io.ReadFull(stream, mode[:]); err != nil {
		return
	}
	work(mode[0], stream, stream, func() {})
}

func work(mode byte, from io.Reader, to io.Writer, flush func()) {
	switch mode {
	case 'E':
		buffer := make([]byte, 4096)
		for {
			count, err := from.Read(buffer)
			if count > 0 {
				if _, err := to.Write(buffer[:count]); err != nil {
					return
				}
				flush()
			}
			if err != nil {
				return
			}
			if count == len(buffer) && count < bufferBytes {
				buffer = make([]byte, bufferBytes)
			}
		}
	case 'C':
		total, err := count(from)
		if err != nil {
			return
		}
		_ = binary.Write(to, binary.BigEndian, uint64(total))
	case 'S':
		request, err := io.ReadAll(from)
		if err != nil || len(request) < 4 {
			return
		}
		for count := binary.BigEndian.Uint32(request); count > 0; count-- {
			if _, err := to.Write(request[4:]); err != nil {
				return
			}
		}
	}
}

func count(from io.Reader) (int64, error) {
	total, buffer := int64(0), make([]byte, bufferBytes)
	for {
		count, err := from.Read(buffer)
		total += int64(count)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// /E, /C and /S are what the first byte of a raw stream is. /P is an echo that does not wait for the request's end.
func answer(writer http.ResponseWriter, request *http.Request) {
	if len(request.URL.Path) != 2 {
		writer.WriteHeader(http.StatusNotFound)
		return
	}
	mode, flush := request.URL.Path[1], func() {}
	if mode == 'P' {
		mode, flush = 'E', writer.(http.Flusher).Flush
		flush()
	}
	work(mode, request.Body, writer, flush)
}
