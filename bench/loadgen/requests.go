package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// request is a body as it goes out, encoded once for all the times that it is sent.
type request struct {
	body  []byte
	spans int64
}

// readRequests reads a file of serialized trace requests, each after its length in four bytes, big endian.
func readRequests(path string, compressed, framed bool) ([]request, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var requests []request
	for len(data) > 0 {
		if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
			return nil, fmt.Errorf("%s ends inside a request", path)
		}
		end := 4 + int(binary.BigEndian.Uint32(data))
		made, err := encode(data[4:end], compressed, framed)
		if err != nil {
			return nil, err
		}
		requests = append(requests, made)
		data = data[end:]
	}
	if len(requests) == 0 {
		return nil, fmt.Errorf("%s holds no request", path)
	}
	return requests, nil
}

func encode(message []byte, compressed, framed bool) (request, error) {
	spans, err := countSpans(message)
	if err != nil {
		return request{}, err
	}
	if compressed {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		if _, err := writer.Write(message); err != nil {
			return request{}, err
		}
		if err := writer.Close(); err != nil {
			return request{}, err
		}
		message = packed.Bytes()
	}
	if framed {
		frame := make([]byte, 5, 5+len(message))
		if compressed {
			frame[0] = 1
		}
		binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
		message = append(frame, message...)
	}
	return request{body: message, spans: spans}, nil
}

var errMalformed = errors.New("malformed protobuf")

// countSpans counts the spans of a serialized request without decoding them: it goes through the outer messages only.
func countSpans(request []byte) (int64, error) {
	const resourceSpans, scopeSpans, spans = 1, 2, 2
	total := int64(0)
	err := eachMessage(request, resourceSpans, func(resource []byte) error {
		return eachMessage(resource, scopeSpans, func(scope []byte) error {
			return eachMessage(scope, spans, func([]byte) error {
				total++
				return nil
			})
		})
	})
	return total, err
}

// eachMessage calls visit with every value of one length-delimited field.
func eachMessage(message []byte, field uint64, visit func([]byte) error) error {
	for len(message) > 0 {
		tag, size := binary.Uvarint(message)
		if size <= 0 {
			return errMalformed
		}
		message = message[size:]
		value, rest, err := split(message, tag&7)
		if err != nil {
			return err
		}
		if tag == field<<3|2 {
			if err := visit(value); err != nil {
				return err
			}
		}
		message = rest
	}
	return nil
}

// split takes one value of a wire type off a message; a length-delimited value comes without its length.
func split(message []byte, wireType uint64) (value, rest []byte, err error) {
	length := uint64(0)
	switch wireType {
	case 0:
		_, size := binary.Uvarint(message)
		if size <= 0 {
			return nil, nil, errMalformed
		}
		length = uint64(size)
	case 1:
		length = 8
	case 5:
		length = 4
	case 2:
		got, size := binary.Uvarint(message)
		if size <= 0 {
			return nil, nil, errMalformed
		}
		length, message = got, message[size:]
	default:
		return nil, nil, errMalformed
	}
	if length > uint64(len(message)) {
		return nil, nil, errMalformed
	}
	return message[:length], message[length:], nil
}
