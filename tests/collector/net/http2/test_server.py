"""The server on real sockets, with clients that real ones are not."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

from collector.net.http2 import GrpcServer, frames
from collector.net.http2.frames import GOAWAY, HEADERS, SETTINGS, ErrorCode, frame
from collector.net.server_config import GrpcServerConfig
from collector.testing import FakeHost, ManualClock, make_settings
from collector.testing.http2 import PATH, START, Client, Frame


class Slow:
    """A method that answers when it is let go."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.go = asyncio.Event()

    def admit(self):
        pass

    async def handle(self, request, client):
        self.entered.set()
        await self.go.wait()
        return request


@asynccontextmanager
async def serving(method=None, clock=None, **options):
    config = GrpcServerConfig.model_validate({"endpoint": "127.0.0.1:0"} | options)
    server = GrpcServer(config, {PATH: method or Slow()}, make_settings("otlp", clock=clock))
    await server.start(FakeHost())
    try:
        yield server
    finally:
        await server.shutdown()


async def read_frame(reader):
    high, low, kind, flags, stream_id = frames.HEADER.unpack(await reader.readexactly(frames.HEADER_SIZE))
    return Frame(kind, flags, stream_id, await reader.readexactly(high << 8 | low))


async def read_until(reader, kind):
    while (got := await read_frame(reader)).kind != kind:
        pass
    return got


def last_stream(goaway):
    """Return the last stream that a GOAWAY names, and its code."""
    return tuple(int.from_bytes(goaway.payload[i : i + 4], "big") for i in (0, 4))


async def test_http_1_gets_a_short_answer_and_the_end():
    async with serving() as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"gRPC" in answer
        writer.close()


async def test_alpn_chooses_h2(certificates):
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.set_alpn_protocols(["http/1.1", "h2"])
    async with serving(tls=certificates.server_files | {"reload_interval": "1h"}) as server:
        reader, writer = await asyncio.open_connection("localhost", server.address.port, ssl=context)
        assert "h2" == writer.get_extra_info("ssl_object").selected_alpn_protocol()
        writer.write(START)
        assert SETTINGS == (await read_frame(reader)).kind
        writer.close()


async def test_shutdown_lets_running_calls_finish_and_ends_all_others():
    """Requests that cross the farewell are answered; those who do not answer it hold nothing up for long."""
    method, clock, client = Slow(), ManualClock(), Client()
    async with serving(method, clock) as server:
        strangers = [await asyncio.open_connection(*server.address) for _ in range(3)]
        for (_, writer), start in zip(strangers, (b"", b"PRI * HT", START), strict=True):
            writer.write(start)
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(START + client.request(1, b"running"))
        await method.entered.wait()
        stopping = asyncio.gather(server.shutdown())
        assert (2**31 - 1, ErrorCode.NO_ERROR) == last_stream(await read_until(reader, GOAWAY))
        ping = await read_frame(reader)
        writer.write(client.request(3, b"crossing") + frame(frames.PING, frames.ACK, 0, ping.payload))
        assert (3, ErrorCode.NO_ERROR) == last_stream(await read_until(reader, GOAWAY))
        method.go.set()
        assert [1, 1, 1, 3, 3, 3] == [(await read_frame(reader)).stream_id for _ in range(6)]
        assert b"" == await reader.read()
        writer.close()
        await clock.wait_for_sleepers(2)
        await clock.advance(1.0)
        for stranger_reader, stranger in strangers:
            await stranger_reader.read()
            stranger.close()
        await stopping
        assert set() == server._shared.sessions


async def test_shutdown_is_as_fast_as_the_clients_answer():
    """Time stands still here: what ends the connection is that grpcio has read the farewell."""
    method = Slow()
    method.go.set()
    async with (
        serving(method, ManualClock()) as server,
        grpc.aio.insecure_channel("{}:{}".format(*server.address)) as channel,
    ):
        assert b"x" == await channel.unary_unary(PATH)(b"x", timeout=30)
        async with asyncio.timeout(30):
            await server.shutdown()


async def test_a_call_that_outlasts_the_grace_is_to_be_sent_again():
    method, clock, client = Slow(), ManualClock(), Client()
    async with serving(method, clock) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(START + client.request(1, b"x"))
        await method.entered.wait()
        stopping = asyncio.gather(server.shutdown())
        await read_until(reader, GOAWAY)
        await clock.wait_for_sleepers(2)
        await clock.advance(5.0)
        head = await read_until(reader, HEADERS)
        assert "14" == client.fields(head)["grpc-status"]
        await stopping
        writer.close()


async def test_ticks_end_silent_connections():
    clock = ManualClock()
    async with serving(clock=clock) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"PRI")
        while not server._shared.sessions:  # noqa: ASYNC110 - nothing signals that a client was accepted
            await asyncio.sleep(0)
        await clock.wait_for_sleepers()
        await clock.advance(21.0)
        await read_until(reader, GOAWAY)
        assert b"" == await reader.read()
        writer.close()


async def test_a_client_that_reads_nothing_is_not_answered_without_end():
    """Where answers are not taken, no more requests are: memory here stays as it is."""
    async with serving() as server:
        _, writer = await asyncio.open_connection(*server.address)
        # Requests for nothing: each is answered with what it asked for.
        client = Client()
        writer.write(START)
        number, session = 1, None
        while session is None or session._paused_at is None:
            writer.write(
                b"".join(client.headers(n, path="/" + "x" * 150, flags=1) for n in range(number, number + 200, 2))
            )
            number += 200
            await asyncio.sleep(0)
            session = next(iter(server._shared.sessions), None)
        assert session._transport.get_write_buffer_size() < 2**20
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("keepalive", "period"),
    [
        (None, 1.0),
        ({"server_parameters": None}, 1.0),
        ({"server_parameters": {"max_connection_age": "200ms"}}, 0.2),
        ({"server_parameters": {"max_connection_idle": "1ms"}}, 0.05),
    ],
)
async def test_how_often_it_looks(keepalive, period):
    clock = ManualClock()
    async with serving(clock=clock, keepalive=keepalive):
        await clock.wait_for_sleepers()
        [(wakes_at, _, _)] = clock._sleepers
        assert pytest.approx(period) == wakes_at - clock.monotonic()


async def test_frames_of_any_size_come_by():
    """A request in one frame of the size that is announced."""
    method, client = Slow(), Client()
    method.go.set()
    async with serving(method) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        message = bytes(2**18 - 5)
        writer.write(
            START + client.headers(1) + frame(frames.DATA, 1, 1, b"\0" + len(message).to_bytes(4, "big") + message)
        )
        await read_until(reader, HEADERS)
        writer.close()
