package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

// request is a body as it goes out, encoded once for all the times that it is sent.
type request struct {
	body  []byte
	spans int64
	ids   []int // where the trace ids stand in the body, if they are to be other ones each time
}

// form is how requests go out.
type form struct {
	compressed, framed, fresh bool
}

// renewed returns the body with trace ids that depend on the seeds, in a buffer that is used again. All ids change
// alike, so that spans of one trace stay together, over all requests that are renewed by the same seeds.
func (r *request) renewed(buffer []byte, seeds [2]uint64) []byte {
	buffer = append(buffer[:0], r.body...)
	source := rand.NewPCG(seeds[0], seeds[1])
	high, low := source.Uint64(), source.Uint64()
	for _, at := range r.ids {
		id := buffer[at : at+16]
		binary.BigEndian.PutUint64(id, binary.BigEndian.Uint64(id)^high)
		binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])^low)
	}
	return buffer
}

// readRequests reads a file of serialized trace requests, each after its length in four bytes, big endian.
func readRequests(path string, as form) ([]request, error) {
	if as.fresh && as.compressed {
		return nil, errors.New("open: trace ids cannot change where requests are compressed")
	}
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
		made, err := encode(data[4:end], as)
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

func encode(message []byte, as form) (request, error) {
	spans, err := countSpans(message)
	if err != nil {
		return request{}, err
	}
	var ids []int
	if as.fresh {
		if ids, err = traceIDs(message); err != nil {
			return request{}, err
		}
	}
	if as.compressed {
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
	if as.framed {
		frame := make([]byte, 5, 5+len(message))
		if as.compressed {
			frame[0] = 1
		}
		binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
		for number := range ids {
			ids[number] += len(frame)
		}
		message = append(frame, message...)
	}
	return request{body: message, spans: spans, ids: ids}, nil
}

var errMalformed = errors.New("malformed protobuf")

// countSpans counts the spans of a serialized request without decoding them: it goes through the outer messages only.
func countSpans(request []byte) (int64, error) {
	total := int64(0)
	err := eachSpan(request, func([]byte) error {
		total++
		return nil
	})
	return total, err
}

// traceIDs returns the positions of the trace ids in a serialized request.
func traceIDs(request []byte) ([]int, error) {
	const traceID = 1
	var positions []int
	err := eachSpan(request, func(span []byte) error {
		return eachMessage(span, traceID, func(id []byte) error {
			if len(id) != 16 {
				return errMalformed
			}
			positions = append(positions, cap(request)-cap(id)) // a part of a slice reaches to the end of the same array
			return nil
		})
	})
	return positions, err
}

// eachSpan calls visit with every span of a serialized request.
func eachSpan(request []byte, visit func([]byte) error) error {
	const resourceSpans, scopeSpans, spans = 1, 2, 2
	return eachMessage(request, resourceSpans, func(resource []byte) error {
		return eachMessage(resource, scopeSpans, func(scope []byte) error {
			return eachMessage(scope, spans, visit)
		})
	})
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
