"""Sends spans in each format that a collector takes.

Formats that Spanmill writes, too, are written by it: the same tests have the real servers read what it writes. The
others, and the calls around Thrift, are by the code that was generated of the published IDLs for Jaeger's own client.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

import aiohttp
import grpc
from backends.zipkin.v1 import v1_json, v1_thrift
from jaeger_client.thrift_gen.agent.Agent import emitBatch_args
from jaeger_client.thrift_gen.jaeger.ttypes import Batch
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from collector.data import Signal
from collector.data.messages import SERVICES
from collector.testing.process import scrape
from collector.translate.jaeger import from_otlp as jaeger
from collector.translate.jaeger.names import POST_SPANS
from collector.translate.jaeger.proto import write_post_spans
from collector.translate.jaeger.thrift import write_batches
from collector.translate.zipkin import from_otlp as zipkin
from collector.translate.zipkin.model import ZipkinSpan
from collector.translate.zipkin.v2_json import write_json
from collector.translate.zipkin.v2_proto import write_proto

_PROTOCOLS = {"binary": TBinaryProtocol, "compact": TCompactProtocol}
_READ = "otelcol_jaeger_receiver_thrift_pkt_processed"
# A datagram has 64 KiB at most.
_SPANS_IN_PACKET = 25


class Target(NamedTuple):
    """A collector: the port of the receiver, and the one of its own metrics."""

    port: int
    metrics: int


# Sends a serialized OTLP request in some format.
Sender: TypeAlias = Callable[[Target, bytes], Awaitable[None]]


def by_grpc(method: str, write: Callable[[bytes], bytes]) -> Sender:
    """Return what calls a method with what `write` makes of a request."""

    async def send(target: Target, payload: bytes) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{target.port}") as channel:
            await channel.unary_unary(method)(write(payload), timeout=30)

    return send


def by_http(path: str, content_type: str, write: Callable[[bytes], bytes]) -> Sender:
    """Return what posts what `write` makes of a request."""

    async def send(target: Target, payload: bytes) -> None:
        url, headers = f"http://127.0.0.1:{target.port}{path}", {"Content-Type": content_type}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=write(payload), headers=headers) as answer,
        ):
            assert answer.status in (200, 202), await answer.text()

    return send


def by_udp(protocol: Literal["binary", "compact"]) -> Sender:
    """Return what sends packets, each when the one before was read: the system drops what comes faster than that."""

    async def send(target: Target, payload: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for number, packet in enumerate(_packets(payload, protocol), 1):
                client.sendto(packet, ("127.0.0.1", target.port))
                await _read(target, number)

    return send


async def _read(target: Target, packets: int) -> None:
    async with asyncio.timeout(30):
        while (await scrape(target.metrics)).get(_READ, 0) < packets:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.01)


def _packets(payload: bytes, protocol: str) -> Iterator[bytes]:
    spans = jaeger.from_otlp(payload).spans
    for start in range(0, len(spans), _SPANS_IN_PACKET):
        (raw,) = write_batches(spans[start : start + _SPANS_IN_PACKET])
        batch = Batch()
        batch.read(TBinaryProtocol(TMemoryBuffer(raw)))
        buffer = TMemoryBuffer()
        output = _PROTOCOLS[protocol](buffer)
        output.writeMessageBegin("emitBatch", TMessageType.ONEWAY, 0)
        emitBatch_args(batch).write(output)
        output.writeMessageEnd()
        yield buffer.getvalue()


def _as_is(payload: bytes) -> bytes:
    return payload


def _thrift_batch(payload: bytes) -> bytes:
    (batch,) = write_batches(jaeger.from_otlp(payload).spans)
    return batch


def _zipkin(write: Callable[[list[ZipkinSpan]], bytes], payload: bytes) -> bytes:
    return write(zipkin.from_otlp(payload).spans)


OTLP_GRPC = by_grpc(SERVICES[Signal.TRACES], _as_is)
OTLP_HTTP = by_http("/v1/traces", "application/x-protobuf", _as_is)
ZIPKIN_V1_JSON = by_http("/api/v1/spans", "application/json", v1_json)
ZIPKIN_V1_THRIFT = by_http("/api/v1/spans", "application/x-thrift", v1_thrift)
ZIPKIN_V2_JSON = by_http("/api/v2/spans", "application/json", partial(_zipkin, write_json))
ZIPKIN_V2_PROTO = by_http("/api/v2/spans", "application/x-protobuf", partial(_zipkin, write_proto))
JAEGER_GRPC = by_grpc(POST_SPANS, lambda payload: write_post_spans(jaeger.from_otlp(payload).spans))
JAEGER_THRIFT_HTTP = by_http("/api/traces", "application/x-thrift", _thrift_batch)
JAEGER_UDP_COMPACT, JAEGER_UDP_BINARY = by_udp("compact"), by_udp("binary")
