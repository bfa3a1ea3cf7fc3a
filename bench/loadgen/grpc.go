package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	defaultWindow    = 65535
	windowToGiveBack = defaultWindow / 2
)

var errClosed = errors.New("the connection is closed")

// grpcClient is one HTTP/2 connection that carries unary calls of which the frames are made beforehand. It keeps to
// flow control and to the settings of the server, and leaves out what a generator does not need. As in gRPC's own
// clients, frames of calls that begin together leave together.
type grpcClient struct {
	socket net.Conn
	header []hpack.HeaderField
	dirty  chan struct{} // holds one entry where something is to be flushed

	lock         sync.Mutex
	widened      sync.Cond // by flow control, or by the end
	out          *bufio.Writer
	framer       *http2.Framer
	encoder      *hpack.Encoder
	encoded      bytes.Buffer
	calls        map[uint32]*call
	nextStream   uint32
	window       int64 // of the connection
	streamWindow int64 // that a call begins with
	frameSize    int
	failure      error // of the connection
}

type call struct {
	window int64
	done   chan error
}

func dialGRPC(address string, gzip bool) (*grpcClient, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	socket.SetDeadline(time.Now().Add(patience))
	c := &grpcClient{
		socket: socket, dirty: make(chan struct{}, 1), out: bufio.NewWriterSize(socket, 64<<10), calls: map[uint32]*call{},
		nextStream: 1, window: defaultWindow, streamWindow: defaultWindow, frameSize: 16384,
		header: headerOf(address, gzip),
	}
	c.widened.L = &c.lock
	c.encoder = hpack.NewEncoder(&c.encoded)
	c.framer = http2.NewFramer(c.out, bufio.NewReaderSize(socket, 64<<10))
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.out.WriteString(http2.ClientPreface)
	c.framer.WriteSettings()
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	settled := make(chan struct{})
	go c.read(settled)
	go c.flush()
	<-settled
	return c, c.failed()
}

func headerOf(address string, gzip bool) []hpack.HeaderField {
	fields := []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
		{Name: ":authority", Value: address},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "user-agent", Value: "loadgen"},
		{Name: "te", Value: "trailers"},
	}
	if gzip {
		fields = append(fields, hpack.HeaderField{Name: "grpc-encoding", Value: "gzip"})
	}
	return fields
}

func (c *grpcClient) until(limit time.Time) {
	c.socket.SetDeadline(limit)
}

func (c *grpcClient) close() {
	c.fail(errClosed)
}

func (c *grpcClient) failed() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.failure
}

// fail ends the connection and every call on it.
func (c *grpcClient) fail(reason error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.failure != nil {
		return
	}
	c.failure = reason
	c.socket.Close()
	close(c.dirty)
	for stream := range c.calls {
		c.finish(stream, reason)
	}
	c.widened.Broadcast()
}

// finish ends a call; the lock is held.
func (c *grpcClient) finish(stream uint32, result error) {
	if ended := c.calls[stream]; ended != nil {
		delete(c.calls, stream)
		ended.done <- result
	}
}

func (c *grpcClient) send(body []byte) error {
	own := &call{done: make(chan error, 1)}
	c.lock.Lock()
	if c.failure != nil {
		c.lock.Unlock()
		return c.failure
	}
	stream := c.nextStream
	c.nextStream += 2
	own.window = c.streamWindow
	c.calls[stream] = own
	c.encoded.Reset()
	for _, field := range c.header {
		c.encoder.WriteField(field)
	}
	c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.encoded.Bytes(), EndHeaders: true})
	c.writeBody(stream, own, body)
	c.wantFlush()
	c.lock.Unlock()
	return <-own.done
}

// writeBody sends data as far as the windows allow, and waits where they do not; the lock is held, but not while it
// waits. A failure of the socket shows in the reader.
func (c *grpcClient) writeBody(stream uint32, own *call, body []byte) {
	for len(body) > 0 && c.calls[stream] == own {
		size := min(int64(len(body)), int64(c.frameSize), c.window, own.window)
		if size <= 0 {
			c.wantFlush()
			c.widened.Wait()
			continue
		}
		c.window -= size
		own.window -= size
		c.framer.WriteData(stream, int(size) == len(body), body[:size])
		body = body[size:]
	}
}

// wantFlush asks for a flush; the lock is held.
func (c *grpcClient) wantFlush() {
	if c.failure == nil {
		select {
		case c.dirty <- struct{}{}:
		default:
		}
	}
}

// flush sends what was written, once the workers that are ready have written too.
func (c *grpcClient) flush() {
	for range c.dirty {
		runtime.Gosched()
		c.lock.Lock()
		c.out.Flush() // a failure shows in the reader
		c.lock.Unlock()
	}
}

// read handles frames until the connection ends; it closes settled once the settings of the server are known.
func (c *grpcClient) read(settled chan struct{}) {
	first := sync.OnceFunc(func() { close(settled) })
	defer first()
	received := 0
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			c.fail(err)
			return
		}
		c.lock.Lock()
		err = c.handle(frame)
		if data, ok := frame.(*http2.DataFrame); ok {
			if received += int(data.Length); received > windowToGiveBack {
				c.framer.WriteWindowUpdate(0, uint32(received))
				c.wantFlush()
				received = 0
			}
		}
		c.lock.Unlock()
		if err != nil {
			c.fail(err)
			return
		}
		if _, ok := frame.(*http2.SettingsFrame); ok {
			first()
		}
	}
}

// handle does what a frame asks for; the lock is held.
func (c *grpcClient) handle(frame http2.Frame) error {
	switch got := frame.(type) {
	case *http2.SettingsFrame:
		return c.settle(got)
	case *http2.PingFrame:
		if !got.IsAck() {
			c.framer.WritePing(true, got.Data)
			c.wantFlush()
		}
	case *http2.WindowUpdateFrame:
		if got.StreamID == 0 {
			c.window += int64(got.Increment)
		} else if own := c.calls[got.StreamID]; own != nil {
			own.window += int64(got.Increment)
		}
		c.widened.Broadcast()
	case *http2.MetaHeadersFrame:
		c.readStatus(got)
	case *http2.RSTStreamFrame:
		c.finish(got.StreamID, fmt.Errorf("the stream was reset: %v", got.ErrCode))
		c.widened.Broadcast()
	case *http2.GoAwayFrame:
		return fmt.Errorf("the collector closes the connection: %v %.200s", got.ErrCode, got.DebugData())
	}
	return nil
}

func (c *grpcClient) settle(settings *http2.SettingsFrame) error {
	if settings.IsAck() {
		return nil
	}
	if size, ok := settings.Value(http2.SettingMaxFrameSize); ok {
		c.frameSize = int(min(size, 1<<20))
	}
	if size, ok := settings.Value(http2.SettingHeaderTableSize); ok {
		c.encoder.SetMaxDynamicTableSizeLimit(size)
	}
	if size, ok := settings.Value(http2.SettingInitialWindowSize); ok {
		for _, own := range c.calls {
			own.window += int64(size) - c.streamWindow
		}
		c.streamWindow = int64(size)
		c.widened.Broadcast()
	}
	c.wantFlush()
	return c.framer.WriteSettingsAck()
}

// readStatus takes the status of a call from its header or trailer.
func (c *grpcClient) readStatus(got *http2.MetaHeadersFrame) {
	var status, message string
	for _, field := range got.Fields {
		switch field.Name {
		case "grpc-status":
			status = field.Value
		case "grpc-message":
			message = field.Value
		}
	}
	if !got.StreamEnded() {
		return
	}
	var result error
	if status != "0" {
		result = fmt.Errorf("grpc-status %q: %.200s", status, message)
	}
	c.finish(got.StreamID, result)
}
