package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/lucas-clemente/quic-go"
)

// What the calls of one scenario share.
type setting struct {
	*measurement
	scenario       string
	size, messages int
	chunk          []byte
	open           func() (session, error)
	resumed        int
}

// A connection of either wire.
type session interface {
	// A stream whose first byte, or whose path, is `mode`.
	stream(mode byte) (stream, error)
	close()
}

// Closing ends what is sent. Reading waits for the response first.
type stream interface {
	io.ReadWriteCloser
	done()
}

func call(options options, wire, scenario string) int {
	otherwise := 64.0
	if scenario == "bulk" {
		otherwise = 65536
	}
	s := &setting{
		scenario: scenario, size: int(options.number("size", otherwise)), messages: options.count("messages", 100),
	}
	s.chunk = make([]byte, s.size)
	target, err := net.ResolveUDPAddr("udp4", options["to"])
	if err != nil {
		fail(err)
	}
	configurationOfTLS := clientTLS(options, wire, scenario == "resume")
	// One socket for every connection.
	socket := socket(0)
	s.open = func() (session, error) { return dial(socket, target, configurationOfTLS, wire) }

	connectsEachTime := scenario == "handshake" || scenario == "resume"
	sessions := make([]session, options.count("connections", 1))
	for i := range sessions {
		if connectsEachTime {
			break
		}
		if sessions[i], err = s.open(); err != nil {
			fail(err)
		}
	}
	concurrency := options.count("concurrency", 1)
	if concurrency < len(sessions) {
		concurrency = len(sessions)
	}
	s.measurement = begin(options)
	var group sync.WaitGroup
	var waiting []*waiters
	for i := range sessions {
		if scenario == "datagram" {
			waiting = append(waiting, receive(sessions[i].(rawSession).Connection))
		}
	}
	for i := 0; i < concurrency; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			var err error
			switch {
			case connectsEachTime:
				err = s.handshakes()
			case scenario == "ping-pong":
				err = s.pingPong(sessions[i%len(sessions)])
			case scenario == "bulk":
				err = s.bulk(sessions[i%len(sessions)])
			case scenario == "datagram":
				err = s.datagrams(sessions[i%len(sessions)].(rawSession).Connection, waiting[i%len(sessions)], i)
			default:
				err = s.calls(sessions[i%len(sessions)])
			}
			if err != nil {
				s.error(err)
			}
		}(i)
	}
	s.watch()
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		s.error(errors.New("not all calls ended"))
	}
	// The first calls of all tasks have nothing to resume.
	if scenario == "resume" && s.resumed == 0 && s.histogram.total > uint64(2*concurrency) {
		s.error(errors.New("no session was resumed"))
	}
	more := ""
	if scenario == "datagram" {
		more = fmt.Sprintf(" lost=%d", s.lost)
	}
	return s.report(more)
}

// What a stream carries back: how much, and as a number.
func drain(stream stream) (int, uint64, error) {
	buffer, total := make([]byte, 4096), 0
	first := make([]byte, 0, 8)
	for {
		count, err := stream.Read(buffer)
		if missing := 8 - len(first); missing > 0 && count > 0 {
			if count < missing {
				missing = count
			}
			first = append(first, buffer[:missing]...)
		}
		total += count
		if err == io.EOF {
			return total, binary.BigEndian.Uint64(append(first, make([]byte, 8)...)), nil
		}
		if err != nil {
			return total, 0, err
		}
		if count == len(buffer) && count < bufferBytes {
			buffer = make([]byte, bufferBytes)
		}
	}
}

func echo(session session, chunk []byte) error {
	stream, err := session.stream('E')
	if err != nil {
		return err
	}
	defer stream.done()
	if _, err := stream.Write(chunk); err != nil {
		return err
	}
	stream.Close()
	count, _, err := drain(stream)
	if err == nil && count != len(chunk) {
		err = errors.New("the echo has another size")
	}
	return err
}

func (s *setting) check(count, expected uint64) error {
	if count != expected {
		return fmt.Errorf("the stream carried %d bytes instead of %d", count, expected)
	}
	return nil
}

// A stream for each call.
func (s *setting) calls(session session) error {
	for {
		intended, isThere := s.next()
		if !isThere {
			return nil
		}
		bytes, err := s.size, error(nil)
		switch s.scenario {
		case "unary":
			err = echo(session, s.chunk)
		case "client-stream":
			bytes, err = s.size*s.messages, s.upload(session)
		default:
			bytes, err = s.size*s.messages, s.download(session)
		}
		if err != nil {
			return err
		}
		s.record(intended, bytes)
	}
}

func (s *setting) upload(session session) error {
	stream, err := session.stream('C')
	if err != nil {
		return err
	}
	defer stream.done()
	for i := 0; i < s.messages; i++ {
		if _, err := stream.Write(s.chunk); err != nil {
			return err
		}
	}
	stream.Close()
	_, counted, err := drain(stream)
	if err != nil {
		return err
	}
	return s.check(counted, uint64(s.size*s.messages))
}

func (s *setting) download(session session) error {
	stream, err := session.stream('S')
	if err != nil {
		return err
	}
	defer stream.done()
	request := binary.BigEndian.AppendUint32(make([]byte, 0, 4+s.size), uint32(s.messages))
	if _, err := stream.Write(append(request, s.chunk...)); err != nil {
		return err
	}
	stream.Close()
	count, _, err := drain(stream)
	if err != nil {
		return err
	}
	return s.check(uint64(count), uint64(s.size*s.messages))
}

// One stream for all round trips.
func (s *setting) pingPong(session session) error {
	stream, err := session.stream('P')
	if err != nil {
		return err
	}
	defer stream.done()
	back := make([]byte, s.size)
	for {
		intended, isThere := s.next()
		if !isThere {
			return stream.Close()
		}
		if _, err := stream.Write(s.chunk); err != nil {
			return err
		}
		if _, err := io.ReadFull(stream, back); err != nil {
			return err
		}
		s.record(intended, s.size)
	}
}

// One stream, as many bytes as it takes; the server counts them.
func (s *setting) bulk(session session) error {
	stream, err := session.stream('C')
	if err != nil {
		return err
	}
	defer stream.done()
	for total := uint64(0); ; total += uint64(s.size) {
		intended, isThere := s.next()
		if !isThere {
			stream.Close()
			_, counted, err := drain(stream)
			if err != nil {
				return err
			}
			return s.check(counted, total)
		}
		if _, err := stream.Write(s.chunk); err != nil {
			return err
		}
		s.record(intended, s.size)
	}
}

// A connection, one echo, and the end.
func (s *setting) handshakes() error {
	for {
		intended, isThere := s.next()
		if !isThere {
			return nil
		}
		session, err := s.open()
		if err != nil {
			return err
		}
		if raw, isRaw := session.(rawSession); isRaw && raw.ConnectionState().TLS.DidResume {
			s.mutex.Lock()
			s.resumed++
			s.mutex.Unlock()
		}
		if err := echo(session, s.chunk); err != nil {
			return err
		}
		s.record(intended, s.size)
		session.close()
	}
}

// MARK: - Raw streams

type rawSession struct{ quic.Connection }

// The first byte goes out together with what is written first.
type rawStream struct {
	quic.Stream
	mode byte
}

func dial(socket net.PacketConn, target net.Addr, configurationOfTLS *tls.Config, wire string) (session, error) {
	if wire == "h3" {
		return dialHTTP(socket, target, configurationOfTLS), nil
	}
	connection, err := quic.Dial(socket, target, "localhost", configurationOfTLS, configuration())
	return rawSession{connection}, err
}

func (s rawSession) stream(mode byte) (stream, error) {
	opened, err := s.OpenStreamSync(context.Background())
	if err != nil {
		return nil, err
	}
	if mode == 'P' {
		mode = 'E'
	}
	return &rawStream{opened, mode}, nil
}

func (s *rawStream) Write(bytes []byte) (int, error) {
	if s.mode == 0 {
		return s.Stream.Write(bytes)
	}
	bytes = append([]byte{s.mode}, bytes...)
	s.mode = 0
	count, err := s.Stream.Write(bytes)
	return count - 1, err
}

func (s rawSession) close() { _ = s.CloseWithError(0, "") }

func (s *rawStream) done() {}

// MARK: - Datagrams

// Who waits for which datagram to come back.
type waiters struct {
	mutex    sync.Mutex
	channels map[uint64]chan struct{}
}

func receive(connection quic.Connection) *waiters {
	waiting := &waiters{channels: map[uint64]chan struct{}{}}
	go func() {
		for {
			datagram, err := connection.ReceiveMessage()
			if err != nil {
				return
			}
			if len(datagram) < 8 {
				continue
			}
			number := binary.BigEndian.Uint64(datagram)
			waiting.mutex.Lock()
			if channel, isThere := waiting.channels[number]; isThere {
				delete(waiting.channels, number)
				channel <- struct{}{}
			}
			waiting.mutex.Unlock()
		}
	}()
	return waiting
}

func (s *setting) datagrams(connection quic.Connection, waiting *waiters, task int) error {
	size := s.size
	if size < 8 {
		size = 8
	}
	back := make(chan struct{}, 1)
	for number := uint64(task) << 40; ; number++ {
		intended, isThere := s.next()
		if !isThere {
			return nil
		}
		datagram := make([]byte, size)
		binary.BigEndian.PutUint64(datagram, number)
		waiting.mutex.Lock()
		waiting.channels[number] = back
		waiting.mutex.Unlock()
		if err := connection.SendMessage(datagram); err != nil {
			return err
		}
		// Datagrams may get lost.
		patience := time.NewTimer(200 * time.Millisecond)
		select {
		case <-back:
			s.record(intended, size)
		case <-patience.C:
			waiting.mutex.Lock()
			delete(waiting.channels, number)
			waiting.mutex.Unlock()
			s.mutex.Lock()
			s.lost++
			s.mutex.Unlock()
		}
		patience.Stop()
	}
}
