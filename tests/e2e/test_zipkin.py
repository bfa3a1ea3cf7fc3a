"""A real Zipkin client, the collector as the Zipkin server that it sends to, and on from there."""

import asyncio

import pytest
from py_zipkin import Encoding, Kind
from py_zipkin.transport import SimpleHTTPTransport
from py_zipkin.zipkin import ZipkinAttrs, create_http_headers_for_new_span, zipkin_span

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port

# What the first pipeline sends, the second receives: both directions and formats in one process.
CONFIG = """
receivers:
  zipkin: {{endpoint: "localhost:{first}"}}
  zipkin/back: {{endpoint: "localhost:{second}"}}
exporters:
  zipkin/json: {{endpoint: "http://localhost:{second}/api/v2/spans"}}
  zipkin/proto: {{endpoint: "http://localhost:{second}/api/v2/spans", format: proto, compression: gzip}}
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}
service:
  pipelines:
    traces/out: {{receivers: [zipkin], exporters: [zipkin/json, zipkin/proto]}}
    traces/back: {{receivers: [zipkin/back], exporters: [otlp_grpc]}}
  telemetry: {{metrics: {{level: none}}}}
"""


def send(port, encoding):
    """Send a trace of a server span and the client span inside of it, as an instrumented application does."""
    transport = SimpleHTTPTransport("localhost", port)
    options = {"service_name": "shop", "transport_handler": transport, "encoding": encoding}
    attributes = ZipkinAttrs("463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312", None, "0", True)
    with (
        zipkin_span(span_name="get /orders", kind=Kind.SERVER, zipkin_attrs=attributes, **options) as server,
        zipkin_span(span_name="query", kind=Kind.CLIENT, service_name="shop") as client,
    ):
        server.update_binary_annotations({"http.method": "GET"})
        client.add_sa_binary_annotation(5432, "db", "10.0.0.5")
        client.add_annotation("flushed")
        assert "X-B3-TraceId" in create_http_headers_for_new_span()


@pytest.mark.parametrize("encoding", [Encoding.V1_JSON, Encoding.V2_JSON, Encoding.V2_PROTO3])
async def test_a_trace_goes_there_and_back(backend, encoding):
    first, second = free_port(), free_port()
    config = CONFIG.format(first=first, second=second, backend=backend.grpc_endpoint)
    async with CollectorProcess(config):
        await asyncio.to_thread(send, first, encoding)
        await backend.wait_for(4)
    spans = sorted(backend.items(Signal.TRACES), key=lambda span: span.kind)
    assert ["get /orders"] * 2 + ["query"] * 2 == [span.name for span in spans]
    for server, client in (spans[0::2], spans[1::2]):
        assert bytes.fromhex("463ac35c9f6413ad48485a3953bb6124") == server.trace_id == client.trace_id
        assert bytes.fromhex("a2fb4a1d1a96d312") == server.span_id == client.parent_span_id
        assert (2, 3) == (server.kind, client.kind)
        assert 0 < server.start_time_unix_nano <= client.start_time_unix_nano
        assert client.start_time_unix_nano < client.end_time_unix_nano <= server.end_time_unix_nano
        assert "GET" == get_attribute(server.attributes, "http.method")
        assert ("db", "10.0.0.5", 5432) == tuple(
            get_attribute(client.attributes, key) for key in ("peer.service", "net.peer.ip", "net.peer.port")
        )
        assert ["flushed"] == [event.name for event in client.events]
    assert {"shop"} == {get_attribute(found.attributes, "service.name") for found in backend.resources(Signal.TRACES)}
