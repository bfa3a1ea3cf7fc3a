package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// sink is the backend: an OTLP/gRPC server that counts what it receives, answers and forgets.
type sink struct {
	port            int
	requests, spans atomic.Int64
	server          *http.Server
	bodies          sync.Pool
}

func startSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	started := &sink{
		port:   listener.Addr().(*net.TCPAddr).Port,
		bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	started.server = &http.Server{
		Handler:   started,
		Protocols: protocols,
		// A window as wide as a batch is large: a backend that reads at once.
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerConnection: 64 << 20, MaxReceiveBufferPerStream: 16 << 20, MaxReadFrameSize: 1 << 20},
	}
	go started.server.Serve(listener) // it ends with the process
	return started, nil
}

func (s *sink) close() {
	s.server.Close()
}

// ServeHTTP answers one gRPC call.
func (s *sink) ServeHTTP(out http.ResponseWriter, call *http.Request) {
	spans, err := s.receive(call)
	out.Header().Set("Content-Type", "application/grpc")
	out.Header().Set("Trailer", "Grpc-Status")
	if err != nil {
		log.Printf("the sink was sent something wrong: %v", err)
		out.Header().Set("Grpc-Status", "3")
		return
	}
	s.requests.Add(1)
	s.spans.Add(spans)
	out.Write([]byte{0, 0, 0, 0, 0}) // an empty message
	out.Header().Set("Grpc-Status", "0")
}

// receive returns how many spans a call carries.
func (s *sink) receive(call *http.Request) (int64, error) {
	body := s.bodies.Get().(*bytes.Buffer)
	defer s.bodies.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(call.Body); err != nil {
		return 0, err
	}
	frame := body.Bytes()
	if len(frame) < 5 || int(binary.BigEndian.Uint32(frame[1:])) != len(frame)-5 {
		return 0, fmt.Errorf("a frame of %d bytes that does not hold one message", len(frame))
	}
	message := frame[5:]
	if frame[0] == 1 {
		if call.Header.Get("Grpc-Encoding") != "gzip" {
			return 0, errors.New("compressed, but not by gzip")
		}
		reader, err := gzip.NewReader(bytes.NewReader(message))
		if err != nil {
			return 0, err
		}
		if message, err = io.ReadAll(reader); err != nil {
			return 0, err
		}
	}
	return countSpans(message)
}
