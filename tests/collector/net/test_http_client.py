import asyncio
import ssl
from types import SimpleNamespace

import pytest
from aiohttp import web
from pydantic import ValidationError

from collector.api import ComponentId, Idle, RetryableError, StartError
from collector.data import Client
from collector.net.compression import inflate
from collector.net.http_client import MAX_ANSWER, HttpClient, proxy_of, shown
from collector.net.http_client_config import HttpClientConfig
from collector.testing import FakeHost

TYPE = "application/x-protobuf"


@pytest.fixture
async def serve():
    """Return a function that starts a server; `handler` makes the answer to a request."""
    runners = []

    async def start(handler=None, ssl_context=None):
        seen = []

        async def answer(request):
            peer = request.transport.get_extra_info("peername")
            seen.append(
                SimpleNamespace(body=await request.read(), headers=request.headers, path=request.path_qs, peer=peer)
            )
            return web.Response(body=b"answer") if handler is None else await handler(request)

        # web.Server neither inflates nor routes: tests see what came.
        runner = web.ServerRunner(web.Server(answer, auto_decompress=False))
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        port = runner.addresses[0][1]
        return SimpleNamespace(url=f"http{'s' if ssl_context else ''}://127.0.0.1:{port}", port=port, seen=seen)

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def connect():
    """Return a function that starts a client."""
    clients = []

    async def start(config=None, host=None):
        client = HttpClient(HttpClientConfig.model_validate(config or {}))
        clients.append(client)
        await client.start(host or FakeHost())
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
def server_context(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    return context


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"endpoint": "localhost"}, "must be a valid URL"),
        ({"endpoint": "http://"}, "must be a valid URL"),
        ({"endpoint": "http://host:port"}, "must be a valid URL"),
        ({"endpoint": "ftp://host"}, "must be a valid URL"),
        ({"proxy_url": "proxy"}, "must be a valid URL"),
        ({"compression": "brotli"}, "'gzip', 'deflate', 'zlib', 'zstd'"),
        ({"keepalive": {}, "idle_conn_timeout": "1s"}, "keep only keepalive"),
        ({"compression": "gzip", "compression_params": {"level": 10}}, "level 10 is not one of gzip"),
        ({"compression": "none", "compression_params": {"level": 1}}, "has no level"),
        ({"idle_conn_timeout": "-1s"}, "greater than or equal to 0"),
    ],
)
def test_bad_options(config, message):
    """What this client cannot do is said when the configuration is read."""
    with pytest.raises(ValidationError, match=message):
        HttpClientConfig.model_validate(config)


def test_every_key_of_the_go_collector_is_known():
    """Those that change nothing here are accepted too."""
    keys = (
        "endpoint proxy_url tls read_buffer_size write_buffer_size headers auth compression compression_params "
        "max_idle_conns max_idle_conns_per_host max_conns_per_host idle_conn_timeout disable_keep_alives "
        "http2_read_idle_timeout http2_ping_timeout cookies force_attempt_http2 middlewares keepalive"
    )

    assert set(keys.split()) == HttpClientConfig.model_fields.keys()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://user:password@backend:4318/v1/traces?token=secret", "http://backend:4318/v1/traces"),
        ("https://backend/a@b?c=//d@e/", "https://backend/a@b"),
        ("/elsewhere?token=secret", "/elsewhere"),
        ("", ""),
    ],
)
def test_shown_urls_keep_secrets(url, expected):
    """User, password and query do not get into logs."""
    assert expected == shown(url)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 90.0),
        ({"idle_conn_timeout": "5s"}, 5.0),
        ({"disable_keep_alives": True}, None),
        ({"keepalive": {"idle_conn_timeout": "5s"}}, 5.0),
        ({"keepalive": {"enabled": False}}, None),
    ],
)
def test_how_long_idle_connections_are_kept(options, limit):
    """The old way to write it and the new one."""
    assert limit == HttpClientConfig.model_validate(options).idle_limit


@pytest.mark.parametrize("compression", ["gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4"])
@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_compression(serve, connect, compression, size):
    """Bodies are compressed, large ones beside the event loop."""
    server = await serve()
    client = await connect({"compression": compression})
    answer = await client.post(f"{server.url}/v1/traces", b"a" * size, TYPE)

    [seen] = server.seen
    assert (200, b"answer") == (answer.status, answer.body)
    assert (compression, TYPE, "/v1/traces") == (
        seen.headers["Content-Encoding"],
        seen.headers["Content-Type"],
        seen.path,
    )
    assert b"a" * size == inflate(compression, seen.body, size + 100)


async def test_no_compression(serve, connect):
    """The body is sent as it is."""
    server = await serve()
    await (await connect({"compression": "none"})).post(server.url, b"body", TYPE)

    assert b"body" == server.seen[0].body
    assert "Content-Encoding" not in server.seen[0].headers


async def test_headers(serve, connect):
    """The configured headers are sent, and win over the client's own."""
    server = await serve()
    client = await connect({"headers": {"api-key": "secret", "User-Agent": "mine"}})
    await client.post(server.url, b"", TYPE)

    assert ("secret", "mine") == (server.seen[0].headers["api-key"], server.seen[0].headers["User-Agent"])
    assert "secret" not in repr(client)


async def test_user_agent(serve, connect):
    """Backends can tell who sends."""
    server = await serve()
    await (await connect()).post(server.url, b"", TYPE)

    assert server.seen[0].headers["User-Agent"].startswith("spanmill/")


async def test_an_extension_signs_requests(serve, connect):
    """Its headers come on top, and it learns who sent the data."""

    class Signer(Idle):
        async def request_headers(self, client):
            return {"Authorization": f"Bearer {client.address}"}

    server = await serve()
    client = await connect({"auth": {"authenticator": "signer"}}, FakeHost({ComponentId("signer"): Signer()}))
    await client.post(server.url, b"", TYPE, Client("10.0.0.1"))

    assert "Bearer 10.0.0.1" == server.seen[0].headers["Authorization"]


async def test_connections_are_kept(serve, connect):
    """Requests follow each other on one connection, unless keep-alive is off."""
    server = await serve()
    for disable in (False, True):
        client = await connect({"disable_keep_alives": disable})
        for _ in range(2):
            await client.post(server.url, b"", TYPE)

    first, second, third, fourth = (seen.peer for seen in server.seen)
    assert first == second
    assert third != fourth


async def test_so_many_connections_at_most(serve, connect):
    """max_conns_per_host bounds what is open to a server at the same time."""
    held, two, released = [], asyncio.Event(), asyncio.Event()

    async def handle(request):
        if request.path == "/held":
            held.append(request)
            if len(held) == 2:
                two.set()
            await released.wait()
        return web.Response()

    server = await serve(handle)
    client, other = await connect({"max_conns_per_host": 2}), await connect()
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(client.post(f"{server.url}/held", b"", TYPE))
        await two.wait()
        # By the time that another client has its answer, whatever was on its way to the server is there, too.
        await other.post(server.url, b"", TYPE)
        at_once = len(held)
        released.set()

    assert (2, 8) == (at_once, len(held))


@pytest.mark.parametrize("enabled", [True, False])
async def test_cookies(serve, connect, enabled):
    """Cookies are sent back only where asked for."""

    async def handle(_request):
        response = web.Response()
        response.set_cookie("session", "one")
        return response

    server = await serve(handle)
    client = await connect({"cookies": {"enabled": enabled}})
    for _ in range(2):
        await client.post(server.url, b"", TYPE)

    assert enabled == ("session=one" in server.seen[1].headers.get("Cookie", ""))


async def test_redirects_are_not_followed(serve, connect):
    """Data and credentials go to the host that the operator named, and to no other."""

    async def handle(_request):
        raise web.HTTPPermanentRedirect("/elsewhere")

    server = await serve(handle)
    answer = await (await connect()).post(server.url, b"", TYPE)

    assert (308, "/elsewhere", 1) == (answer.status, answer.headers["Location"], len(server.seen))


@pytest.mark.parametrize(("size", "read"), [(MAX_ANSWER, True), (MAX_ANSWER + 1, False), (50_000_000, False)])
async def test_long_answers_are_not_read(serve, connect, size, read):
    """What a server sends beyond the limit is left where it is."""

    async def handle(_request):
        return web.Response(body=bytes(size))

    server = await serve(handle)
    answer = await (await connect()).post(server.url, b"", TYPE)

    assert (bytes(size) if read else None) == answer.body


async def test_a_proxy(serve, connect):
    """A configured proxy gets the request."""
    proxy = await serve()
    await (await connect({"proxy_url": proxy.url})).post("http://backend.invalid:4318/v1/traces", b"", TYPE)

    assert "backend.invalid:4318" == proxy.seen[0].headers["Host"]


def test_proxies_of_the_environment(monkeypatch):
    """HTTP_PROXY and NO_PROXY count, as for the Go collector."""
    monkeypatch.setenv("http_proxy", "http://proxy:8080")
    monkeypatch.setenv("no_proxy", "localhost,.internal")

    assert "http://proxy:8080" == proxy_of("http://backend:4318")
    assert proxy_of("http://localhost:4318") is None
    assert proxy_of("http://one.internal:4318") is None
    monkeypatch.delenv("http_proxy")
    assert proxy_of("http://backend:4318") is None


async def test_tls(serve, connect, certificates, server_context):
    """The server's certificate is verified."""
    server = await serve(ssl_context=server_context)
    trusting = await connect({"tls": {"ca_file": str(certificates.ca)}})
    assert 200 == (await trusting.post(server.url, b"", TYPE)).status
    stranger = await connect({"tls": {"ca_file": str(certificates.other_ca)}})

    with pytest.raises(RetryableError, match=r"is not trusted: give its authority in tls\.ca_file") as failure:
        await stranger.post(server.url, b"", TYPE)
    assert "tls" == failure.value.reason


async def test_unverified_tls(serve, connect, server_context):
    """insecure_skip_verify takes any certificate."""
    server = await serve(ssl_context=server_context)
    client = await connect({"tls": {"insecure_skip_verify": True}})

    assert 200 == (await client.post(server.url, b"", TYPE)).status


async def test_another_server_name(serve, connect, certificates, server_context):
    """The name that the certificate must have can be given."""
    server = await serve(ssl_context=server_context)
    tls = {"ca_file": str(certificates.ca)}
    wrong = await connect({"tls": {**tls, "server_name_override": "elsewhere.example.com"}})
    with pytest.raises(RetryableError, match=r"tls\.server_name_override"):
        await wrong.post(server.url, b"", TYPE)
    right = await connect({"tls": {**tls, "server_name_override": "localhost"}})

    assert 200 == (await right.post(server.url, b"", TYPE)).status


async def test_mutual_tls(serve, connect, certificates, server_context):
    """A server that asks for a certificate gets the client's."""
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.load_verify_locations(certificates.ca)
    server = await serve(ssl_context=server_context)
    client = await connect({"tls": certificates.client_files})
    assert 200 == (await client.post(server.url, b"", TYPE)).status
    anonymous = await connect({"tls": {"ca_file": str(certificates.ca)}})

    with pytest.raises(RetryableError, match="client certificate"):
        await anonymous.post(server.url, b"", TYPE)


async def test_tls_to_a_server_without(serve, connect):
    """The error says that the server does not speak TLS."""
    server = await serve()
    client = await connect()

    with pytest.raises(RetryableError, match="does not speak TLS") as failure:
        await client.post(server.url.replace("http://", "https://"), b"", TYPE)
    assert "tls" == failure.value.reason


async def test_nobody_listens(connect):
    """The error names the endpoint and what to look at."""
    client = await connect()

    with pytest.raises(RetryableError, match=r"^http://127\.0\.0\.1:1/v1/traces: .*nothing listens there") as failure:
        await client.post("http://127.0.0.1:1/v1/traces", b"", TYPE)
    assert "connection" == failure.value.reason


async def test_a_server_of_another_protocol(connect):
    """What it answered is not repeated, for it is no text."""

    async def handle(reader, writer):
        await reader.read(1)
        writer.write(b"\x00\x00\x18\x04\x00\x00\x00\x00\x00")
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await connect()
        with pytest.raises(RetryableError, match="does not speak HTTP/1") as failure:
            await client.post(f"http://127.0.0.1:{port}", b"", TYPE)
    assert "x18" not in str(failure.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"auth": {"authenticator": "nop"}}, 'no extension "nop" runs'),
        ({"middlewares": [{"id": "limiter"}]}, "remove limiter"),
        ({"headers": {"api-key": "s\ncret"}}, '"api-key" or its value'),
        ({"tls": {"ca_file": "/does/not/exist"}}, "ca_file: cannot read /does/not/exist"),
    ],
)
async def test_what_cannot_start(connect, config, message):
    """What is wrong is said at the start, without showing a secret."""
    with pytest.raises(StartError, match=message) as failure:
        await connect(config)
    assert "cret" not in str(failure.value)


async def test_closing_twice_and_without_start(connect):
    """Both are safe; a closed client does not post."""
    await HttpClient(HttpClientConfig()).close()
    client = await connect({"endpoint": "http://user:password@backend:4318"})
    await client.close()
    await client.close()

    with pytest.raises(RuntimeError, match="not running"):
        await client.post("http://127.0.0.1:1", b"", TYPE)
    assert "HttpClient(http://backend:4318)" == repr(client)
