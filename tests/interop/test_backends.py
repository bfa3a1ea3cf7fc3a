"""Spans through a collector process to the servers that people run: Jaeger, Zipkin and Grafana Tempo.

Each row of the matrix is a way in, each column a server with an exporter to it; the server's own API says what it has.
A receiver joins in `WAYS_IN`, an exporter in `OTHER_WAYS_OUT`.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any, NamedTuple

import aiohttp
import grpc
import pytest
from backends.records import Link, Record, records_of
from backends.server import BackendServer

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS, SERVICES, Span
from collector.testing.process import CollectorProcess, free_port

pytestmark = pytest.mark.interop

COUNT = 500
NOON = 1_750_000_000_000_000_000  # nanoseconds since the Unix epoch
KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")

CONFIG = """
receivers:
  {receiver}: {receiver_options}
processors:
  batch: {{timeout: 50ms}}
exporters:
  {exporter}: {exporter_options}
service:
  pipelines:
    traces: {{receivers: [{receiver}], processors: [batch], exporters: [{exporter}]}}
  telemetry: {{metrics: {{level: none}}}}
"""


class WayIn(NamedTuple):
    """A receiver, and how it is sent a serialized OTLP request: `held` is what the format can hold of the spans."""

    receiver: str
    options: str
    send: Callable[[int, bytes], Awaitable[None]]
    held: Callable[[Iterable[Record]], list[Record]] = list


class WayOut(NamedTuple):
    """A fixture that runs a server, and the exporter to it; `port` is the one of the server's that it sends to."""

    server: str
    port: str
    exporter: str
    options: str
    held: Callable[[Iterable[Record]], list[Record]] = list


def held_by_api_v2(records: Iterable[Record]) -> list[Record]:
    """Return spans as Jaeger's model has them: of a list its JSON, of a link the ids and the kind of reference."""
    return [
        record._replace(
            attributes=record.attributes | {"tags": json.dumps(record.attributes["tags"], separators=(",", ":"))},
            links=tuple(
                Link(link.trace_id, link.span_id, attributes={"opentracing.ref_type": "follows_from"})
                for link in record.links
            ),
        )
        for record in records
    ]


def held_by_thrift(records: Iterable[Record]) -> list[Record]:
    """Return spans in microseconds, less what Jaeger leaves as tags when it reads Thrift: scope and trace state."""
    return [
        record._replace(
            scope=("", ""),
            trace_state="",
            attributes=record.attributes | _left_as_tags(record),
            start=record.start // 1000 * 1000,
            duration=record.duration // 1000 * 1000,
            events=tuple(event._replace(time=event.time // 1000 * 1000) for event in record.events),
        )
        for record in held_by_api_v2(records)
    ]


def _left_as_tags(record: Record) -> dict[str, str]:
    tags = dict(zip(("otel.scope.name", "otel.scope.version"), record.scope, strict=True))
    return tags | ({"w3c.tracestate": record.trace_state} if record.trace_state else {})


async def send_grpc(port: int, payload: bytes) -> None:
    """Send a request over grpcio."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.unary_unary(SERVICES[Signal.TRACES])(payload, timeout=30)


async def send_http(port: int, payload: bytes) -> None:
    """Post a request."""
    url, headers = f"http://127.0.0.1:{port}/v1/traces", {"Content-Type": "application/x-protobuf"}
    async with aiohttp.ClientSession() as session, session.post(url, data=payload, headers=headers) as answer:
        assert 200 == answer.status, await answer.text()


GRPC = '{{endpoint: "127.0.0.1:{port}", tls: {{insecure: true}}}}'
GRPC_V2 = GRPC.replace("}}}}", "}}, protocol: grpc_v2}}")
THRIFT = '{{endpoint: "http://127.0.0.1:{port}/api/traces"}}'
TEMPO_HTTP = '{{endpoint: "http://127.0.0.1:{port}", protocol: http}}'
ZIPKIN = '{{endpoint: "http://127.0.0.1:{port}/api/v2/spans", format: FORMAT}}'

OTLP_GRPC = WayIn("otlp", '{{protocols: {{grpc: {{endpoint: "127.0.0.1:{port}"}}}}}}', send_grpc)
WAYS_IN = {
    "otlp-grpc": OTLP_GRPC,
    "otlp-http": WayIn("otlp", '{{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}', send_http),
}
WAYS_OUT = {
    "jaeger": WayOut("jaeger", "otlp", "otlp_grpc", GRPC),
    "zipkin": WayOut("zipkin", "query", "zipkin", ZIPKIN.replace("FORMAT", "json")),
    "tempo": WayOut("tempo", "otlp", "otlp_grpc", GRPC),
}
OTHER_WAYS_OUT = {
    "jaeger-by-its-exporter": WayOut("jaeger", "otlp", "jaeger", GRPC),
    "jaeger-by-api-v2": WayOut("jaeger", "jaeger", "jaeger", GRPC_V2, held_by_api_v2),
    "jaeger-by-thrift": WayOut("jaeger", "thrift", "jaeger_thrift", THRIFT, held_by_thrift),
    "zipkin-by-proto": WayOut("zipkin", "query", "zipkin", ZIPKIN.replace("FORMAT", "proto")),
    "tempo-by-its-exporter": WayOut("tempo", "otlp", "tempo", GRPC),
    "tempo-by-its-exporter-over-http": WayOut("tempo", "otlp_http", "tempo", TEMPO_HTTP),
}
NUMBERS = count(1)


@pytest.mark.parametrize("way_out", WAYS_OUT.values(), ids=WAYS_OUT)
@pytest.mark.parametrize("way_in", WAYS_IN.values(), ids=WAYS_IN)
async def test_every_span_is_there_once_and_whole(way_in: WayIn, way_out: WayOut, request):
    """All that both formats and the server can hold is equal, and the server was sent no span twice."""
    await _pass(way_in, way_out, request.getfixturevalue(way_out.server))


@pytest.mark.parametrize("way_out", OTHER_WAYS_OUT.values(), ids=OTHER_WAYS_OUT)
async def test_so_it_is_with_the_other_exporters(way_out: WayOut, request):
    await _pass(OTLP_GRPC, way_out, request.getfixturevalue(way_out.server))


async def _pass(way_in: WayIn, way_out: WayOut, server: BackendServer) -> None:
    payload = trace(next(NUMBERS))
    before, port = await server.received(), free_port()
    config = CONFIG.format(
        receiver=way_in.receiver,
        receiver_options=way_in.options.format(port=port),
        exporter=way_out.exporter,
        exporter_options=way_out.options.format(port=server.ports[way_out.port]),
    )
    async with CollectorProcess(config):
        await way_in.send(port, payload)
    sent = records_of(payload)
    spans = await server.arrived(sent[0].trace_id, COUNT)
    assert (COUNT, COUNT) == (len(spans), await server.received() - before)
    for expected, span in zip(server.held(way_out.held(way_in.held(sent))), spans, strict=True):
        assert expected._asdict() == span._asdict()


def trace(number: int) -> bytes:
    """Return a serialized OTLP request of a trace with one of everything that a span can have."""
    request = REQUESTS[Signal.TRACES]()
    group = request.resource_spans.add()
    for key, value in {"service.name": "Shop", "service.instance.id": "shop-1", "process.pid": 42}.items():
        set_attribute(group.resource.attributes, key, value)
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "checkout", "1.2"
    scope.spans.extend(_span(number, index) for index in range(COUNT))
    return request.SerializeToString()


def _span(number: int, index: int) -> Any:
    start = NOON + index * 1_000_003
    span = Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=(index + 1).to_bytes(8, "big"),
        parent_span_id=((index + 1) // 2).to_bytes(8, "big") if index else b"",
        trace_state="vendor=blue" if index % 7 == 0 else "",
        name=f"GET /Orders/{index}",
        kind=f"SPAN_KIND_{KINDS[index % len(KINDS)]}",
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000 + index * 1_001,
    )
    attributes = {"number": index, "paid": index % 2 == 0, "ratio": 0.5, "tags": ["a", "b"], "city": "Zürich ☂"}
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    for name in ("packed", "sent")[: index % 3]:
        event = span.events.add(time_unix_nano=start + 500, name=name)
        set_attribute(event.attributes, "boxes", index)
        set_attribute(event.attributes, "by", "drone")
    if index % 5 == 0:
        link = span.links.add(trace_id=b"l" * 16, span_id=b"l" * 8, trace_state="a=b")
        set_attribute(link.attributes, "why", "retried")
    span.status.code = index % 3
    if span.status.code == 2:
        span.status.message = "out of stock"
    return span
