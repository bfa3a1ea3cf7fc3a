"""The gRPC servers, grpcio's and our own, on real sockets, with real clients: whatever one does, the other does."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.api import ComponentId, Idle, PermanentError, RetryableError, StartError, StatusCode
from collector.net import grpc_server, http2
from collector.net.grpc_server import _channel_options
from collector.net.grpc_tls import channel_credentials
from collector.net.server_config import GrpcServerConfig
from collector.net.tls import TlsClientConfig
from collector.testing import FakeHost, RecordingTelemetry, make_settings

PATH = "/test.Service/Echo"
REFUSED = "otelcol_receiver_refused_requests"


@pytest.fixture(autouse=True, params=[http2.GrpcServer, grpc_server.GrpcServer], ids=["native", "grpcio"])
def server_class(request):
    """Choose what `serving` runs."""
    global GrpcServer  # noqa: PLW0603 - one name, so that tests need not hand it through
    GrpcServer = request.param
    return request.param


class Echo:
    """A method that answers with what it gets, or fails as it is told."""

    def __init__(self, error=None):
        self.error = error
        self.refusal = None
        self.requests = []
        self.clients = []
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()

    def admit(self):
        if self.refusal is not None:
            raise self.refusal

    async def handle(self, request, client):
        self.requests.append(request)
        self.clients.append(client)
        self.entered.set()
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return request


@asynccontextmanager
async def serving(method, telemetry=None, host=None, **options):
    """Run a server; yield it."""
    config = GrpcServerConfig.model_validate({"endpoint": "127.0.0.1:0"} | options)
    server = GrpcServer(config, {PATH: method}, make_settings("otlp", telemetry=telemetry))
    try:
        await server.start(host or FakeHost())
        yield server
    finally:
        await server.shutdown()


@asynccontextmanager
async def channel_to(server, credentials=None, target=None):
    target = target or "{}:{}".format(*server.address)
    options = [("grpc.max_receive_message_length", -1)]
    make = grpc.aio.insecure_channel if credentials is None else grpc.aio.secure_channel
    arguments = (target,) if credentials is None else (target, credentials)
    async with make(*arguments, options=options) as channel:
        yield channel


async def call(server, message=b"hello", path=PATH, **options):
    async with channel_to(server) as channel:
        return await channel.unary_unary(path)(message, timeout=30, **options)


async def failing_call(server, message=b"hello", **options):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(server, message, **options)
    return caught.value


def reasons(telemetry):
    return {dict(labels)["reason"]: count for labels, count in telemetry[REFUSED].values.items()}


async def test_a_method_gets_the_bytes_and_the_client():
    method = Echo()
    async with serving(method) as server:
        assert b"hello" == await call(server, metadata=(("x-key", "value"),))
    [client] = method.clients
    assert ("127.0.0.1", "grpc", {}) == (client.address, client.transport, dict(client.metadata))


async def test_metadata_is_kept_where_it_is_asked_for():
    method = Echo()
    async with serving(method, include_metadata=True) as server:
        await call(server, metadata=(("x-key", "one"), ("x-key", "two"), ("x-bin", b"\x00")))
    metadata = method.clients[0].metadata
    assert ("one", "two") == metadata["x-key"]
    assert "x-bin" not in metadata


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_compressed_messages_are_inflated(compression):
    method = Echo()
    message = b"\x0a\x03abc" * 1000
    async with serving(method) as server:
        assert message == await call(server, message, compression=compression)
    assert [message] == method.requests


async def test_an_unknown_method_is_unimplemented():
    telemetry = RecordingTelemetry()
    async with serving(Echo(), telemetry) as server:
        assert grpc.StatusCode.UNIMPLEMENTED == (await failing_call(server, path="/test.Service/Other")).code()
    assert {"unknown_method": 1} == reasons(telemetry)


async def test_errors_become_statuses_with_details():
    telemetry = RecordingTelemetry()
    error = RetryableError("not now", reason="busy", code=StatusCode.RESOURCE_EXHAUSTED, retry_after=2.5)
    async with serving(Echo(error), telemetry) as server:
        answer = await failing_call(server)
    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, "not now") == (answer.code(), answer.details())
    status = Status.FromString(dict(answer.trailing_metadata())["grpc-status-details-bin"])
    info = RetryInfo()
    assert status.details[0].Unpack(info)
    assert 2_500_000_000 == info.retry_delay.ToNanoseconds()
    assert {"busy": 1} == reasons(telemetry)


async def test_nothing_of_an_unexpected_error_leaks():
    telemetry = RecordingTelemetry()
    async with serving(Echo(KeyError("secret")), telemetry) as server:
        answer = await failing_call(server)
    assert (grpc.StatusCode.INTERNAL, "internal error") == (answer.code(), answer.details())
    assert {"internal": 1} == reasons(telemetry)


async def test_a_refused_call_never_reaches_the_method():
    method = Echo()
    method.refusal = RetryableError("full", reason="memory")
    telemetry = RecordingTelemetry()
    async with serving(method, telemetry) as server:
        assert grpc.StatusCode.UNAVAILABLE == (await failing_call(server)).code()
    assert [] == method.requests
    assert {"memory": 1} == reasons(telemetry)


async def test_messages_over_the_limit_are_refused():
    method = Echo()
    async with serving(method, max_recv_msg_size_mib=1) as server:
        assert bytes(2**20) == await call(server, bytes(2**20))
        assert grpc.StatusCode.RESOURCE_EXHAUSTED == (await failing_call(server, bytes(2**20 + 1))).code()
    assert 1 == len(method.requests)


async def test_a_gzip_bomb_is_refused_by_its_inflated_size():
    telemetry = RecordingTelemetry()
    method = Echo()
    async with serving(method, telemetry) as server:
        answer = await failing_call(server, bytes(8 * 2**20), compression=grpc.Compression.Gzip)
        assert grpc.StatusCode.RESOURCE_EXHAUSTED == answer.code()
        assert "limit of 4194304 bytes" in answer.details()
    assert [] == method.requests
    assert {"too_large": 1} == reasons(telemetry)


SEND_BOMB = """
import sys, grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    try:
        channel.unary_unary(sys.argv[2])(bytes(200 * 2**20), compression=grpc.Compression.Gzip)
    except grpc.RpcError as error:
        print(error.code().name)
"""


def peak_memory():
    """Return the most memory in KiB that this process has held since `reset_peak_memory`."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


def reset_peak_memory():
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux to measure memory")
async def test_a_gzip_bomb_takes_no_memory():
    """The sender is another process, so that this one's memory is the server's."""
    async with serving(Echo()) as server:
        await call(server, compression=grpc.Compression.Gzip)
        reset_peak_memory()
        before = peak_memory()
        sender = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SEND_BOMB, "{}:{}".format(*server.address), PATH), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await sender.communicate()
        peak = peak_memory()
    assert b"RESOURCE_EXHAUSTED\n" == output
    assert peak - before < 32 * 1024


@pytest.mark.parametrize("server_class", [grpc_server.GrpcServer], indirect=True)
async def test_what_is_not_gzip_after_all_is_an_invalid_argument(server_class):
    """Grpcio keeps to itself whether a message is compressed, so that its server goes by the first bytes."""
    async with serving(Echo()) as server:
        assert grpc.StatusCode.INVALID_ARGUMENT == (await failing_call(server, b"\x1f\x8bnonsense")).code()


async def test_calls_beyond_the_memory_bound_are_told_to_try_again():
    method = Echo()
    method.released.clear()
    async with serving(method, max_in_flight_mib=1) as server, channel_to(server) as channel:
        echo = channel.unary_unary(PATH)
        first = echo(bytes(2**20), timeout=30)
        await method.entered.wait()
        answer = await failing_call(server)
        assert grpc.StatusCode.UNAVAILABLE == answer.code()
        assert "grpc-status-details-bin" in dict(answer.trailing_metadata())
        method.released.set()
        assert bytes(2**20) == await first
        assert b"now" == await echo(b"now", timeout=30)


async def refusing_connections(server):
    """Return once the server takes no connections; one that was just taken may be reset."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*server.address)
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue
        writer.close()


async def test_a_running_call_is_answered_at_shutdown_and_a_new_one_is_not_taken():
    method = Echo()
    method.released.clear()
    async with serving(method) as server, channel_to(server) as channel:
        running = channel.unary_unary(PATH)(b"last", timeout=30)
        await method.entered.wait()
        stopping = asyncio.gather(server.shutdown())
        await refusing_connections(server)
        # A call that comes before the client has read the farewell is taken; after that, it needs a connection.
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        # Time enough to cancel what runs, if it were cancelled.
        assert grpc.StatusCode.UNAVAILABLE == (await failing_call(server)).code()
        method.released.set()
        assert b"last" == await running
        await stopping


async def test_shutdown_is_safe_twice_and_without_start():
    server = GrpcServer(GrpcServerConfig(endpoint="127.0.0.1:0"), {}, make_settings("otlp"))
    await server.shutdown()
    await server.start(FakeHost())
    await server.shutdown()
    await server.shutdown()


async def test_a_taken_port_is_a_start_error():
    async with serving(Echo()) as first:
        with pytest.raises(StartError, match=r"endpoint: cannot listen on 127\.0\.0\.1:.*another process may have it"):
            async with serving(Echo(), endpoint="{}:{}".format(*first.address)):
                pass


async def test_unix_sockets(tmp_path):
    method = Echo()
    path = str(tmp_path / "otlp.sock")
    async with (
        serving(method, endpoint=path, transport="unix") as server,
        channel_to(server, target=f"unix:{path}") as channel,
    ):
        assert (path, 0) == server.address
        assert b"hello" == await channel.unary_unary(PATH)(b"hello", timeout=30)
    assert "" == method.clients[0].address


def test_options_reach_grpc_under_its_names():
    config = GrpcServerConfig.model_validate(
        {
            "endpoint": "x:1",
            "max_concurrent_streams": 7,
            "read_buffer_size": 1024,
            "keepalive": {
                "server_parameters": {"max_connection_idle": "1m", "time": "30s", "timeout": "5s"},
                "enforcement_policy": {"min_time": "10s", "permit_without_stream": True},
            },
        }
    )
    options = dict(_channel_options(config))
    assert {
        "grpc.max_receive_message_length": 4 * 2**20,
        "grpc.per_message_decompression": 0,
        "grpc.max_concurrent_streams": 7,
        "grpc.server_handshake_timeout_ms": 20_000,
        "grpc.so_reuseport": 0,
        "grpc.experimental.tcp_read_chunk_size": 1024,
        "grpc.max_connection_idle_ms": 60_000,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 5000,
        "grpc.http2.min_ping_interval_without_data_ms": 10_000,
        "grpc.keepalive_permit_without_calls": 1,
    } == options


async def test_keepalive_ends_old_connections():
    """The age is told by the connection's end; a client that goes on opens another."""
    parameters = {"max_connection_age": "200ms", "max_connection_age_grace": "1m"}
    async with (
        serving(Echo(), keepalive={"server_parameters": parameters, "enforcement_policy": None}) as server,
        channel_to(server) as channel,
    ):
        await channel.unary_unary(PATH)(b"one", timeout=30)
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        assert b"two" == await channel.unary_unary(PATH)(b"two", timeout=30)


async def test_tls_with_and_without_client_certificates(certificates):
    tls = certificates.server_files | {"client_ca_file": str(certificates.ca)}
    async with serving(Echo(), tls=tls) as server:
        target = f"localhost:{server.address[1]}"
        known = channel_credentials(TlsClientConfig.model_validate(certificates.client_files))
        async with channel_to(server, known, target) as channel:
            assert b"hello" == await channel.unary_unary(PATH)(b"hello", timeout=30)
        nameless = channel_credentials(TlsClientConfig.model_validate({"ca_file": str(certificates.ca)}))
        async with channel_to(server, nameless, target) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary(PATH)(b"hello", timeout=30)


async def test_a_missing_certificate_is_a_start_error(certificates, tmp_path):
    tls = certificates.server_files | {"cert_file": str(tmp_path / "missing.pem")}
    with pytest.raises(StartError, match=r"tls: cert_file: cannot read .*missing\.pem"):
        async with serving(Echo(), tls=tls):
            pass


class Doorman(Idle):
    async def authenticate(self, headers):
        if headers.get("authorization") != ("Bearer good",):
            raise PermanentError("who are you?", reason="unauthenticated", code=StatusCode.UNAUTHENTICATED)


async def test_the_authenticator_decides_who_may_call():
    host = FakeHost({ComponentId("doorman"): Doorman()})
    method = Echo()
    telemetry = RecordingTelemetry()
    async with serving(method, telemetry, host, auth={"authenticator": "doorman"}) as server:
        assert b"hello" == await call(server, metadata=(("authorization", "Bearer good"),))
        answer = await failing_call(server)
    assert (grpc.StatusCode.UNAUTHENTICATED, "who are you?") == (answer.code(), answer.details())
    assert 1 == len(method.requests)
    assert {} == dict(method.clients[0].metadata)
    assert {"unauthenticated": 1} == reasons(telemetry)


async def test_strange_bytes_and_silence_harm_nobody():
    """Random bytes, HTTP/1 and connections that say nothing are ended or left; calls next to them are answered."""
    async with serving(Echo()) as server:
        silent = await asyncio.open_connection(*server.address)
        half = await asyncio.open_connection(*server.address)
        half[1].write(b"PRI * HTTP/2.0\r\n")
        for noise in (os.urandom(5000), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(noise)
            assert not (await reader.read()).startswith(b"HTTP/1.1 2")
            writer.close()
            assert b"hello" == await call(server)
        for _, writer in (silent, half):
            writer.close()
