"""The gRPC clients, grpcio's and our own, on real sockets, with grpcio's server: whatever one does, the other does."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import grpc
import pytest
import structlog
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from collector.api import ComponentId, Idle, PermanentError, RetryableError, StartError, StatusCode, TaskOwner
from collector.data import Client
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig, target_of
from collector.net.http2 import GrpcServer
from collector.net.server_config import GrpcServerConfig
from collector.testing import FakeHost, make_settings
from collector.testing.clock import settle

METHOD = "/test.Service/Call"
DOWN = {"endpoint": "127.0.0.1:1", "tls": {"insecure": True}}


@pytest.fixture
async def serve():
    """Return a function that starts a server; `handler` makes the answer of a request and its context."""
    servers = []

    async def start(handler=None, credentials=None, address="127.0.0.1:0", options=()):
        seen = []

        async def call(request, context):
            seen.append(SimpleNamespace(request=request, metadata=dict(context.invocation_metadata())))
            return b"answer" if handler is None else await handler(request, context)

        server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1), *options])
        handlers = {"Call": grpc.unary_unary_rpc_method_handler(call)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
        port = (
            server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
        )
        await server.start()
        servers.append(server)
        return SimpleNamespace(port=port, endpoint=f"127.0.0.1:{port}", seen=seen)

    yield start
    for server in servers:
        await server.stop(None)


@pytest.fixture(params=["native", "grpcio"])
def kind(request):
    """Choose what sends."""
    return request.param


@pytest.fixture
async def connect(kind):
    """Return a function that starts a client."""
    clients = []

    async def start(config, host=None):
        client = GrpcClient(GrpcClientConfig.model_validate({"client": kind, **config}), make_settings("otlp_grpc"))
        clients.append(client)
        await client.start(host or FakeHost())
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("localhost:4317", "localhost:4317"),
        (":4317", "localhost:4317"),
        ("[::1]:4317", "[::1]:4317"),
        ("http://localhost:4317", "localhost:4317"),
        ("https://localhost:4317", "localhost:4317"),
        ("dns:///localhost:4317", "dns:///localhost:4317"),
        ("dns://10.0.0.1/localhost:4317", "dns://10.0.0.1/localhost:4317"),
        ("passthrough:///localhost:4317", "localhost:4317"),
        ("unix:///run/otlp.sock", "unix:///run/otlp.sock"),
        ("unix:otlp.sock", "unix:otlp.sock"),
        ("", ""),
    ],
)
def test_targets(endpoint, target):
    """Endpoints are written as for the Go collector; gRPC gets what it understands."""
    assert target == target_of(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("localhost", "missing port in address"),
        ("[::1]", "missing port in address"),
        ("http://", 'requires a non-empty "endpoint"'),
        ("localhost:http", 'invalid port "http"'),
        ("http://localhost:4317/v1", 'invalid port "4317/v1"'),
        ("unix://", "unix socket path cannot be empty"),
        ("unix:", "unix socket path cannot be empty"),
    ],
)
def test_endpoints_that_are_none(endpoint, message):
    """The configuration is refused, with what to write instead."""
    with pytest.raises(ValidationError, match=message):
        GrpcClientConfig(endpoint=endpoint)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"compression": "gunzip"}, "'gzip', 'snappy', 'zstd', 'none' or ''"),
        ({"balancer_name": "random"}, "'round_robin', 'pick_first' or ''"),
        ({"write_buffer_size": -1}, "greater than or equal to 0"),
    ],
)
def test_bad_options(config, message):
    """What this client cannot do is said when the configuration is read."""
    with pytest.raises(ValidationError, match=message):
        GrpcClientConfig.model_validate(config)


def test_https_overrules_insecure():
    """A URL that asks for TLS gets it; http:// alone does not turn it off."""
    assert not GrpcClientConfig.model_validate(
        {"endpoint": "https://a:1", "tls": {"insecure": True}}
    ).client_tls.plaintext
    assert not GrpcClientConfig(endpoint="http://a:1").client_tls.plaintext
    assert GrpcClientConfig.model_validate({"endpoint": "a:1", "tls": {"insecure": True}}).client_tls.plaintext


async def test_bytes_there_and_back(serve, connect):
    """A request and its answer are bytes, with the headers as metadata in lower case."""
    server = await serve()
    headers = {"X-Scope": "one", "token-bin": "raw"}
    client = await connect(
        {"endpoint": server.endpoint, "tls": {"insecure": True}, "headers": headers, "user_agent": "mine"}
    )

    assert b"answer" == await client.call(METHOD, b"request")
    [seen] = server.seen
    assert (b"request", "one", b"raw") == (seen.request, seen.metadata["x-scope"], seen.metadata["token-bin"])
    assert seen.metadata["user-agent"].startswith("mine spanmill/")


async def test_requests_of_any_size(serve, connect):
    """What is sent is not held to the usual limit of 4 MiB."""
    server = await serve()
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}, "compression": "none"})
    await client.call(METHOD, bytes(6_000_000))

    assert 6_000_000 == len(server.seen[0].request)


async def test_every_option_reaches_a_server(serve, connect):
    """A channel with all options set works."""
    server = await serve()
    client = await connect(
        {
            "endpoint": f"dns:///localhost:{server.port}",
            "tls": {"insecure": True},
            "keepalive": {"time": "20s", "timeout": "30s", "permit_without_stream": True},
            "balancer_name": "pick_first",
            "authority": "otlp.example.com",
            "wait_for_ready": True,
            "write_buffer_size": 0,
        }
    )

    assert b"answer" == await client.call(METHOD, b"request")


class Relay:
    """Passes connections on to a port, and counts what goes there."""

    def __init__(self, to, begin):
        self.passed = 0
        self._to = to
        self._begin = begin
        self._ended = set()

    async def __call__(self, reader, writer):
        ended = asyncio.get_running_loop().create_future()
        self._ended.add(ended)
        try:
            if self._begin is not None:
                await self._begin(reader, writer)
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._copy(reader, back, counts=True), self._copy(there, writer))
        finally:
            ended.set_result(None)

    async def _copy(self, reader, writer, *, counts=False):
        while data := await reader.read(65536):
            self.passed += len(data) * counts
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    async def end(self):
        """Return when every connection has ended, as those do whose client has closed them."""
        await asyncio.gather(*self._ended)


@asynccontextmanager
async def relaying(to, begin=None):
    relay = Relay(to, begin)
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        relay.port = listener.sockets[0].getsockname()[1]
        yield relay
        await relay.end()


@pytest.mark.parametrize("compression", ["gzip", "none", ""])
async def test_compression(serve, connect, compression):
    """What goes over the wire is small with gzip, and whole without."""
    server = await serve()
    async with relaying(server.port) as relay:
        client = await connect(
            {"endpoint": f"127.0.0.1:{relay.port}", "tls": {"insecure": True}, "compression": compression}
        )
        await client.call(METHOD, b"a" * 100_000)
        await client.close()

    assert b"a" * 100_000 == server.seen[0].request
    assert (relay.passed < 10_000) == (compression == "gzip")


async def test_unix_socket(serve, connect, tmp_path):
    """A server on the same machine can be reached by a path."""
    endpoint = f"unix://{tmp_path}/otlp.sock"
    await serve(address=endpoint)
    client = await connect({"endpoint": endpoint, "tls": {"insecure": True}})

    assert b"answer" == await client.call(METHOD, b"request")


async def test_tls(serve, connect, certificates):
    """TLS is on by default, and the server's certificate verified."""
    pair = (certificates.server_key.read_bytes(), certificates.server.read_bytes())
    server = await serve(credentials=grpc.ssl_server_credentials([pair]))
    client = await connect({"endpoint": server.endpoint, "tls": {"ca_file": str(certificates.ca)}})
    assert b"answer" == await client.call(METHOD, b"request")
    stranger = await connect({"endpoint": server.endpoint, "tls": {"ca_file": str(certificates.other_ca)}})

    with pytest.raises(RetryableError, match=r"tls\.ca_file"):
        await stranger.call(METHOD, b"request")


async def test_another_server_name(serve, connect, certificates):
    """The name that the certificate must have can be given."""
    pair = (certificates.server_key.read_bytes(), certificates.server.read_bytes())
    server = await serve(credentials=grpc.ssl_server_credentials([pair]))
    tls = {"ca_file": str(certificates.ca), "server_name_override": "elsewhere.example.com"}
    client = await connect({"endpoint": server.endpoint, "tls": tls})
    with pytest.raises(RetryableError, match=r"tls\.server_name_override"):
        await client.call(METHOD, b"request")
    right = await connect({"endpoint": server.endpoint, "tls": {**tls, "server_name_override": "localhost"}})

    assert b"answer" == await right.call(METHOD, b"request")


async def test_mutual_tls(serve, connect, certificates):
    """A server that asks for a certificate gets the client's."""
    pair = (certificates.server_key.read_bytes(), certificates.server.read_bytes())
    server = await serve(
        credentials=grpc.ssl_server_credentials([pair], certificates.ca.read_bytes(), require_client_auth=True)
    )
    client = await connect({"endpoint": server.endpoint, "tls": certificates.client_files})
    assert b"answer" == await client.call(METHOD, b"request")
    anonymous = await connect({"endpoint": server.endpoint, "tls": {"ca_file": str(certificates.ca)}})

    with pytest.raises(RetryableError):
        await anonymous.call(METHOD, b"request")


async def test_tls_to_a_server_without(serve, connect):
    """The error says how to turn TLS off."""
    server = await serve()
    client = await connect({"endpoint": server.endpoint})

    with pytest.raises(RetryableError, match=r"tls\.insecure: true"):
        await client.call(METHOD, b"request")


async def test_no_tls_to_a_server_with(serve, connect, certificates):
    """The error says that TLS may be missing."""
    pair = (certificates.server_key.read_bytes(), certificates.server.read_bytes())
    server = await serve(credentials=grpc.ssl_server_credentials([pair]))
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})

    with pytest.raises(RetryableError, match="does it expect TLS"):
        await client.call(METHOD, b"request")


async def test_nobody_listens(connect):
    """The error names the endpoint and what to look at."""
    client = await connect(DOWN)

    with pytest.raises(RetryableError, match=r"127\.0\.0\.1:1: UNAVAILABLE: .*nothing listens there") as failure:
        await client.call(METHOD, b"request")
    assert ("unavailable", StatusCode.UNAVAILABLE) == (failure.value.reason, failure.value.code)


async def test_a_refusal_keeps_its_code(serve, connect):
    """The error says what to check, and never what the headers are."""

    async def refuse(_request, context):
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    server = await serve(refuse)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}, "headers": {"api-key": "secret"}})

    with pytest.raises(PermanentError, match=r"UNAUTHENTICATED: who are you\? .check headers or auth.") as failure:
        await client.call(METHOD, b"request")
    assert StatusCode.UNAUTHENTICATED == failure.value.code
    assert "secret" not in str(failure.value) + repr(client)


async def test_a_delay_is_read(serve, connect):
    """The RetryInfo of the answer is the error's delay."""

    async def refuse(_request, context):
        status = Status(code=8, message="busy")
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=9)))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy")

    server = await serve(refuse)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})

    with pytest.raises(RetryableError) as failure:
        await client.call(METHOD, b"request")
    assert (9.0, StatusCode.RESOURCE_EXHAUSTED) == (failure.value.retry_after, failure.value.code)


async def test_an_extension_signs_requests(serve, connect):
    """Its headers come on top, and it learns who sent the data."""

    class Signer(Idle):
        async def request_headers(self, client):
            return {"Authorization": f"Bearer {client.address}"}

    server = await serve()
    config = {"endpoint": server.endpoint, "tls": {"insecure": True}, "auth": {"authenticator": "signer"}}
    client = await connect(config, FakeHost({ComponentId("signer"): Signer()}))
    await client.call(METHOD, b"request", Client("10.0.0.1"))

    assert "Bearer 10.0.0.1" == server.seen[0].metadata["authorization"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"auth": {"authenticator": "nop"}}, 'no extension "nop" runs'),
        ({"middlewares": [{"id": "limiter"}]}, "remove limiter"),
        ({"headers": {"can you have a space?": "x"}}, "gRPC cannot send"),
        ({"headers": {"api-key": "s€cret"}}, 'the value of "api-key"'),
        ({"tls": {"ca_file": "/does/not/exist"}}, "ca_file: cannot read /does/not/exist"),
    ],
)
async def test_what_cannot_start(connect, config, message):
    """What is wrong is said at the start, without showing a secret."""
    with pytest.raises(StartError, match=message) as failure:
        await connect({"endpoint": "127.0.0.1:1", **config})
    assert "cret" not in str(failure.value)


async def test_many_calls_at_once(serve, connect):
    """Each gets its own answer."""

    async def echo(request, _context):
        return request

    server = await serve(echo)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})
    messages = [bytes([number]) * 1000 * number for number in range(100)]

    assert messages == await asyncio.gather(*(client.call(METHOD, message) for message in messages))


@pytest.mark.parametrize("kind", ["native"], indirect=True)
async def test_no_more_at_once_than_the_server_takes(serve, connect):
    """The others wait for their turn; grpcio sends a few before it knows, which are refused and sent again."""
    running = most = 0

    async def count(_request, _context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await settle()
        running -= 1
        return b"answer"

    server = await serve(count, options=[("grpc.max_concurrent_streams", 1)])
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})

    assert [b"answer"] * 20 == await asyncio.gather(*(client.call(METHOD, b"request") for _ in range(20)))
    assert 1 == most


async def test_a_cancelled_call_is_cancelled_at_the_server(serve, connect):
    """The server need not go on with what nobody waits for."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(_request, _context):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server = await serve(hang)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})
    tasks = TaskOwner("test", structlog.get_logger())
    call = tasks.start("call", client.call(METHOD, b"request"))
    await begun.wait()
    call.cancel()
    await asyncio.wait_for(cancelled.wait(), 30)

    assert call.cancelled()


async def test_text_of_any_language_and_binary_metadata(serve, connect):
    """The message of a refusal is decoded, also where it is not ASCII."""

    async def refuse(_request, context):
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "zu früh: 100 %\n次")

    server = await serve(refuse)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})

    with pytest.raises(PermanentError, match="FAILED_PRECONDITION: zu früh: 100 %\n次"):
        await client.call(METHOD, b"request")


async def test_too_large_an_answer(serve, connect):
    """It is refused, and would be again."""

    async def answer(_request, _context):
        return bytes(5_000_000)

    server = await serve(answer)
    client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}})

    with pytest.raises(PermanentError, match=r"RESOURCE_EXHAUSTED: .*(larger|more than the limit)"):
        await client.call(METHOD, b"request")


async def test_headers_that_grpc_sets_itself(serve, connect):
    """They are left out, as gRPC's libraries do, and the operator is told."""
    server = await serve()
    headers = {"Content-Type": "text/plain", "te": "gzip", "grpc-timeout": "1n", "Host": "other", "x-key": " value "}
    with structlog.testing.capture_logs() as lines:
        client = await connect({"endpoint": server.endpoint, "tls": {"insecure": True}, "headers": headers})

    assert b"answer" == await client.call(METHOD, b"request")
    assert "value" == server.seen[0].metadata["x-key"]
    assert {"Content-Type", "te", "grpc-timeout", "Host"} == {line["header"] for line in lines}


async def test_a_proxy(serve, connect, monkeypatch):
    """HTTPS_PROXY holds, for plain text too: it is asked for a tunnel to the name."""
    server = await serve()
    asked = []

    async def open_tunnel(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with relaying(server.port, open_tunnel) as relay:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{relay.port}")
        client = await connect({"endpoint": "backend.example:4317", "tls": {"insecure": True}})
        assert b"answer" == await client.call(METHOD, b"request")
        await client.close()

    assert [b"CONNECT backend.example:4317 HTTP/1.1"] == asked


@pytest.mark.parametrize("compression", ["zstd", "snappy"])
@pytest.mark.parametrize("kind", ["native"], indirect=True)
async def test_compressions_that_grpcio_does_not_know(connect, compression):
    """Our own server does."""
    config = GrpcServerConfig.model_validate({"endpoint": "127.0.0.1:0"})
    requests = []

    class Method:
        def admit(self):
            pass

        async def handle(self, request, _client):
            requests.append(request)
            return request

    server = GrpcServer(config, {METHOD: Method()}, make_settings("otlp"))
    await server.start(FakeHost())
    client = await connect({"endpoint": str(server.address), "tls": {"insecure": True}, "compression": compression})
    assert b"a" * 100_000 == await client.call(METHOD, b"a" * 100_000)
    await client.close()
    await server.shutdown()


async def test_closing_twice_and_without_start(connect):
    """Both are safe; a closed client does not call."""
    await GrpcClient(GrpcClientConfig.model_validate(DOWN), make_settings("otlp_grpc")).close()
    client = await connect(DOWN)
    await client.close()
    await client.close()

    with pytest.raises(RuntimeError, match="not running"):
        await client.call(METHOD, b"request")
    assert "GrpcClient(127.0.0.1:1, plain text)" == repr(client)
