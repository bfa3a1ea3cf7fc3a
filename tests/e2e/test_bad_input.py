"""What broken and hostile senders do: each gets its error, and good traffic next to them loses nothing."""

import asyncio
import gzip
import io
import os
import zlib
from contextlib import suppress

import aiohttp
import grpc
import pytest
import pytest_asyncio

from collector.data import Signal
from collector.data.messages import REQUESTS, SERVICES
from collector.testing.process import CollectorProcess, free_port

CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "localhost:{grpc}"}}
      http: {{endpoint: "localhost:{http}"}}
exporters:
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_grpc]}}
  telemetry: {{metrics: {{level: none}}}}
"""
EXPORT = SERVICES[Signal.TRACES]
# What a 100 MB body may cost in memory at the very most, the process's own noise included.
MEMORY_MARGIN_MIB = 40
# The inflated size of the bombs below.
BOMB = 128 * 2**20
# Seconds for a call that hangs; one that packs a bomb takes its time on a busy machine.
PATIENCE = 300


class Target:
    """A running collector and the ways to speak to it."""

    def __init__(self, process, grpc_port, http_port):
        self.process = process
        self.grpc_port = grpc_port
        self.http_port = http_port

    async def post(self, body, **headers):
        """POST to /v1/traces; return the status, or None where the collector cut the connection."""
        url = f"http://localhost:{self.http_port}/v1/traces"
        headers = {"Content-Type": "application/x-protobuf"} | {k.replace("_", "-"): v for k, v in headers.items()}
        with suppress(aiohttp.ClientConnectionError):
            async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
                return answer.status

    async def call(self, request, **options):
        """Call the trace service; return the gRPC code."""
        async with grpc.aio.insecure_channel(f"localhost:{self.grpc_port}") as channel:
            try:
                await channel.unary_unary(EXPORT)(request, timeout=PATIENCE, **options)
            except grpc.aio.AioRpcError as error:
                return error.code()
        return grpc.StatusCode.OK


@pytest_asyncio.fixture
async def target(backend):
    ports = free_port(), free_port()
    config = CONFIG.format(grpc=ports[0], http=ports[1], backend=backend.grpc_endpoint)
    async with CollectorProcess(config) as process:
        yield Target(process, *ports)


def request_of(name, spans=1):
    request = REQUESTS[Signal.TRACES]()
    scope = request.resource_spans.add().scope_spans.add()
    for _ in range(spans):
        scope.spans.add(name=name, trace_id=os.urandom(16), span_id=os.urandom(8))
    return request.SerializeToString()


def bomb():
    """Return a small gzip body that inflates to far more than is taken."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    return b"".join(packer.compress(zeros) for _ in range(BOMB // 2**20)) + packer.flush()


async def random_bytes(target):
    assert 400 == await target.post(os.urandom(4096))
    assert grpc.StatusCode.INVALID_ARGUMENT == await target.call(b"\xff" + os.urandom(4096))


async def truncated_protobuf(target):
    body = request_of("cut", spans=50)
    assert 400 == await target.post(body[:-7])
    assert grpc.StatusCode.INVALID_ARGUMENT == await target.call(body[:-7])


async def wrong_content_type(target):
    assert 415 == await target.post(request_of("typed"), Content_Type="text/html")


async def hundred_megabytes(target):
    """A body with a length is refused before it is read; one without is refused on the way."""

    async def endless():
        chunk = bytes(2**20)
        for _ in range(100):
            yield chunk

    assert await target.post(io.BytesIO(bytes(100 * 2**20))) in (413, None)
    assert await target.post(endless()) in (413, None)
    assert grpc.StatusCode.RESOURCE_EXHAUSTED == await target.call(bytes(100 * 2**20))


async def gzip_bomb(target):
    assert 413 == await target.post(bomb(), Content_Encoding="gzip")


async def grpc_gzip_bomb(target):
    assert grpc.StatusCode.RESOURCE_EXHAUSTED == await target.call(bytes(BOMB), compression=grpc.Compression.Gzip)


async def broken_gzip(target):
    assert 400 == await target.post(gzip.compress(request_of("zip"))[:-9], Content_Encoding="gzip")


async def half_open(target):
    """Connections that say half of something and then nothing stay open beside the good traffic."""
    for port, start in (
        (target.http_port, b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n"),
        (target.grpc_port, b"PRI * HTTP"),
    ):
        for _ in range(20):
            _, writer = await asyncio.open_connection("localhost", port)
            writer.write(start)
            await writer.drain()
            target.half_open = [*getattr(target, "half_open", []), writer]


async def http1_on_the_grpc_port(target):
    reader, writer = await asyncio.open_connection("localhost", target.grpc_port)
    writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
    await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    # grpcio says in an HTTP/2 GOAWAY frame, or by closing, that it does not speak HTTP/1.
    assert not answer.startswith(b"HTTP/1.1 200")


ATTACKS = [
    random_bytes,
    truncated_protobuf,
    wrong_content_type,
    hundred_megabytes,
    gzip_bomb,
    grpc_gzip_bomb,
    broken_gzip,
    half_open,
    http1_on_the_grpc_port,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_bad_input_harms_nobody(target, backend, attack):
    """The sender gets its error; spans sent meanwhile all arrive; the memory it took is given back."""
    good = 0
    done = asyncio.Event()

    async def good_traffic():
        nonlocal good
        while not done.is_set() or good < 20:
            assert grpc.StatusCode.OK == await target.call(request_of("good"))
            assert 200 == await target.post(request_of("good"))
            good += 2

    async with asyncio.TaskGroup() as group:
        group.create_task(good_traffic())
        await target.post(request_of("good"))
        before = target.process.rss_mib
        try:
            await attack(target)
        finally:
            done.set()
    await backend.wait_for(good + 1)
    assert good + 1 == len(backend.items(Signal.TRACES))
    assert target.process.rss_mib < before + MEMORY_MARGIN_MIB
    for writer in getattr(target, "half_open", []):
        writer.close()
    assert 0 == await target.process.stop()
