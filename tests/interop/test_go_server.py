"""Our gRPC client against grpc-go's server, which most backends run on."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from collector.api import RetryableError
from collector.data import Signal
from collector.data.messages import REQUESTS, SERVICES
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig
from collector.testing import FakeHost, make_settings

pytestmark = pytest.mark.interop


def request_of(count):
    request = REQUESTS[Signal.TRACES]()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        spans.add(trace_id=number.to_bytes(16, "big"), span_id=bytes(8), name=f"order {number}")
    return request.SerializeToString()


@asynccontextmanager
async def serving(program, streams=100, age="1h"):
    """Run the server; yield its endpoint, and a function that ends it and returns the counts of all its requests."""
    server = await asyncio.create_subprocess_exec(program, str(streams), age, stdout=asyncio.subprocess.PIPE)

    async def counts():
        server.terminate()
        return [int(line) for line in (await server.stdout.read()).split()]

    try:
        yield f"127.0.0.1:{int(await server.stdout.readline())}", counts
    finally:
        if server.returncode is None:
            server.terminate()
            await server.wait()


async def send(endpoint, messages, **options):
    """Send messages all at once."""
    config = {"endpoint": endpoint, "tls": {"insecure": True}} | options
    client = GrpcClient(GrpcClientConfig.model_validate(config), make_settings("otlp_grpc"))
    await client.start(FakeHost())
    try:
        async with asyncio.timeout(120):
            await asyncio.gather(*(client.call(SERVICES[Signal.TRACES], message) for message in messages))
    finally:
        await client.close()


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_messages_small_and_large(go_server, compression):
    """Large ones pass windows that grow as the server sees fit."""
    sizes = [1, 64, 8192, 30_000]
    async with serving(go_server) as (endpoint, counts):
        await send(endpoint, [request_of(size) for size in sizes], compression=compression)
        assert sizes == sorted(await counts())


async def test_one_call_at_a_time(go_server):
    async with serving(go_server, streams=1) as (endpoint, counts):
        await send(endpoint, [request_of(number) for number in range(50)])
        assert list(range(50)) == sorted(await counts())


async def test_connections_that_end_all_the_time(go_server):
    """The server ends each connection after a moment: all arrive, and twice only what we were told has failed."""
    failed = set()
    async with serving(go_server, age="20ms") as (endpoint, counts):
        config = {"endpoint": endpoint, "tls": {"insecure": True}}
        client = GrpcClient(GrpcClientConfig.model_validate(config), make_settings("otlp_grpc"))
        await client.start(FakeHost())

        async def deliver(number):
            while True:
                try:
                    await client.call(SERVICES[Signal.TRACES], request_of(number))
                except RetryableError:
                    failed.add(number)
                    await asyncio.sleep(0)
                else:
                    return

        async def worker(numbers):
            for number in numbers:
                await deliver(number)

        async with asyncio.timeout(120):
            await asyncio.gather(*(worker(range(first, 2000, 8)) for first in range(8)))
        await client.close()
        arrived = Counter(await counts())
    assert set(range(2000)) == set(arrived)
    assert {number for number, times in arrived.items() if times > 1} <= failed
