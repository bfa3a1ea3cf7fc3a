"""What the HTTP/2 of netty, OkHttp and hyper makes of our server, where it is about more than to send and be answered."""

import asyncio
import json
import re
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port

pytestmark = pytest.mark.interop

MIB = 2**20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PING, GOAWAY, WINDOW_UPDATE = 6, 7, 8


class Tap:
    """A relay in front of the collector that counts the frames which pass: `sent` by clients, `answered` by us."""

    def __init__(self, target):
        self.port = 0
        self.connections = 0
        self.sent, self.answered = Counter(), Counter()
        self.target = target
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def running(self):
        """Take connections while the block runs."""
        server = await asyncio.start_server(self._relay, "localhost", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def wait_until(self, condition):
        """Return once something holds that frames bring about."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(condition)

    async def _relay(self, reader, writer):
        self.connections += 1
        try:
            onward = await asyncio.open_connection("localhost", self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            self._pass(reader, onward[1], self.sent, len(PREFACE)), self._pass(onward[0], writer, self.answered, 0)
        )

    async def _pass(self, reader, writer, counter, skipped):
        try:
            writer.write(await reader.readexactly(skipped))
            while True:
                head = await reader.readexactly(9)
                writer.write(head + await reader.readexactly(int.from_bytes(head[:3], "big")))
                await writer.drain()
                async with self._changed:
                    counter[head[3]] += 1
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


class Gate(asyncio.Event):
    """Holds the backend's answers: `full` once so many requests wait for one at the same time."""

    def __init__(self, size):
        super().__init__()
        self.full = asyncio.Event()
        self.waiting = self.most = 0
        self._size = size

    async def wait(self):
        """Wait to answer."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting >= self._size:
            self.full.set()
        try:
            return await super().wait()
        finally:
            self.waiting -= 1


def collector(backend, port, protocol="grpc", **server):
    """Return a collector that answers what the backend answers, when it does."""
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}
    config = {
        "receivers": {"otlp": {"protocols": {protocol[:4]: {"endpoint": f"localhost:{port}", **server}}}},
        "exporters": {
            "otlp_grpc": {
                "endpoint": backend.grpc_endpoint,
                "tls": {"insecure": True},
                "sending_queue": {"enabled": False},
                "retry_on_failure": {"enabled": False},
            }
        },
        "service": {
            "pipelines": {"traces": pipeline, "metrics": pipeline, "logs": pipeline},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    return CollectorProcess(json.dumps(config))


def numbers(backend, signal=Signal.TRACES):
    return sorted(get_attribute(item.attributes, "number") for item in backend.items(signal))


@pytest.fixture
def trust(certificates, tmp_path):
    """Return the variables that make clients trust the server; the SDK for Java tells grpc-java nothing of its own."""
    authority = PKCS12Certificate(x509.load_pem_x509_certificate(certificates.ca.read_bytes()), b"ca")
    store = tmp_path / "trust.p12"
    store.write_bytes(serialize_java_truststore([authority], BestAvailableEncryption(b"changeit")))
    return {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates.ca),
        "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit",
    }


@pytest.mark.parametrize(("padding", "limit"), [(3_000, 4), (24_000, 32)], ids=["3 MB", "24 MB"])
async def test_a_large_request_comes_whole(grpc_client, backend, padding, limit):
    """One that fits the first windows, and one that needs them to be opened again and again."""
    port = free_port()
    async with (
        collector(backend, port, max_recv_msg_size_mib=limit),
        Tap(port).running() as tap,
        grpc_client.sending(f"http://localhost:{tap.port}", 1_000, padding=padding) as client,
    ):
        await client.round()
    [batch] = [batch for batch in backend.batches if batch.signal is Signal.TRACES]
    assert len(batch.payload) > 1_000 * padding
    assert list(range(1_000)) == numbers(backend)
    if padding * 1_000 > 16 * MIB:
        assert tap.answered[WINDOW_UPDATE] > 2


async def test_a_request_above_the_limit_is_refused_and_the_connection_goes_on(grpc_client, backend):
    """The client hears why, though it is still sending when it is told."""
    port = free_port()
    # The SDK for Java would try again, which is of no use.
    once = {"SEND_EACH": "1", "OTEL_JAVA_EXPORTER_OTLP_RETRY_DISABLED": "true"}
    async with (
        collector(backend, port),
        Tap(port).running() as tap,
        grpc_client.sending(f"http://localhost:{tap.port}", 1, padding=10_000_000, environment=once) as client,
    ):
        await client.round()
        await client.round()
        assert tap.answered[GOAWAY] == 0
    assert re.search("larger than the limit|ResourceExhausted", client.said), client.said
    assert [] == numbers(backend)
    assert [0, 1] == numbers(backend, Signal.LOGS)


@pytest.mark.parametrize("limit", [1_000, 100])
async def test_many_requests_at_one_time(multiplexing_client, backend, limit):
    """All at once where they may, and never more than they may."""
    port = free_port()
    backend.answering = gate = Gate(min(limit, 200))
    each = {"SEND_EACH": "1"}
    async with (
        collector(backend, port, max_concurrent_streams=limit),
        multiplexing_client.sending(f"http://localhost:{port}", 200, environment=each) as client,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(client.round())
        async with asyncio.timeout(30):
            await gate.full.wait()
        gate.set()
    assert list(range(200)) == numbers(backend), client.said
    assert gate.most <= limit


async def test_a_deadline_ends_one_request_and_not_the_connection(grpc_client, backend):
    port = free_port()
    backend.answering.clear()
    async with (
        collector(backend, port),
        Tap(port).running() as tap,
        grpc_client.sending(
            f"http://localhost:{tap.port}", 100, environment={"OTEL_EXPORTER_OTLP_TIMEOUT": "1000"}
        ) as client,
    ):
        await client.round()
        connections = tap.connections
        backend.answering.set()
        await client.round()
    assert set(range(100, 200)) <= set(numbers(backend))
    assert connections == tap.connections


async def test_tls(secure_client, trust, backend, certificates):
    """With ALPN, by an authority of our own."""
    port = free_port()
    async with (
        collector(backend, port, secure_client.protocol, tls=certificates.server_files),
        secure_client.sending(f"https://localhost:{port}", 100, environment=trust) as client,
    ):
        await client.round()
    assert list(range(100)) == numbers(backend), client.said
    assert list(range(100)) == numbers(backend, Signal.LOGS)


async def test_a_restart_between_two_exports_loses_nothing(grpc_client, backend):
    """The second export finds that its connection was ended, and makes another."""
    ports = free_port(), free_port()
    async with (
        collector(backend, ports[0]) as first,
        collector(backend, ports[1]),
        Tap(ports[0]).running() as tap,
        grpc_client.sending(f"http://localhost:{tap.port}", 100) as client,
    ):
        await client.round()
        tap.target = ports[1]
        await first.stop()
        assert tap.answered[GOAWAY] > 0
        await client.round()
    assert list(range(200)) == numbers(backend), client.said
    assert list(range(200)) == numbers(backend, Signal.LOGS)


async def test_a_restart_under_load_loses_nothing(multiplexing_client, backend):
    """The calls that are under way are answered, and those after them go to the next collector."""
    ports = free_port(), free_port()
    backend.answering = gate = Gate(200)
    each = {"SEND_EACH": "1"}
    async with (
        collector(backend, ports[0]) as first,
        collector(backend, ports[1]),
        Tap(ports[0]).running() as tap,
        multiplexing_client.sending(f"http://localhost:{tap.port}", 200, environment=each) as client,
    ):
        async with asyncio.TaskGroup() as group, asyncio.timeout(60):
            group.create_task(client.round())
            await gate.full.wait()
            tap.target = ports[1]
            group.create_task(first.stop())
            await tap.wait_until(lambda: tap.answered[GOAWAY] > 0)
            gate.set()
        await client.round()
    assert list(range(400)) == numbers(backend), client.said


# grpc-java's shortest keepalive time is 10 s; before, netty pings to measure how much to have under way.
@pytest.mark.parametrize(
    ("pinging_client", "interval", "pings"),
    [("java-netty", "10", 1), ("rust-tonic", "0.05", 10)],
    indirect=["pinging_client"],
)
async def test_pings_that_are_allowed_keep_a_connection(pinging_client, backend, interval, pings):
    """The calls carry binary metadata, too."""
    policy = {"min_time": "1ms", "permit_without_stream": True}
    port = free_port()
    async with (
        collector(backend, port, keepalive={"enforcement_policy": policy}, include_metadata=True),
        Tap(port).running() as tap,
        pinging_client.sending(f"http://localhost:{tap.port}", 100, environment={"SEND_KEEPALIVE": interval}) as client,
    ):
        await client.round()
        await tap.wait_until(lambda: tap.sent[PING] >= pings)
        await client.round()
        assert tap.answered[PING] >= pings
        assert tap.answered[GOAWAY] == 0
    assert list(range(200)) == numbers(backend), client.said


@pytest.mark.parametrize("pinging_client", ["rust-tonic"], indirect=True)
async def test_pings_that_are_not_allowed_cost_a_connection_and_no_data(pinging_client, backend):
    port = free_port()
    async with (
        collector(backend, port),
        Tap(port).running() as tap,
        pinging_client.sending(f"http://localhost:{tap.port}", 100, environment={"SEND_KEEPALIVE": "0.05"}) as client,
    ):
        await client.round()
        await tap.wait_until(lambda: tap.answered[GOAWAY] > 0)
        await client.round()
        assert tap.connections > 1
    assert list(range(200)) == numbers(backend)
