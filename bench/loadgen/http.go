package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// httpClient posts over one HTTP/1.1 connection that is kept open, one request at a time.
type httpClient struct {
	socket  net.Conn
	answers *bufio.Reader
	head    []byte // all of the head but the length of the body, which ends it
	out     []byte
}

func dialHTTP(address string, gzip bool) (*httpClient, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	head := "POST /v1/traces HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: loadgen\r\nContent-Type: application/x-protobuf\r\n"
	if gzip {
		head += "Content-Encoding: gzip\r\n"
	}
	return &httpClient{socket: socket, answers: bufio.NewReader(socket), head: []byte(head + "Content-Length: ")}, nil
}

func (c *httpClient) send(body []byte) error {
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	buffers := net.Buffers{c.out, body} // one system call, no copy of the body
	if _, err := buffers.WriteTo(c.socket); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", answer.Status, text)
	}
	return err
}

func (c *httpClient) until(limit time.Time) {
	c.socket.SetDeadline(limit)
}

func (c *httpClient) close() {
	c.socket.Close()
}
