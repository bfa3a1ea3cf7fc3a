// Command serve takes spans with grpc-go, compressed or not.
//
// Usage: serve MAX_CONCURRENT_STREAMS MAX_CONNECTION_AGE
//
// It prints the port that it listens on, and for every request the number of its spans.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
)

type service struct {
	collector.UnimplementedTraceServiceServer
}

func (service) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	count := 0
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			count += len(scope.Spans)
		}
	}
	fmt.Println(count)
	return &collector.ExportTraceServiceResponse{}, nil
}

func main() {
	streams, err := strconv.ParseUint(os.Args[1], 10, 32)
	check(err)
	age, err := time.ParseDuration(os.Args[2])
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := grpc.NewServer(
		grpc.MaxConcurrentStreams(uint32(streams)),
		grpc.MaxRecvMsgSize(64<<20),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: age}),
	)
	collector.RegisterTraceServiceServer(server, service{})
	check(server.Serve(listener))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
