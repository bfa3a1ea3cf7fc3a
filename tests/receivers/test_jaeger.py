"""The receiver over real sockets: each protocol, what is refused, floods, and how it ends."""

import asyncio
import io
import socket
import struct
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import grpc
import pytest

from collector.api import PermanentError, RetryableError, StartError
from collector.data import Signal
from collector.testing import Blocking, FakeHost, ManualClock, Sink, make_settings
from collector.testing.component import RecordingTelemetry
from collector.testing.samples import items_of
from collector.translate.jaeger import names, proto, thrift
from collector.translate.jaeger.model import JaegerSpan, Process
from receivers.jaeger import FACTORY, Config
from receivers.jaeger.udp import GRACE

INVALID = "otelcol_jaeger_receiver_invalid_spans"
DROPPED = "otelcol_jaeger_receiver_thrift_pkt_dropped"
PROCESSED = "otelcol_jaeger_receiver_thrift_pkt_processed"
ALL = {"grpc": {}, "thrift_http": {}, "thrift_compact": {}, "thrift_binary": {}}
THRIFT = "application/x-thrift"
PROCESS = Process("shop")


def span(number: int = 1, **fields: Any) -> JaegerSpan:
    ids = {"process": PROCESS, "trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big")}
    return JaegerSpan(**{**ids, "name": f"operation {number}", "start": 10**18, "duration": 1000, **fields})


def batch_of(*spans):
    """Return the body of an HTTP request."""
    return b"".join(thrift.write_batches(spans))


def packet(*spans, protocol="compact"):
    """Return a call of emitBatch."""
    (body,) = thrift.write_batches(spans or [span()], protocol)
    if protocol == "compact":
        return b"\x82\x81\x00\x09emitBatch\x1c" + body + b"\x00"
    return b"\x80\x01\x00\x04" + struct.pack(">i", 9) + b"emitBatch" + bytes(4) + b"\x0c\x00\x01" + body + b"\x00"


BATCH = batch_of(span())


class Subject:
    """A receiver that runs, and what it counts."""

    def __init__(self, receiver, telemetry):
        self.receiver = receiver
        self.telemetry = telemetry

    async def post(self, body, content_type=THRIFT, path="/api/traces", method="POST"):
        url = "http://{}:{}{}".format(*self.receiver.http.address, path)
        headers = {"Content-Type": content_type}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    async def call(self, request, method=names.POST_SPANS):
        async with grpc.aio.insecure_channel("{}:{}".format(*self.receiver.grpc.address)) as channel:
            return await channel.unary_unary(method)(request)

    def send(self, *packets, protocol="compact"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for content in packets:
                client.sendto(content, tuple(self.receiver.udp[protocol].address))

    def dropped(self):
        return self.by_reason(DROPPED)

    def by_reason(self, name):
        return {dict(labels)["reason"]: count for labels, count in self.telemetry[name].values.items()}

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - nothing signals what is counted
                await asyncio.sleep(0)


@asynccontextmanager
async def receiving(sink, clock=None, **protocols):
    protocols = {name: {"endpoint": "127.0.0.1:0", **options} for name, options in (protocols or ALL).items()}
    telemetry = RecordingTelemetry()
    settings = make_settings("jaeger", signals=FACTORY.signals, telemetry=telemetry, clock=clock)
    receiver = FACTORY.create(Config.model_validate({"protocols": protocols}), settings, sink)
    await receiver.start(FakeHost())
    try:
        yield Subject(receiver, telemetry)
    finally:
        await receiver.shutdown()


async def test_every_protocol():
    sink = Sink()
    async with receiving(sink) as subject:
        assert b"" == await subject.call(proto.write_post_spans([span(1)]))
        assert (202, "") == await subject.post(batch_of(span(2)))
        subject.send(packet(span(3)))
        subject.send(packet(span(4), protocol="binary"), protocol="binary")
        await sink.wait_for(4)
    assert {f"operation {number}" for number in (1, 2, 3, 4)} == {
        member.name for batch in sink.batches for member in items_of(batch)
    }
    transports = {"grpc", "collector_http", "udp_thrift_compact", "udp_thrift_binary"}
    assert transports == {batch.client.transport for batch in sink.batches}
    assert {"127.0.0.1"} == {batch.client.address for batch in sink.batches}
    assert 2 == subject.telemetry[PROCESSED].total


async def test_only_what_is_listed_is_opened():
    async with receiving(Sink(), thrift_binary={}) as subject:
        assert (None, None, ["binary"]) == (subject.receiver.grpc, subject.receiver.http, list(subject.receiver.udp))


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        ({"body": BATCH, "content_type": "application/json"}, 400, "Unsupported content type: application/json"),
        ({"body": b"not thrift"}, 400, "Unable to process request body"),
        ({"body": BATCH[:-20]}, 400, "Unable to process request body"),
        ({"body": BATCH, "method": "GET"}, 405, "supported: [POST]"),
        ({"body": BATCH, "path": "/api/other"}, 404, ""),
        ({"body": b"\0", "content_type": "application/vnd.apache.thrift.binary"}, 202, ""),
    ],
)
async def test_answers_of_http(request_, status, text):
    sink = Sink()
    async with receiving(sink, thrift_http={}) as subject:
        answered, said = await subject.post(**request_)
    assert status == answered
    assert text in said
    assert [] == sink.batches


@pytest.mark.parametrize(
    ("error", "status", "code"), [(RetryableError, 503, "UNAVAILABLE"), (PermanentError, 500, "INTERNAL")]
)
async def test_what_the_pipelines_refuse(error, status, code):
    async with receiving(Sink(error("no")), grpc={}, thrift_http={}) as subject:
        assert status == (await subject.post(BATCH))[0]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(proto.write_post_spans([span()]))
    assert code == caught.value.code().name


async def test_grpc_refuses_what_is_no_request():
    async with receiving(Sink(), grpc={}) as subject:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(b"\xff\xff")
        assert grpc.StatusCode.INVALID_ARGUMENT is caught.value.code()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(b"", "/jaeger.api_v2.CollectorService/Other")
        assert grpc.StatusCode.UNIMPLEMENTED is caught.value.code()


async def test_one_bad_span_spoils_no_other():
    sink = Sink()
    bad = [span(2, span_id=b"123"), span(3, duration=-1), span(4, trace_id=b"1" * 15), span(5, start=-(10**9))]
    async with receiving(sink, grpc={}) as subject:
        await subject.call(proto.write_post_spans([span(1), *bad, span(6)]))
        assert {"invalid_id": 2, "negative_duration": 1, "invalid_time": 1} == subject.by_reason(INVALID)
        with pytest.raises(grpc.aio.AioRpcError, match=r"spans\[0\]\.spanId: expected 8 bytes, not 3"):
            await subject.call(proto.write_post_spans(bad[:1]))
    assert ["operation 1", "operation 6"] == [member.name for member in items_of(sink.batches[0])]


async def test_a_large_tag():
    """Ten megabytes are more than a gRPC message may have, and less than an HTTP body may."""
    sink = Sink()
    large = span(tags={"large": "x" * 10_000_000})
    async with receiving(sink, grpc={}, thrift_http={}) as subject:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(proto.write_post_spans([large]))
        assert grpc.StatusCode.RESOURCE_EXHAUSTED is caught.value.code()
        assert 202 == (await subject.post(io.BytesIO(batch_of(large))))[0]
    assert 10_000_000 == len(items_of(sink.batches[0])[0].attributes[0].value.string_value)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x82", packet()[:-10], packet(protocol="binary"), b"\x82\x81\x00\x05other\x1c\0\0", b"\0" * 60_000],
)
async def test_a_malformed_packet_is_counted(content):
    sink = Sink()
    async with receiving(sink, thrift_compact={}) as subject:
        subject.send(content, packet())
        await sink.wait_for(1)
        await subject.until(lambda: subject.telemetry[DROPPED].total)
        assert {"malformed": 1} == subject.dropped()


async def test_a_packet_that_is_too_large():
    sink = Sink()
    async with receiving(sink, thrift_compact={"max_packet_size": 200}) as subject:
        subject.send(packet(span(tags={"long": "x" * 200})), packet())
        await sink.wait_for(1)
        assert {"too_large": 1} == subject.dropped()


async def test_a_flood_is_bounded():
    """What waits is bounded by the queue and the workers; the rest is dropped and counted, and nothing is dropped twice."""
    sink = Sink()
    blocking = Blocking(sink)
    sent = 40
    async with receiving(
        blocking, thrift_compact={"queue_size": 5, "workers": 2, "socket_buffer_size": 4_000_000}
    ) as subject:
        subject.send(*[packet(span(number + 1)) for number in range(sent)])
        await subject.until(lambda: subject.telemetry[DROPPED].total == sent - 7)
        assert {"queue_full": sent - 7} == subject.dropped()
        blocking.released.set()
        await sink.wait_for(7)
    assert 7 == subject.telemetry[PROCESSED].total


async def test_a_packet_is_offered_until_it_is_taken():
    """No sender of a packet will send it again."""
    clock = ManualClock()
    sink = Sink(RetryableError("full", reason="queue_full"))
    async with receiving(sink, clock, thrift_compact={}) as subject:
        subject.send(packet())
        await clock.wait_for_sleepers(1)
        sink.error = None
        await clock.advance(1)
        await sink.wait_for(1)
        assert {} == subject.dropped()


async def test_a_packet_is_given_up_after_a_while():
    clock = ManualClock()
    async with receiving(
        Sink(RetryableError("full", reason="overloaded", retry_after=100)), clock, thrift_compact={}
    ) as subject:
        subject.send(packet())
        await clock.wait_for_sleepers(1)
        await clock.advance(100)
        await subject.until(lambda: subject.telemetry[DROPPED].total)
        assert {"overloaded": 1} == subject.dropped()


async def test_shutdown_hands_on_what_waits():
    sink = Sink()
    blocking = Blocking(sink)
    async with receiving(blocking, thrift_compact={"workers": 1}) as subject:
        subject.send(*[packet(span(number)) for number in (1, 2, 3)])
        await subject.until(lambda: subject.receiver.udp["compact"]._queue.qsize() == 2)
        ending = asyncio.create_task(subject.receiver.shutdown())  # noqa: TID251 - the test is its owner
        blocking.released.set()
        await ending
    assert (3, {}) == (sink.count, subject.dropped())


async def test_shutdown_counts_what_nobody_takes():
    clock = ManualClock()
    blocking = Blocking(Sink())
    async with receiving(blocking, clock, thrift_compact={"workers": 1}) as subject:
        subject.send(*[packet(span(number)) for number in (1, 2, 3)])
        await subject.until(lambda: subject.receiver.udp["compact"]._queue.qsize() == 2)
        ending = asyncio.create_task(subject.receiver.shutdown())  # noqa: TID251 - the test is its owner
        await clock.wait_for_sleepers(1)
        await clock.advance(GRACE)
        await ending
    assert {"shutdown": 3} == subject.dropped()


async def test_an_address_that_is_taken():
    async with receiving(Sink(), thrift_compact={}) as subject:
        taken = str(subject.receiver.udp["compact"].address)
        with pytest.raises(StartError, match="cannot listen on"):
            async with receiving(Sink(), thrift_compact={"endpoint": taken}):
                pass


async def test_every_interface():
    sink = Sink()
    async with receiving(sink, thrift_compact={"endpoint": ":0"}) as subject:
        port = subject.receiver.udp["compact"].address.port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(packet(), ("127.0.0.1", port))
        await sink.wait_for(1)


def test_the_signal():
    assert {Signal.TRACES} == FACTORY.signals


@pytest.mark.parametrize("options", [{}, {"protocols": {}}, {"protocols": {"grpc": {"enabled": False}}}])
def test_at_least_one_protocol(options):
    with pytest.raises(ValueError, match="must specify at least one protocol when using the Jaeger receiver"):
        Config.model_validate(options)


def test_defaults():
    protocols = Config.model_validate({"protocols": dict.fromkeys(ALL)}).protocols
    assert ["localhost:14250", "localhost:14268", "localhost:6831", "localhost:6832"] == [
        getattr(protocols, name).endpoint for name in ALL
    ]
    udp = protocols.thrift_compact
    assert (1000, 65_000, 10, 0) == (udp.queue_size, udp.max_packet_size, udp.workers, udp.socket_buffer_size)
