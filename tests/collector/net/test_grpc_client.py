import asyncio
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from collector.api import ComponentId, Idle, PermanentError, RetryableError, StartError, StatusCode
from collector.data import Client
from collector.net.grpc_client import GrpcClient, GrpcClientConfig, target_of
from collector.testing import FakeHost

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


@pytest.fixture
async def connect():
    """Return a function that starts a client."""
    clients = []

    async def start(config, host=None):
        client = GrpcClient(GrpcClientConfig.model_validate(config))
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


@pytest.mark.parametrize("compression", ["gzip", "none", ""])
async def test_compression(serve, connect, compression):
    """What goes over the wire is small with gzip, and whole without."""
    server = await serve()
    passed = 0

    async def proxy(reader, writer):
        nonlocal passed
        backend_reader, backend_writer = await asyncio.open_connection("127.0.0.1", server.port)

        async def answer():
            while data := await backend_reader.read(65536):
                writer.write(data)

        answering = asyncio.gather(answer())
        while data := await reader.read(65536):
            passed += len(data)
            backend_writer.write(data)
        backend_writer.close()
        await answering
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as between:
        port = between.sockets[0].getsockname()[1]
        client = await connect({"endpoint": f"127.0.0.1:{port}", "tls": {"insecure": True}, "compression": compression})
        await client.call(METHOD, b"a" * 100_000)
        await client.close()

    assert b"a" * 100_000 == server.seen[0].request
    assert (passed < 10_000) == (compression == "gzip")


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
        ({"tls": {"insecure_skip_verify": True}}, "gRPC always verifies"),
    ],
)
async def test_what_cannot_start(connect, config, message):
    """What is wrong is said at the start, without showing a secret."""
    with pytest.raises(StartError, match=message) as failure:
        await connect({"endpoint": "127.0.0.1:1", **config})
    assert "cret" not in str(failure.value)


async def test_closing_twice_and_without_start(connect):
    """Both are safe; a closed client does not call."""
    await GrpcClient(GrpcClientConfig.model_validate(DOWN)).close()
    client = await connect(DOWN)
    await client.close()
    await client.close()

    with pytest.raises(RuntimeError, match="not running"):
        await client.call(METHOD, b"request")
    assert "GrpcClient(127.0.0.1:1, plain text)" == repr(client)
