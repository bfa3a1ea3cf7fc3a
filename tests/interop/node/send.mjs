// Usage: node send.mjs grpc|proto|json ENDPOINT COUNT: that many spans and log records, and one counter.
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { LoggerProvider, BatchLogRecordProcessor } from "@opentelemetry/sdk-logs";

const [transport, endpoint, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];

// The packages named -http speak JSON.
const suffix = { grpc: "grpc", proto: "proto", json: "http" }[transport];
const [traces, metrics, logs] = await Promise.all(
  ["trace", "metrics", "logs"].map((signal) => import(`@opentelemetry/exporter-${signal}-otlp-${suffix}`)),
);
const options = (path) => ({ url: transport === "grpc" ? `http://${endpoint}` : `http://${endpoint}/v1/${path}` });
const resource = resourceFromAttributes({ "service.name": "node-shop" });

const tracerProvider = new BasicTracerProvider({
  resource,
  spanProcessors: [
    new BatchSpanProcessor(new traces.OTLPTraceExporter(options("traces")), { maxQueueSize: count + 1 }),
  ],
});
const meterProvider = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: new metrics.OTLPMetricExporter(options("metrics")) })],
});
const loggerProvider = new LoggerProvider({
  resource,
  processors: [
    new BatchLogRecordProcessor(new logs.OTLPLogExporter(options("logs")), { maxQueueSize: count + 1 }),
  ],
});

const tracer = tracerProvider.getTracer("interop");
const orders = meterProvider.getMeter("interop").createCounter("orders");
const logger = loggerProvider.getLogger("interop");
for (let number = 0; number < count; number++) {
  const span = tracer.startSpan("order", { attributes: { number, ratio: 0.5, paid: true, tags: ["a", "b"] } });
  span.addEvent("packed", { boxes: 2 });
  span.end();
  orders.add(1);
  logger.emit({ body: `order ${number}`, attributes: { number } });
}
await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown(), loggerProvider.shutdown()]);
