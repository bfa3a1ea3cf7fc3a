"""The OpenTelemetry SDKs of other languages send through a collector process to a real backend."""

import asyncio

import pytest

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port

pytestmark = pytest.mark.interop

CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "localhost:{grpc}", include_metadata: true}}
      http: {{endpoint: "localhost:{http}", include_metadata: true}}
processors:
  attributes:
    actions:
      - {{key: touched, value: true, action: insert}}
      - {{key: tenant, from_context: metadata.tenant, action: insert}}
  batch: {{timeout: 50ms}}
exporters:
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [attributes, batch], exporters: [otlp_grpc]}}
    metrics: {{receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}
    logs: {{receivers: [otlp], processors: [attributes, batch], exporters: [otlp_grpc]}}
  telemetry: {{metrics: {{level: none}}}}
"""
COUNT = 1_000


async def send(command, transport, backend):
    """Run a sender through a collector until it has ended and the collector has drained."""
    grpc, http = free_port(), free_port()
    async with CollectorProcess(CONFIG.format(grpc=grpc, http=http, backend=backend.grpc_endpoint)):
        sender = await asyncio.create_subprocess_exec(
            *command, transport, f"localhost:{grpc if transport == 'grpc' else http}", str(COUNT)
        )
        async with asyncio.timeout(60):
            assert 0 == await sender.wait()


def numbers(backend, signal):
    return sorted(get_attribute(item.attributes, "number") for item in backend.items(signal))


def total_orders(backend):
    """Return the last value of the counter, which JavaScript sends as a double."""
    return max(
        point.as_int or point.as_double for metric in backend.items(Signal.METRICS) for point in metric.sum.data_points
    )


@pytest.mark.parametrize("transport", ["grpc", "proto", "json"])
async def test_node(node_sender, backend, transport):
    """Spans, logs and a counter from Node.js arrive once each, with typed attributes and events."""
    await send(node_sender, transport, backend)
    assert list(range(COUNT)) == numbers(backend, Signal.TRACES)
    assert list(range(COUNT)) == numbers(backend, Signal.LOGS)
    assert COUNT == total_orders(backend)
    for span in backend.items(Signal.TRACES):
        attributes = {key: get_attribute(span.attributes, key) for key in ("ratio", "paid", "tags", "touched")}
        assert {"ratio": 0.5, "paid": True, "tags": ["a", "b"], "touched": True} == attributes
        assert ["packed"] == [event.name for event in span.events]
        assert 16 == len(span.trace_id)


@pytest.mark.parametrize("transport", ["grpc", "http"])
async def test_go(go_sender, backend, transport):
    """Spans and a counter from Go arrive once each, sent with gzip."""
    await send(go_sender, transport, backend)
    assert list(range(COUNT)) == numbers(backend, Signal.TRACES)
    assert COUNT == total_orders(backend)


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_java_and_rust(client, backend, compression):
    """Spans, logs and a counter arrive once each, with typed attributes and events; headers are there to be used."""
    grpc, http = free_port(), free_port()
    port = grpc if client.protocol == "grpc" else http
    variables = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression, "OTEL_EXPORTER_OTLP_HEADERS": "tenant=blue"}
    async with (
        CollectorProcess(CONFIG.format(grpc=grpc, http=http, backend=backend.grpc_endpoint)),
        client.sending(f"http://localhost:{port}", COUNT // 2, environment=variables),
    ):
        await client.round()
        await client.round()
    assert list(range(COUNT)) == numbers(backend, Signal.TRACES)
    assert list(range(COUNT)) == numbers(backend, Signal.LOGS)
    assert COUNT == total_orders(backend)
    expected = {"ratio": 0.5, "paid": True, "tags": ["a", "b"], "touched": True, "tenant": "blue"}
    for span in backend.items(Signal.TRACES):
        assert expected == {key: get_attribute(span.attributes, key) for key in expected}
        assert ["packed"] == [event.name for event in span.events]
        assert 16 == len(span.trace_id)
    assert {"shop"} == {
        get_attribute(resource.attributes, "service.name")
        for signal in backend.counts()
        for resource in backend.resources(signal)
    }
