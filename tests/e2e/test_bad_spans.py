"""What broken and hostile senders of Zipkin's and Jaeger's formats do to a collector that has others to serve."""

import asyncio
import os
import socket
from collections import Counter
from io import BytesIO

import aiohttp
import grpc

from collector.data import Signal
from collector.testing.process import CollectorProcess, free_port, scrape
from collector.translate.jaeger.model import JaegerSpan, Process
from collector.translate.jaeger.names import POST_SPANS
from collector.translate.jaeger.proto import write_post_spans
from collector.translate.jaeger.thrift import write_batches
from collector.translate.zipkin.model import Endpoint, ZipkinSpan
from collector.translate.zipkin.v2_json import write_json
from collector.translate.zipkin.v2_proto import write_proto

CONFIG = """
receivers:
  zipkin: {{endpoint: "localhost:{zipkin}"}}
  jaeger:
    protocols:
      grpc: {{endpoint: "localhost:{grpc}"}}
      thrift_http: {{endpoint: "localhost:{thrift}"}}
      thrift_compact: {{endpoint: "localhost:{compact}", max_packet_size: 50000}}
exporters:
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}
service:
  pipelines:
    traces: {{receivers: [zipkin, jaeger], exporters: [otlp_grpc]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: localhost, port: {metrics}}}}}}}}}]}}
"""
JSON, PROTOBUF, THRIFT = "application/json", "application/x-protobuf", "application/x-thrift"
DROPPED = "otelcol_jaeger_receiver_thrift_pkt_dropped"
SHOP = Process("shop")
MEMORY_MARGIN_MIB = 80


class Target:
    """A running collector and the ways to speak to it, by port."""

    def __init__(self, ports):
        self.ports = ports

    async def post(self, body, content_type=JSON, path="/api/v2/spans", to="zipkin"):
        """Return the status and the text of the answer."""
        url = f"http://localhost:{self.ports[to]}{path}"
        headers = {"Content-Type": content_type}
        async with aiohttp.ClientSession() as session, session.post(url, data=BytesIO(body), headers=headers) as answer:
            return answer.status, await answer.text()

    async def post_thrift(self, body):
        return await self.post(body, THRIFT, "/api/traces", "thrift")

    async def post_spans(self, request):
        """Return the gRPC code."""
        async with grpc.aio.insecure_channel(f"localhost:{self.ports['grpc']}") as channel:
            try:
                await channel.unary_unary(POST_SPANS)(request, timeout=60)
            except grpc.aio.AioRpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    async def dropped(self, packets):
        """Wait until so many packets were counted as dropped."""
        async with asyncio.timeout(30):
            while (await scrape(self.ports["metrics"])).get(DROPPED, 0) < packets:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)


def zipkin_span(**fields):
    ids = {"trace_id": os.urandom(16), "id": b"1" + os.urandom(7), "timestamp": 10**15, "duration": 1}
    return ZipkinSpan(**{**ids, "name": "good", "local": Endpoint("shop"), **fields})


def jaeger_span(**fields):
    ids = {"trace_id": os.urandom(16), "span_id": b"1" + os.urandom(7), "start": 10**18, "duration": 1000}
    return JaegerSpan(**{**ids, "process": SHOP, "name": "good", **fields})


def thrift_batch(*spans):
    return b"".join(write_batches(spans))


async def truncated_thrift(target):
    # A list of one span in version 1 of Zipkin's format, which ends inside of its first field.
    assert 400 == (await target.post(b"\x0c\0\0\0\1\x0a\0\1\0\0", THRIFT, "/api/v1/spans"))[0]
    batch = thrift_batch(*(jaeger_span(name="cut") for _ in range(50)))
    for size in (1, 10, len(batch) // 2, len(batch) - 2):
        assert 400 == (await target.post_thrift(batch[:size]))[0]


async def ids_of_a_wrong_length(target):
    text = write_json([zipkin_span()])
    status, said = await target.post(text.replace(b'"traceId":"', b'"traceId":"ff'))
    assert (400, True) == (status, "spans[0].traceId" in said)
    assert 400 == (await target.post(write_proto([zipkin_span(id=b"123")]), PROTOBUF))[0]
    assert grpc.StatusCode.INVALID_ARGUMENT == await target.post_spans(write_post_spans([jaeger_span(span_id=b"123")]))


async def ten_megabytes_in_one_annotation(target):
    """They are less than an HTTP request may have, and more than a gRPC message may."""
    large = zipkin_span(name="large", annotations=[(10**15, "x" * 10_000_000)])
    assert 202 == (await target.post(write_json([large])))[0]
    large = jaeger_span(name="large", tags={"large": "x" * 10_000_000})
    assert grpc.StatusCode.RESOURCE_EXHAUSTED == await target.post_spans(write_post_spans([large]))


async def negative_durations(target):
    assert 400 == (await target.post(write_json([zipkin_span(duration=-1)])))[0]
    assert 400 == (await target.post_thrift(thrift_batch(jaeger_span(duration=-1000))))[0]
    assert grpc.StatusCode.INVALID_ARGUMENT == await target.post_spans(write_post_spans([jaeger_span(duration=-1)]))


async def a_flood_of_packets(target):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(200):
            for packet in (b"", os.urandom(1000), b"\x82\x81\0\x09emitBatch\x1c", bytes(60_000)):
                client.sendto(packet, ("127.0.0.1", target.ports["compact"]))
            await asyncio.sleep(0)
    await target.dropped(10)


async def deep_json(target):
    for body in (b"[" * 1_000_000, b'[{"tags":' + b'{"a":' * 500_000, b'[{"annotations":[' * 100_000):
        assert 400 == (await target.post(body))[0]


async def huge_json(target):
    assert 413 == (await target.post(b"[" + b"{}," * 8_000_000))[0]
    assert 400 == (await target.post(b"[" + b"{}," * 1_000_000 + b"{}]"))[0]
    assert 400 == (await target.post(b'[{"traceId":' + b"9" * 1_000_000 + b"}]"))[0]


ATTACKS = [
    truncated_thrift,
    ids_of_a_wrong_length,
    ten_megabytes_in_one_annotation,
    negative_durations,
    a_flood_of_packets,
    deep_json,
    huge_json,
]


async def test_bad_spans_harm_nobody(backend):
    """Each gets its error or is counted; what others send meanwhile arrives; memory stays bounded."""
    ports = {name: free_port() for name in ("zipkin", "grpc", "thrift", "compact", "metrics")}
    target = Target(ports)
    good = 0
    done = asyncio.Event()

    async def good_traffic():
        nonlocal good
        while not done.is_set() or good < 20:
            assert 202 == (await target.post(write_json([zipkin_span()])))[0]
            assert 202 == (await target.post_thrift(thrift_batch(jaeger_span())))[0]
            good += 2

    async with CollectorProcess(CONFIG.format(**ports, backend=backend.grpc_endpoint)) as process:
        await target.post(write_json([zipkin_span()]))
        before = process.rss_mib
        async with asyncio.TaskGroup() as group:
            group.create_task(good_traffic())
            try:
                for attack in ATTACKS:
                    await attack(target)
            finally:
                done.set()
        assert process.rss_mib < before + MEMORY_MARGIN_MIB
        assert 0 == await process.stop()
    names = Counter(span.name for span in backend.items(Signal.TRACES))
    assert {"good": good + 1, "large": 1} == names
