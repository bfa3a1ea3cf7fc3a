"""The OpenTelemetry SDK for Python sends through a collector process to a real backend."""

import asyncio
import hashlib
import logging

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port

CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "localhost:{grpc}"}}
      http: {{endpoint: "localhost:{http}"}}
processors:
  attributes/scrub:
    actions:
      - {{key: user.email, action: hash}}
      - {{key: credit_card, action: delete}}
  resource:
    attributes:
      - {{key: deployment.environment.name, value: test, action: insert}}
      - {{key: team, value: shop, action: upsert}}
  probabilistic_sampler: {{sampling_percentage: {percentage}}}
  batch: {{timeout: 50ms}}
exporters:
  {exporter}:
    endpoint: {endpoint}
    tls: {{insecure: true}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [attributes/scrub, resource, probabilistic_sampler, batch], exporters: [{exporter}]}}
    metrics: {{receivers: [otlp], processors: [resource, batch], exporters: [{exporter}]}}
    logs: {{receivers: [otlp], processors: [attributes/scrub, resource, batch], exporters: [{exporter}]}}
  telemetry: {{metrics: {{level: none}}}}
"""
SPANS = 10_000


class Addresses:
    def __init__(self):
        self.grpc, self.http = free_port(), free_port()

    def config(self, backend, exporter="otlp_grpc", percentage=100):
        endpoint = backend.grpc_endpoint if exporter == "otlp_grpc" else backend.http_endpoint
        return CONFIG.format(
            grpc=self.grpc, http=self.http, exporter=exporter, endpoint=endpoint, percentage=percentage
        )

    def exporter(self, transport, over_grpc, over_http, path):
        if transport == "grpc":
            return over_grpc(endpoint=f"localhost:{self.grpc}", insecure=True)
        return over_http(endpoint=f"http://localhost:{self.http}/v1/{path}")

    def spans(self, transport):
        return self.exporter(transport, GrpcSpans, HttpSpans, "traces")


class SeededIds(RandomIdGenerator):
    """Trace ids that two runs share."""

    def __init__(self, seed):
        import random

        self._random = random.Random(seed)

    def generate_trace_id(self):
        return self._random.getrandbits(128)

    def generate_span_id(self):
        return self._random.getrandbits(64)


def send_spans(exporter, *, traces=SPANS // 10, per_trace=10, ids=None):
    """Send spans with personal data from the SDK; return the ids of all spans and traces."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "shop"}), id_generator=ids or RandomIdGenerator()
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=traces * per_trace))
    tracer = provider.get_tracer("e2e")
    span_ids = set()
    for number in range(traces):
        with tracer.start_as_current_span("order") as root:
            root.set_attributes(
                {"user.email": f"c{number}@example.com", "credit_card": "4111111111111111", "n": number}
            )
            span_ids.add(root.get_span_context().span_id.to_bytes(8))
            for _ in range(per_trace - 1):
                with tracer.start_as_current_span("step") as step:
                    span_ids.add(step.get_span_context().span_id.to_bytes(8))
    provider.shutdown()
    return span_ids


@pytest.mark.parametrize(("transport", "exporter"), [("grpc", "otlp_grpc"), ("http", "otlp_http")])
async def test_ten_thousand_spans_arrive_once_each_and_scrubbed(backend, transport, exporter):
    """10,000 spans arrive exactly once, emails hashed, card numbers gone, resource attributes added."""
    addresses = Addresses()
    async with CollectorProcess(addresses.config(backend, exporter)):
        sent = await asyncio.to_thread(send_spans, addresses.spans(transport))
        await backend.wait_for(SPANS)
    spans = backend.items(Signal.TRACES)
    assert SPANS == len(sent) == len(spans)
    assert sent == {span.span_id for span in spans}
    roots = [span for span in spans if span.name == "order"]
    for span in roots:
        number = get_attribute(span.attributes, "n")
        hashed = get_attribute(span.attributes, "user.email")
        digests = {hashlib.new(name, f"c{number}@example.com".encode()).hexdigest() for name in ("sha1", "sha256")}
        assert hashed in digests
        assert get_attribute(span.attributes, "credit_card") is None
    for resource in backend.resources(Signal.TRACES):
        assert "test" == get_attribute(resource.attributes, "deployment.environment.name")
        assert "shop" == get_attribute(resource.attributes, "team")


async def test_two_collectors_keep_the_same_tenth(backend):
    """At 10 % head sampling two collectors, started separately, keep the same trace ids, each trace whole."""
    kept = []
    for _ in range(2):
        backend.batches.clear()
        addresses = Addresses()
        async with CollectorProcess(addresses.config(backend, percentage=10)):
            await asyncio.to_thread(send_spans, addresses.spans("grpc"), traces=2_000, per_trace=3, ids=SeededIds(11))
        # The collector was stopped, so all that it kept has been sent.
        spans = backend.items(Signal.TRACES)
        kept.append({span.trace_id for span in spans})
        assert len(spans) == 3 * len(kept[-1])
    assert kept[0] == kept[1]
    assert 120 < len(kept[0]) < 280


@pytest.mark.parametrize("transport", ["grpc", "http"])
async def test_metrics_and_logs_arrive(backend, transport):
    """A counter's points and log records arrive with what the processors did to them."""
    addresses = Addresses()

    def send():
        resource = Resource.create({"service.name": "shop"})
        metrics = addresses.exporter(transport, GrpcMetrics, HttpMetrics, "metrics")
        meters = MeterProvider([PeriodicExportingMetricReader(metrics, 60_000)], resource)
        orders = meters.get_meter("e2e").create_counter("orders")
        for number in range(100):
            orders.add(number, {"customer": str(number)})
        loggers = LoggerProvider(resource)
        loggers.add_log_record_processor(
            BatchLogRecordProcessor(addresses.exporter(transport, GrpcLogs, HttpLogs, "logs"))
        )
        logger = loggers.get_logger("e2e")
        for number in range(500):
            logger.emit(
                body=f"order {number}",
                severity_number=SeverityNumber.INFO,
                attributes={"credit_card": "4111111111111111", "user.email": "a@example.com"},
            )
        meters.shutdown()
        loggers.shutdown()

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    async with CollectorProcess(addresses.config(backend)):
        await asyncio.to_thread(send)
        await backend.wait_for(500, Signal.LOGS)
        await backend.wait_for(100, Signal.METRICS)
    assert {Signal.LOGS: 500, Signal.METRICS: 100} == backend.counts()
    records = backend.items(Signal.LOGS)
    assert {f"order {number}" for number in range(500)} == {record.body.string_value for record in records}
    assert all(get_attribute(record.attributes, "credit_card") is None for record in records)
    assert not any("@" in str(get_attribute(record.attributes, "user.email")) for record in records)
    (metric,) = backend.items(Signal.METRICS)
    assert sum(range(100)) == sum(point.as_int for point in metric.sum.data_points)


async def test_what_was_accepted_is_delivered_after_sigterm(backend):
    """SIGTERM right after the SDK got its answers loses nothing: queues drain before the process ends."""
    addresses = Addresses()
    config = addresses.config(backend).replace("timeout: 50ms", "timeout: 1h, send_batch_size: 1000000")
    async with CollectorProcess(config) as collector:
        sent = await asyncio.to_thread(send_spans, addresses.spans("grpc"), traces=200)
        assert 0 == await collector.stop()
    assert sent == {span.span_id for span in backend.items(Signal.TRACES)}
