"""Clients of Zipkin and Jaeger in other languages send through a collector process to a real backend."""

import asyncio

import pytest

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port

pytestmark = pytest.mark.interop

CONFIG = """
receivers:
  {receiver}
exporters:
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}
service:
  pipelines:
    traces: {{receivers: [{name}], exporters: [otlp_grpc]}}
  telemetry: {{metrics: {{level: none}}}}
"""
# Over UDP they are two packets, which the system has room for.
COUNT = 200


async def send(command, receiver, port, backend):
    """Run a sender to a receiver until both have ended; return the spans, the parent of all others and those."""
    name = receiver.partition(":")[0]
    async with CollectorProcess(CONFIG.format(name=name, receiver=receiver, backend=backend.grpc_endpoint)):
        sender = await asyncio.create_subprocess_exec(*command, str(port), str(COUNT))
        async with asyncio.timeout(60):
            assert 0 == await sender.wait()
        await backend.wait_for(COUNT)
    spans = {int(get_attribute(span.attributes, "number")): span for span in backend.items(Signal.TRACES)}
    assert set(range(COUNT)) == set(spans)
    assert COUNT == len(backend.items(Signal.TRACES))
    root = spans.pop(0)
    assert ("order", b"", 2) == (root.name, root.parent_span_id, root.kind)
    for span in spans.values():
        assert ("query", root.span_id, root.trace_id, 3) == (span.name, span.parent_span_id, span.trace_id, span.kind)
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
    return root, spans


def resources(backend):
    return [
        {pair.key: get_attribute(resource.attributes, pair.key) for pair in resource.attributes}
        for resource in backend.resources(Signal.TRACES)
    ]


@pytest.mark.parametrize(("transport", "protocol"), [("udp", "thrift_binary"), ("http", "thrift_http")])
async def test_jaeger_of_node(node_jaeger_sender, backend, transport, protocol):
    """Typed tags, logs, references and the process are there."""
    port = free_port()
    receiver = f'jaeger: {{protocols: {{{protocol}: {{endpoint: "127.0.0.1:{port}"}}}}}}'
    root, spans = await send([*node_jaeger_sender, transport], receiver, port, backend)
    for number, span in spans.items():
        assert (0.5, True) == tuple(get_attribute(span.attributes, key) for key in ("ratio", "paid"))
        assert (2 if number % 2 else 0) == span.status.code
        (event,) = span.events
        assert ("packed", 2) == (event.name, get_attribute(event.attributes, "boxes"))
        (link,) = span.links
        assert spans.get(number - 1, root).span_id == link.span_id
        assert "follows_from" == get_attribute(link.attributes, "opentracing.ref_type")
    for resource in resources(backend):
        assert ("shop", "north") == (resource["service.name"], resource["shop.branch"])
        assert "Jaeger-Node-3.19.0" == resource["opencensus.exporterversion"]


@pytest.mark.parametrize("encoding", ["JSON_V1", "THRIFT", "JSON_V2", "PROTO3"])
async def test_zipkin_of_java(java_zipkin_sender, backend, encoding):
    """Tags, annotations, errors and the other end of the connection are there."""
    port = free_port()
    receiver = f'zipkin: {{endpoint: "127.0.0.1:{port}"}}'
    _, spans = await send([*java_zipkin_sender, encoding], receiver, port, backend)
    for number, span in spans.items():
        peer = tuple(get_attribute(span.attributes, key) for key in ("peer.service", "net.peer.ip", "net.peer.port"))
        assert ("db", "10.0.0.5", 5432) == peer
        assert ["packed"] == [event.name for event in span.events]
        assert (2 if number % 2 else 0, "out of stock" if number % 2 else None) == (
            span.status.code,
            get_attribute(span.attributes, "error"),
        )
    assert {"shop"} == {resource["service.name"] for resource in resources(backend)}
