"""The HTTP server on real sockets, with real clients and with half ones."""

import asyncio
import gzip
import os
import zlib
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import ValidationError

from collector.api import ComponentId, Idle, PermanentError, RetryableError, StartError, StatusCode
from collector.net.compressor import compressor
from collector.net.http import HttpAnswer
from collector.net.http_server import HttpServer
from collector.net.server_config import HttpServerConfig
from collector.net.session_server import GRACE
from collector.net.tls import TlsClientConfig, client_context
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, make_settings, settle

REFUSED = "otelcol_receiver_refused_requests"
HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


class Echo:
    """A handler that answers with the body, or fails as it is told."""

    def __init__(self, error=None):
        self.error = error
        self.requests = []
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()

    async def __call__(self, request):
        self.requests.append(request)
        body = await request.body()
        self.entered.set()
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return HttpAnswer(200, body, request.media_type)


@asynccontextmanager
async def serving(handler, *, telemetry=None, clock=None, host=None, **options):
    """Run a server; yield it."""
    config = HttpServerConfig.model_validate({"endpoint": "127.0.0.1:0"} | options)
    settings = make_settings("otlp", telemetry=telemetry, clock=clock)
    server = HttpServer(config, {"/echo": handler}, settings)
    try:
        await server.start(host or FakeHost())
        yield server
    finally:
        await server.shutdown()


def url(server, path="/echo", scheme="http", host="127.0.0.1"):
    return f"{scheme}://{host}:{server.address[1]}{path}"


@asynccontextmanager
async def request(server, method="POST", path="/echo", **options):
    async with aiohttp.ClientSession() as session, session.request(method, url(server, path), **options) as answer:
        yield answer


async def post(server, body=b"hello", **options):
    """Return the status and the body of the answer."""
    async with request(server, data=body, **options) as answer:
        return answer.status, await answer.read()


def reasons(telemetry):
    return {dict(labels)["reason"]: count for labels, count in telemetry[REFUSED].values.items()}


async def test_a_handler_gets_the_request_and_its_answer_is_sent():
    handler = Echo()
    headers = {"Content-Type": "Text/Plain; charset=utf-8", "X-Key": "value"}
    async with serving(handler) as server, request(server, data=b"hello", headers=headers) as answer:
        assert (200, b"hello", "text/plain") == (answer.status, await answer.read(), answer.headers["Content-Type"])
    [seen] = handler.requests
    assert ("POST", "/echo", "value") == (seen.method, seen.path, seen.headers["x-key"])
    assert ("127.0.0.1", "http", {}) == (seen.client.address, seen.client.transport, dict(seen.client.metadata))


async def test_metadata_is_kept_where_it_is_asked_for():
    handler = Echo()
    async with serving(handler, include_metadata=True) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"X-Key: one\r\nx-key: two\r\nContent-Length: 0\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert ("one", "two") == handler.requests[0].client.metadata["x-key"]


async def test_one_connection_takes_many_requests():
    async with serving(Echo()) as server, aiohttp.ClientSession() as session:
        for number in range(3):
            async with session.post(url(server), data=b"%d" % number) as answer:
                assert b"%d" % number == await answer.read()
                assert "Connection" not in answer.headers


async def test_one_connection_takes_one_request_without_keep_alives():
    async with serving(Echo(), keep_alives_enabled=False) as server, request(server) as answer:
        assert "close" == answer.headers["Connection"]


async def test_headers_are_added_to_every_answer():
    async with serving(Echo(), response_headers={"X-Frame-Options": "DENY"}) as server:
        for path in ("/echo", "/nowhere"):
            async with request(server, path=path) as answer:
                assert "DENY" == answer.headers["X-Frame-Options"]


async def test_an_unknown_path_is_not_found():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry) as server, request(server, path="/other?x=1") as answer:
        assert (404, "404 page not found: /other") == (answer.status, await answer.text())
    assert {"unknown_path": 1} == reasons(telemetry)


@pytest.mark.parametrize(("error", "status"), [(RetryableError("later", reason="r", retry_after=1.2), 503)])
async def test_errors_become_statuses(error, status):
    telemetry = RecordingTelemetry()
    async with serving(Echo(error), telemetry=telemetry) as server, request(server) as answer:
        assert (status, "later", "2") == (answer.status, await answer.text(), answer.headers["Retry-After"])
    assert {"r": 1} == reasons(telemetry)


@pytest.mark.parametrize("error", [KeyError("secret"), ConnectionRefusedError("secret"), TimeoutError("secret")])
async def test_nothing_of_an_unexpected_error_leaks(error):
    telemetry = RecordingTelemetry()
    async with serving(Echo(error), telemetry=telemetry) as server:
        assert (500, b"internal error") == await post(server)
    assert {"internal": 1} == reasons(telemetry)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("snappy", compressor("snappy")),
        ("x-snappy-framed", compressor("x-snappy-framed")),
        ("lz4", compressor("lz4")),
        ("identity", bytes),
    ],
)
async def test_bodies_are_inflated(encoding, compress):
    body = os.urandom(300_000)
    async with serving(Echo()) as server:
        assert (200, body) == await post(server, compress(body), headers={"Content-Encoding": encoding})


async def test_an_encoding_that_is_not_taken_is_refused():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry, compression_algorithms=["gzip"]) as server:
        status, text = await post(server, headers={"Content-Encoding": "snappy"})
        assert (415, b'unsupported Content-Encoding "snappy", supported: [gzip]') == (status, text)
        assert 415 == (await post(server))[0]
    assert {"unsupported_encoding": 2} == reasons(telemetry)


def test_an_encoding_that_nobody_knows_is_refused_with_the_configuration():
    with pytest.raises(ValidationError, match="'snappy', 'x-snappy-framed' or 'lz4'"):
        HttpServerConfig(endpoint="x:1", compression_algorithms=["br"])


@pytest.mark.parametrize("options", [{"idle_timeout": "1s"}, {"keep_alives_enabled": False}])
def test_the_old_and_the_new_way_to_write_keepalive_exclude_each_other(options):
    written = {"endpoint": "x:1", "keepalive": {"idle_timeout": "2s"}, **options}
    with pytest.raises(ValidationError, match="keep only keepalive"):
        HttpServerConfig.model_validate(written)
    written["keepalive"] = {"enabled": False}
    assert not HttpServerConfig.model_validate(written).reuses_connections


def test_keepalive_has_the_idle_timeout():
    written = {"endpoint": "x:1", "keepalive": {"idle_timeout": "2s"}}
    assert 2.0 == HttpServerConfig.model_validate(written).idle_limit
    assert 60.0 == HttpServerConfig.model_validate(written | {"keepalive": None}).idle_limit


def test_a_time_below_zero_is_no_limit():
    assert 0 == HttpServerConfig.model_validate({"endpoint": "x:1", "read_timeout": "-1s"}).read_timeout


@pytest.mark.parametrize("block", ["tls", "auth"])
def test_a_block_that_needs_options_is_absent_where_it_is_null(block):
    assert getattr(HttpServerConfig.model_validate({"endpoint": "x:1", block: None}), block) is None


async def test_middlewares_are_refused_at_the_start():
    with pytest.raises(StartError, match="there is no middleware extension yet: remove limits"):
        async with serving(Echo(), middlewares=[{"id": "limits"}]):
            pass


async def chunks(body, size=50_000):
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_limit_is_the_last_size_that_fits(chunked):
    async with serving(Echo(), max_request_body_size=200_000) as server:
        for size, status in ((200_000, 200), (200_001, 413)):
            body = bytes(size)
            assert status == (await post(server, chunks(body) if chunked else body))[0]


async def test_a_body_that_is_announced_too_large_is_not_read():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry, max_request_body_size=1000) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Content-Length: 100000000\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()
    assert {"too_large": 1} == reasons(telemetry)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
async def test_a_bomb_is_refused_by_its_inflated_size(compress):
    encoding = {gzip.compress: "gzip", zlib.compress: "zlib"}[compress]
    async with serving(Echo(), max_request_body_size=2**20) as server:
        assert 413 == (await post(server, compress(bytes(2**26)), headers={"Content-Encoding": encoding}))[0]


async def test_broken_compression_is_a_bad_request():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry) as server:
        assert 400 == (await post(server, b"plain", headers={"Content-Encoding": "gzip"}))[0]
    assert {"malformed": 1} == reasons(telemetry)


async def test_a_sender_who_waits_for_leave_gets_it_unless_refused():
    async with serving(Echo(), max_request_body_size=1000) as server:
        assert (200, b"hello") == await post(server, expect100=True)
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()


@pytest.mark.parametrize("encoding", ["", "gzip", "snappy"])
async def test_requests_beyond_the_memory_bound_are_told_to_try_again(encoding):
    handler = Echo()
    handler.released.clear()
    body = (compressor(encoding) or bytes)(bytes(2**20))
    async with serving(handler, max_in_flight_mib=1) as server, asyncio.TaskGroup() as group:
        first = group.create_task(post(server, body, headers={"Content-Encoding": encoding}))
        await handler.entered.wait()
        async with request(server, data=b"more") as answer:
            assert (503, "1") == (answer.status, answer.headers["Retry-After"])
        handler.released.set()
        assert (200, bytes(2**20)) == await first
        assert (200, b"now") == await post(server, b"now")


async def cut(server, clock, start, seconds):
    """Send the start of something and no more; return what comes back once the connection has ended."""
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(start)
    await writer.drain()
    await clock.wait_for_sleepers()
    # The server must have seen the bytes before time moves.
    assert 200 == (await post(server))[0]
    await clock.advance(seconds - 1)
    assert not reader.at_eof()
    assert 200 == (await post(server))[0]
    await clock.advance(2)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("start", [b"", b"POST /echo HTT", HEAD + b"Content-Length: 10\r\n"])
async def test_half_headers_are_given_up(start):
    clock, telemetry = ManualClock(), RecordingTelemetry()
    async with serving(Echo(), clock=clock, telemetry=telemetry, read_header_timeout="30s") as server:
        assert b"" == await cut(server, clock, start, 30)
    assert {"timeout": 1} == reasons(telemetry)


@pytest.mark.parametrize(("read_timeout", "seconds"), [("10s", 10), ("0s", 60)])
async def test_half_bodies_are_given_up(read_timeout, seconds):
    """Without a timeout in the configuration, a body may take any time as long as bytes keep coming."""
    clock, telemetry = ManualClock(), RecordingTelemetry()
    handler = Echo()
    async with serving(handler, clock=clock, telemetry=telemetry, read_timeout=read_timeout) as server:
        assert b"" == await cut(server, clock, HEAD + b"Content-Length: 10\r\n\r\nabc", seconds)
    assert {"timeout": 1, "disconnected": 1} == reasons(telemetry)


async def test_a_slow_body_is_taken_while_bytes_keep_coming():
    clock = ManualClock()
    async with serving(Echo(), clock=clock) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Content-Length: 3\r\n\r\n")
        for byte in (b"a", b"b", b"c"):
            await clock.advance(50)
            writer.write(byte)
            await post(server)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_sender_who_does_not_read_the_answer_is_cut():
    clock, telemetry = ManualClock(), RecordingTelemetry()
    body = bytes(2**24)
    async with serving(Echo(), clock=clock, telemetry=telemetry, write_timeout="5s") as server:
        reader, writer = await asyncio.open_connection(*server.address, limit=1)
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        while not reader._buffer:
            await settle()
        await clock.advance(7)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(len(body))
        writer.close()
    assert {"timeout": 1} == reasons(telemetry)


async def test_idle_connections_are_ended():
    async with serving(Echo(), idle_timeout="20ms") as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
        assert b"Content-Length: 0\r\n" in await reader.read()
        writer.close()


async def test_a_sender_who_leaves_is_counted():
    telemetry = RecordingTelemetry()
    handler = Echo()
    async with serving(handler, telemetry=telemetry) as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Content-Length: 10\r\n\r\nabc")
        await writer.drain()
        while not handler.requests:
            await settle()
        writer.close()
        await writer.wait_closed()
        assert 200 == (await post(server))[0]
    assert {"disconnected": 1} == reasons(telemetry)


@pytest.mark.parametrize(
    "noise", [os.urandom(2000), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"A" * 20_000]
)
async def test_what_is_not_http_is_counted_and_harms_nobody(noise):
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(noise + b"\r\n\r\n")
        assert b" 400 Bad Request\r\n" in await reader.read()
        writer.close()
        assert 200 == (await post(server))[0]
    assert {"malformed_http": 1} == reasons(telemetry)


async def test_a_broken_chunk_is_a_bad_request():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry=telemetry) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel")
        await writer.drain()
        writer.write(b"loZZZ\r\n\r\n")
        assert (await reader.readline()).endswith(b" 400 Bad Request\r\n")
        writer.close()


async def test_browsers_are_answered():
    asked = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "POST"}
    cors = {"allowed_origins": ["https://*.example.com"]}
    async with serving(Echo(), cors=cors) as server:
        async with request(server, "OPTIONS", headers=asked) as answer:
            assert (204, "POST") == (answer.status, answer.headers["Access-Control-Allow-Methods"])
        async with request(server, headers={"Origin": "https://a.example.com"}) as answer:
            assert "https://a.example.com" == answer.headers["Access-Control-Allow-Origin"]


class Doorman(Idle):
    async def authenticate(self, headers):
        if ("secret",) not in (headers.get("authorization"), headers.get("token")):
            raise PermanentError("who are you?", reason="unauthenticated", code=StatusCode.UNAUTHENTICATED)


async def test_the_authenticator_decides_before_the_body_is_read():
    host = FakeHost({ComponentId("doorman"): Doorman()})
    auth = {"authenticator": "doorman", "request_params": ["token"]}
    handler = Echo()
    telemetry = RecordingTelemetry()
    async with serving(handler, telemetry=telemetry, host=host, auth=auth) as server:
        assert 200 == (await post(server, headers={"Authorization": "secret"}))[0]
        async with request(server, path="/echo?token=secret") as answer:
            assert 200 == answer.status
        assert (401, b"who are you?") == await post(server)
    assert 2 == len(handler.requests)
    assert {"unauthenticated": 1} == reasons(telemetry)


async def test_tls(certificates):
    client = client_context(TlsClientConfig.model_validate({"ca_file": str(certificates.ca)}))
    async with serving(Echo(), tls=certificates.server_files) as server:
        reader, writer = await asyncio.open_connection("localhost", server.address[1], ssl=client)
        writer.write(HEAD + b"Content-Length: 5\r\n\r\nhello")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert (await reader.readuntil(b"hello")).endswith(b"\r\n\r\nhello")
        writer.close()
        await writer.wait_closed()


async def test_unix_sockets(tmp_path):
    path = str(tmp_path / "http.sock")
    handler = Echo()
    async with (
        serving(handler, endpoint=path, transport="unix"),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session,
        session.post("http://localhost/echo", data=b"hello") as answer,
    ):
        assert b"hello" == await answer.read()
    assert "" == handler.requests[0].client.address


async def test_a_taken_port_is_a_start_error():
    async with serving(Echo()) as first:
        with pytest.raises(StartError, match=r"endpoint: cannot listen on 127\.0\.0\.1:.*in use"):
            async with serving(Echo(), endpoint="{}:{}".format(*first.address)):
                pass


async def test_a_running_request_is_answered_at_shutdown_and_a_new_one_is_not_taken():
    handler = Echo()
    handler.released.clear()
    async with serving(handler) as server, asyncio.TaskGroup() as group:
        running = group.create_task(post(server, b"last"))
        await handler.entered.wait()
        stopping = group.create_task(server.shutdown())
        await asyncio.sleep(0)
        with pytest.raises(aiohttp.ClientConnectorError):
            await post(server)
        handler.released.set()
        assert (200, b"last") == await running
        await stopping


async def test_shutdown_does_not_wait_for_ever():
    handler = Echo()
    handler.released.clear()
    clock = ManualClock()

    async def disconnected():
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await post(server)

    async with serving(handler, clock=clock) as server, asyncio.TaskGroup() as group:
        stuck = group.create_task(disconnected())
        await handler.entered.wait()
        stopping = group.create_task(server.shutdown())
        await clock.wait_for_sleepers(2)
        await clock.advance(GRACE - 1)
        assert not stopping.done()
        await clock.advance(1)
        await stopping
        await stuck


async def test_shutdown_is_safe_twice_and_without_start():
    server = HttpServer(HttpServerConfig(endpoint="127.0.0.1:0"), {}, make_settings("otlp"))
    await server.shutdown()
    await server.start(FakeHost())
    await server.shutdown()
    await server.shutdown()
