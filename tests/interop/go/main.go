// Command send sends spans and one counter from the OpenTelemetry SDK for Go.
//
// Usage: send grpc|http ENDPOINT COUNT
package main

import (
	"context"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

func main() {
	transport, endpoint := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	check(err)
	ctx := context.Background()

	var spans trace.SpanExporter
	var metrics metric.Exporter
	if transport == "grpc" {
		spans, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		check(err)
		metrics, err = otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(endpoint), otlpmetricgrpc.WithInsecure())
	} else {
		spans, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		check(err)
		metrics, err = otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(endpoint), otlpmetrichttp.WithInsecure())
	}
	check(err)

	shop := resource.NewSchemaless(attribute.String("service.name", "go-shop"))
	tracers := trace.NewTracerProvider(trace.WithResource(shop), trace.WithBatcher(spans, trace.WithMaxQueueSize(count)))
	meters := metric.NewMeterProvider(metric.WithResource(shop), metric.WithReader(metric.NewPeriodicReader(metrics)))
	orders, err := meters.Meter("interop").Int64Counter("orders")
	check(err)
	tracer := tracers.Tracer("interop")
	for number := range count {
		_, span := tracer.Start(ctx, "order", oteltrace.WithAttributes(attribute.Int("number", number)))
		span.End()
		orders.Add(ctx, 1)
	}
	check(tracers.Shutdown(ctx))
	check(meters.Shutdown(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
