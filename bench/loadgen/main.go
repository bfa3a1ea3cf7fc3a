// Loadgen sends OTLP trace requests to a collector and is the backend that the collector sends them on to.
//
// It is driven by JSON lines: one command per line on standard input, one answer per line on standard output. The first
// line that it writes tells the port of its sink. It ends where its input ends, speaks to 127.0.0.1 only, and bounds
// every run in time and number. bench/load.py is the other end; bench/load_python.py speaks the same protocol.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"
)

const (
	maxConnections = 2000
	maxInFlight    = 2000
	maxSeconds     = 600
	maxRequests    = 100_000_000
)

// command is one line of input; do says which one, the rest are its arguments.
type command struct {
	Do string `json:"do"` // open, run, close or counts

	// Of open: the connections to make, and the file of the requests that each worker goes through in turn.
	Transport   string `json:"transport"` // grpc or http
	Port        int    `json:"port"`
	Payloads    string `json:"payloads"`
	Gzip        bool   `json:"gzip"`
	Fresh       bool   `json:"fresh"` // other trace ids each time that the file is gone through
	Connections int    `json:"connections"`
	InFlight    int    `json:"in_flight"`

	// Of run: it ends at whichever comes first.
	Seconds  float64 `json:"seconds"`
	Requests int64   `json:"requests"` // 0: as many as the time allows
}

// answer is one line of output; Error is empty where all went well.
type answer struct {
	SinkPort int     `json:"sink_port,omitempty"`
	Answered int64   `json:"answered"` // requests that the collector accepted
	Refused  int64   `json:"refused"`
	Requests int64   `json:"requests"` // that the sink has received since the start
	Spans    int64   `json:"spans"`    // of run: in the requests accepted; of counts: that the sink has received
	Seconds  float64 `json:"seconds"`
	Error    string  `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	sink, err := startSink()
	if err != nil {
		log.Fatal(err)
	}
	defer sink.close()
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(answer{SinkPort: sink.port}); err != nil {
		log.Fatal(err)
	}
	var load *load
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var got command
		reply := answer{}
		err := json.Unmarshal(lines.Bytes(), &got)
		if err == nil {
			load, reply, err = execute(got, load, sink)
		}
		if err != nil {
			reply.Error = err.Error()
		}
		if err := out.Encode(reply); err != nil {
			log.Fatal(err)
		}
	}
	load.close()
}

// execute does one command; it returns the load that is open afterwards.
func execute(got command, open *load, sink *sink) (*load, answer, error) {
	switch got.Do {
	case "open":
		open.close()
		opened, err := openLoad(got)
		return opened, answer{}, err
	case "run":
		if open == nil {
			return nil, answer{}, errors.New("run: nothing is open")
		}
		if got.Seconds <= 0 || got.Seconds > maxSeconds || got.Requests < 0 || got.Requests > maxRequests {
			return open, answer{}, fmt.Errorf("run: at most %d s and %d requests", maxSeconds, maxRequests)
		}
		reply, err := open.run(time.Duration(got.Seconds*float64(time.Second)), got.Requests)
		return open, reply, err
	case "close":
		open.close()
		return nil, answer{}, nil
	case "counts":
		return open, answer{Requests: sink.requests.Load(), Spans: sink.spans.Load()}, nil
	}
	return open, answer{}, fmt.Errorf("unknown command %q", got.Do)
}
