package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pauseAfterRefusal keeps a collector that is gone from being asked in a busy loop.
	pauseAfterRefusal = 10 * time.Millisecond
	// patience is how long a collector may take to open a connection, and to give the last answers of a run.
	patience = 30 * time.Second
)

// client is one connection to the collector.
type client interface {
	// send delivers one request and waits for its answer; it may be called by several workers at once over gRPC.
	send(body []byte) error
	// until sets when the connection fails if it is still waited on; the zero time is never.
	until(time.Time)
	close()
}

// load is a set of connections and the requests to send over them, in a closed loop.
type load struct {
	clients  []client
	requests []request
	inFlight int
	next     atomic.Int64 // the position of the next request, over all workers and runs
	fresh    bool         // whether trace ids are other ones each time that the requests are gone through
	seed     uint64       // of those trace ids: no load has those of another
}

func openLoad(got command) (*load, error) {
	if got.Connections < 1 || got.Connections > maxConnections || got.InFlight < 1 || got.InFlight > maxInFlight {
		return nil, fmt.Errorf("open: 1 to %d connections, 1 to %d requests in flight", maxConnections, maxInFlight)
	}
	requests, err := readRequests(got.Payloads, form{compressed: got.Gzip, framed: got.Transport == "grpc", fresh: got.Fresh})
	if err != nil {
		return nil, err
	}
	opened := &load{requests: requests, inFlight: got.InFlight, fresh: got.Fresh, seed: rand.Uint64()}
	if got.Transport == "http" { // HTTP/1.1 carries one request at a time
		opened.inFlight = min(got.InFlight, got.Connections)
	}
	address := fmt.Sprintf("127.0.0.1:%d", got.Port)
	for range got.Connections {
		made, err := dial(got.Transport, address, got.Gzip)
		if err != nil {
			opened.close()
			return nil, err
		}
		made.until(time.Time{})
		opened.clients = append(opened.clients, made)
	}
	return opened, nil
}

func dial(transport, address string, gzip bool) (client, error) {
	switch transport {
	case "grpc":
		return dialGRPC(address, gzip)
	case "http":
		return dialHTTP(address, gzip)
	}
	return nil, fmt.Errorf("open: unknown transport %q", transport)
}

func (l *load) close() {
	if l == nil {
		return
	}
	for _, made := range l.clients {
		made.close()
	}
}

// run keeps the agreed number of requests under way until the time or the number is reached, and waits for the last
// answers. A worker that is refused goes on after a pause; the first refusal is told.
func (l *load) run(length time.Duration, limit int64) (answer, error) {
	var workers sync.WaitGroup
	var begun atomic.Int64
	tallies := make([]tally, l.inFlight)
	start := time.Now()
	end := start.Add(length)
	l.until(end.Add(patience))
	defer l.until(time.Time{})
	for number := range tallies {
		own := &tallies[number]
		clients := l.share(number)
		workers.Go(func() {
			for turn := 0; time.Now().Before(end); turn++ {
				if limit > 0 && begun.Add(1) > limit {
					break
				}
				body, spans := l.request(&own.buffer)
				own.send(clients[turn%len(clients)], body, spans)
			}
		})
	}
	workers.Wait()
	total := tally{}
	for _, own := range tallies {
		total.answered += own.answered
		total.refused += own.refused
		total.spans += own.spans
		if total.failure == nil {
			total.failure = own.failure
		}
	}
	seconds := time.Since(start).Seconds()
	return answer{Answered: total.answered, Refused: total.refused, Spans: total.spans, Seconds: seconds}, total.failure
}

// request returns what goes out next, in the buffer of its worker where it is not always the same.
func (l *load) request(buffer *[]byte) (body []byte, spans int64) {
	position, number := l.next.Add(1)-1, int64(len(l.requests))
	next := &l.requests[position%number]
	if !l.fresh {
		return next.body, next.spans
	}
	*buffer = next.renewed(*buffer, [2]uint64{l.seed, uint64(position / number)})
	return *buffer, next.spans
}

func (l *load) until(limit time.Time) {
	for _, made := range l.clients {
		made.until(limit)
	}
}

// share returns the connections of one worker: it goes through them in turn. No other worker has them, unless there are
// fewer connections than workers.
func (l *load) share(worker int) []client {
	if len(l.clients) < l.inFlight {
		return []client{l.clients[worker%len(l.clients)]}
	}
	var own []client
	for position := worker; position < len(l.clients); position += l.inFlight {
		own = append(own, l.clients[position])
	}
	return own
}

// tally is what one worker counts.
type tally struct {
	answered, refused, spans int64
	failure                  error // the first
	buffer                   []byte
}

func (t *tally) send(connection client, body []byte, spans int64) {
	err := connection.send(body)
	if err == nil {
		t.answered++
		t.spans += spans
		return
	}
	t.refused++
	if t.failure == nil {
		t.failure = err
	}
	time.Sleep(pauseAfterRefusal)
}
