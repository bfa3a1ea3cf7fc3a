"""Ways to a server: names, TLS, Unix sockets and proxies, with our own server at the end of each."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
import structlog

from collector.api import RetryableError, StartError, TaskOwner
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.http2 import GrpcServer
from collector.net.http2.dialing import Dialer, Target
from collector.net.server_config import GrpcServerConfig
from collector.testing import FakeHost, ManualClock, make_settings

METHOD = "/test.Service/Echo"


class Echo:
    def __init__(self):
        self.clients = []

    def admit(self):
        pass

    async def handle(self, request, client):
        self.clients.append(client)
        return request


@asynccontextmanager
async def serving(**options):
    """Run a server; yield its port and its method."""
    method = Echo()
    config = GrpcServerConfig.model_validate({"endpoint": "127.0.0.1:0", "include_metadata": True} | options)
    server = GrpcServer(config, {METHOD: method}, make_settings("otlp"))
    await server.start(FakeHost())
    try:
        yield server.address.port, method
    finally:
        await server.shutdown()


@asynccontextmanager
async def connected(endpoint, clock=None, **options):
    client = GrpcClient(
        GrpcClientConfig.model_validate({"endpoint": endpoint} | options), make_settings("otlp_grpc", clock=clock)
    )
    await client.start(FakeHost())
    try:
        yield client
    finally:
        await client.close()


async def ask(endpoint, **options):
    async with connected(endpoint, **options) as client:
        return await client.call(METHOD, b"hello")


@pytest.mark.parametrize(
    ("endpoint", "target", "authority"),
    [
        ("localhost:4317", Target("localhost", 4317), "localhost:4317"),
        (":4317", Target("localhost", 4317), "localhost:4317"),
        ("[::1]:4317", Target("::1", 4317), "[::1]:4317"),
        ("https://example.com:4317", Target("example.com", 4317), "example.com:4317"),
        ("dns:///example.com:4317", Target("example.com", 4317), "example.com:4317"),
        ("passthrough:///10.0.0.1:4317", Target("10.0.0.1", 4317), "10.0.0.1:4317"),
        ("unix:///run/otlp.sock", Target("localhost", 0, "/run/otlp.sock"), "localhost"),
        ("unix:otlp.sock", Target("localhost", 0, "otlp.sock"), "localhost"),
        ("unix:/run/otlp.sock", Target("localhost", 0, "/run/otlp.sock"), "localhost"),
    ],
)
def test_targets(endpoint, target, authority):
    found = Target.parse(endpoint)
    assert (target, authority) == (found, found.authority)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("dns://10.0.0.1/example.com:4317", "only `client: grpcio` can ask the DNS server 10.0.0.1"),
        ("localhost:99999", "is not an endpoint"),
    ],
)
def test_targets_that_cannot_be(endpoint, message):
    with pytest.raises(StartError, match=message):
        Target.parse(endpoint)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "localhost:{port}"),
        ({"authority": "other.example.com"}, "other.example.com"),
        ({"tls": {"server_name_override": "localhost"}}, "localhost"),
        ({"tls": {"server_name_override": "localhost"}, "authority": "other"}, "other"),
    ],
)
async def test_the_authority(certificates, options, expected):
    """It is what the configuration says, or the name that the certificate must have, or the endpoint."""
    tls = {"ca_file": str(certificates.ca)} | options.pop("tls", {"server_name_override": ""})
    if options.get("authority") == "other.example.com":
        tls |= {"insecure_skip_verify": True}
    async with serving(tls=certificates.server_files) as (port, method):
        assert b"hello" == await ask(f"localhost:{port}", tls=tls, **options)
        assert (expected.format(port=port),) == method.clients[0].metadata[":authority"]


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ({}, {}),
        ({}, {"min_version": "1.3"}),
        ({}, {"max_version": "1.2"}),
        ({"max_version": "1.2"}, {}),
        ({}, {"max_version": "1.2", "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]}),
        ({}, {"curve_preferences": ["P384"]}),
        ({}, {"insecure_skip_verify": True, "ca_file": ""}),
        ({}, {"insecure_skip_verify": True, "ca_file": "", "server_name_override": "anything.example.com"}),
    ],
    ids=str,
)
async def test_tls(certificates, server, client):
    async with serving(tls=certificates.server_files | server) as (port, _):
        assert b"hello" == await ask(f"localhost:{port}", tls={"ca_file": str(certificates.ca)} | client)


@pytest.mark.parametrize(
    ("server", "client", "message"),
    [
        ({"max_version": "1.2"}, {"min_version": "1.3"}, "protocol|version|hung up"),
        ({"min_version": "1.3"}, {"max_version": "1.2"}, "protocol|version|hung up"),
        ({}, {"ca_file": None}, r"tls\.ca_file"),
        ({}, {"server_name_override": "other.example.com"}, r"tls\.server_name_override"),
        ({"client_ca_file": "ca"}, {}, "a client certificate"),
        (None, {}, r"set tls\.insecure: true"),
        ({}, {"insecure": True, "ca_file": ""}, "does it expect TLS"),
    ],
    ids=str,
)
async def test_tls_that_fails(certificates, server, client, message):
    """The error says what to change, and one may try again: certificates change."""
    tls = {"ca_file": str(certificates.ca)} | client
    if tls["ca_file"] is None:
        tls["ca_file"] = str(certificates.other_ca)
    if server is not None:
        server = certificates.server_files | server
        if "client_ca_file" in server:
            server["client_ca_file"] = str(certificates.ca)
    async with serving(tls=server) as (port, _):
        with pytest.raises(RetryableError, match=f"UNAVAILABLE: .*{message}"):
            await ask(f"localhost:{port}", tls=tls)


async def test_a_server_of_http_1_behind_tls(certificates):
    """It does not agree on HTTP/2, and that is said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)

    async def serve(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RetryableError, match=r"HTTP/2 \(ALPN h2\).*speaks HTTP/1 only"):
            await ask(f"localhost:{port}", tls={"ca_file": str(certificates.ca)})


async def test_mutual_tls_with_certificates_that_change(certificates, authority):
    """New connections use what the files hold by then."""
    certificate, key = authority.issue("sender")
    tls = {
        "ca_file": str(certificates.ca),
        "cert_file": str(certificate),
        "key_file": str(key),
        "reload_interval": "1m",
    }
    clock = ManualClock()
    server = certificates.server_files | {"client_ca_file": str(certificates.ca)}
    async with serving(tls=server) as (port, _), connected(f"localhost:{port}", clock, tls=tls) as client:
        with pytest.raises(RetryableError):
            await client.call(METHOD, b"hello")
        certificate.write_bytes(certificates.client.read_bytes())
        key.write_bytes(certificates.client_key.read_bytes())
        await clock.advance(6)
        with pytest.raises(RetryableError):
            await client.call(METHOD, b"hello")
        await clock.advance(60)
        assert b"hello" == await client.call(METHOD, b"hello")


async def test_large_messages_through_tls(certificates):
    message = bytes(range(256)) * 16_000
    async with serving(tls=certificates.server_files, max_recv_msg_size_mib=64) as (port, _):
        tls = {"ca_file": str(certificates.ca)}
        async with connected(f"localhost:{port}", tls=tls, compression="none") as client:
            assert [message] * 3 == await asyncio.gather(*(client.call(METHOD, message) for _ in range(3)))


async def test_a_unix_socket(tmp_path):
    path = tmp_path / "otlp.sock"
    async with serving(endpoint=str(path), transport="unix") as (_, method):
        assert b"hello" == await ask(f"unix://{path}", tls={"insecure": True})
        assert ("localhost",) == method.clients[0].metadata[":authority"]
    with pytest.raises(RetryableError, match=rf"cannot connect to {path}"):
        await ask(f"unix://{path}", tls={"insecure": True})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "example.com"),
        ({"authority": "a.example.com:443"}, "a.example.com"),
        ({"authority": "[::1]:443"}, "::1"),
        ({"authority": "a.example.com", "tls": {"server_name_override": "b.example.com"}}, "b.example.com"),
    ],
)
def test_the_name_that_a_certificate_must_have(options, name):
    config = GrpcClientConfig.model_validate({"endpoint": "example.com:4317"} | options)
    assert name == Dialer(config, make_settings("otlp_grpc"))._server_name


# Proxies


class Proxy:
    """Joins whoever asks to one port, wherever they want to go; or says something else."""

    def __init__(self, port, answer=b"HTTP/1.1 200 Connection established\r\n\r\n", *, waits=False):
        self.requests = []
        self._port = port
        self._answer = answer
        self._waits = waits
        self._tasks = TaskOwner("proxy", structlog.get_logger())

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://me:secret@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._tasks.cancel()

    async def _serve(self, reader, writer):
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if not self._answer.startswith(b"HTTP/1.1 200"):
            writer.write(self._answer)
            writer.close()
            return
        backend_reader, backend_writer = await asyncio.open_connection("127.0.0.1", self._port)
        # A gRPC server may speak first, and its words come together with the proxy's.
        first = await backend_reader.read(1000) if self._waits else b""
        writer.write(self._answer + first)
        self._tasks.start("there", _pass(reader, backend_writer))
        self._tasks.start("back", _pass(backend_reader, writer))


async def _pass(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
    finally:
        writer.close()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY"])
async def test_a_proxy(monkeypatch, variable):
    """It is asked for a tunnel to the name, which it has to know itself."""
    async with serving() as (port, method), Proxy(port) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        assert b"hello" == await ask("backend.example:4317", tls={"insecure": True})
        [request] = proxy.requests
        assert request.startswith("CONNECT backend.example:4317 HTTP/1.1\r\nHost: backend.example:4317\r\n")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in request
        assert ("backend.example:4317",) == method.clients[0].metadata[":authority"]


async def test_tls_through_a_proxy(monkeypatch, certificates):
    async with serving(tls=certificates.server_files) as (port, _), Proxy(port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        tls = {"ca_file": str(certificates.ca)}
        with pytest.raises(RetryableError, match=r"tls\.server_name_override"):
            await ask("backend.example:4317", tls=tls)
        assert b"hello" == await ask("backend.example:4317", tls=tls | {"server_name_override": "localhost"})


async def test_a_server_that_speaks_first(monkeypatch):
    """What it says may come with the proxy's answer."""

    async def serve(reader, writer):
        writer.write(b"HTTP/1.1 505 no\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1], waits=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(RetryableError, match=r"it answered 'HTTP/1\.1 505 no'"):
            await ask("backend.example:4317", tls={"insecure": True})


async def test_no_proxy(monkeypatch):
    async with serving() as (port, _), Proxy(port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert b"hello" == await ask(f"127.0.0.1:{port}", tls={"insecure": True})
        assert [] == proxy.requests


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refuses a tunnel: HTTP/1.1 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "refuses a tunnel: HTTP/1.1 502"),
        (b"", "ended the connection"),
        (b"x" * 20_000, "talks too much"),
    ],
)
async def test_proxies_that_do_not_want(monkeypatch, answer, message):
    """The error names the proxy, and not the password."""
    async with Proxy(1, answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(RetryableError, match=f"the proxy 127.0.0.1:.*{message}") as caught:
            await ask("backend.example:4317", tls={"insecure": True})
    assert "secret" not in str(caught.value)
