import asyncio
import subprocess
import sys
from types import SimpleNamespace

import grpc
import pytest
import structlog
from pydantic import ValidationError

from collector.api import PartialError, PermanentError, RetryableError, StartError
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS, RESPONSES, SERVICES
from collector.delivery import Delivery
from collector.testing import FakeHost, RecordingTelemetry, make_settings
from collector.testing.backend import OtlpBackend
from collector.testing.process import free_port
from exporters.otlp_grpc import FACTORY, Config, create

ITEMS = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
}
FAST = {"initial_interval": "20ms", "max_interval": "50ms"}


def make_batch(signal=Signal.TRACES, name="one"):
    request = REQUESTS[signal]()
    outer, inner, items = ITEMS[signal]
    item = getattr(getattr(getattr(request, outer).add(), inner).add(), items).add()
    if signal is Signal.LOGS:
        item.body.string_value = name
    else:
        item.name = name
    if signal is Signal.METRICS:
        item.gauge.data_points.add(as_int=1)
    return Batch(signal, request.SerializeToString())


@pytest.fixture(params=["native", "grpcio"])
async def start(request):
    """Return a function that starts an exporter, over each of the clients, with the delivery around it."""
    parts = []

    async def begin(**options):
        config = Config.model_validate({"tls": {"insecure": True}, "client": request.param, **options})
        telemetry = RecordingTelemetry()
        settings = make_settings("otlp", telemetry=telemetry, signals=frozenset({Signal.TRACES}))
        exporter = create(config, settings)
        delivery = Delivery(exporter, config, settings)
        parts.extend([delivery, exporter])
        await exporter.start(FakeHost())
        await delivery.start(FakeHost())
        return SimpleNamespace(exporter=exporter, delivery=delivery, telemetry=telemetry)

    yield begin
    for part in parts:
        await part.shutdown()


@pytest.fixture
async def answering():
    """Return a function that starts a server which gives one answer to every request."""
    servers = []

    async def begin(answer):
        async def handle(_request, _context):
            return answer

        server = grpc.aio.server()
        service, method = SERVICES[Signal.TRACES][1:].rsplit("/", 1)
        handlers = {method: grpc.unary_unary_rpc_method_handler(handle)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield begin
    for server in servers:
        await server.stop(None)


def test_an_endpoint_must_be_given():
    """There is no default."""
    with pytest.raises(ValidationError, match='requires a non-empty "endpoint"'):
        Config.model_validate({})
    with pytest.raises(ValidationError, match='requires a non-empty "endpoint"'):
        Config.model_validate({"endpoint": ""})


def test_defaults():
    """They are those of the Go collector's exporter."""
    config = Config(endpoint="localhost:4317")

    assert (5.0, "gzip", False, 512 * 1024) == (
        config.timeout,
        config.compression,
        config.tls.insecure,
        config.write_buffer_size,
    )
    assert ("otlp_grpc", ("otlp",)) == (FACTORY.type, FACTORY.aliases)


@pytest.mark.parametrize("signal", Signal)
async def test_each_signal_arrives_as_it_is(start, signal):
    """The bytes of the batch go to the service of its signal."""
    async with OtlpBackend() as backend:
        made = await start(endpoint=backend.grpc_endpoint)
        batch = make_batch(signal)
        await made.exporter.push(batch)

        [arrived] = backend.batches
        assert (signal, batch.payload) == (arrived.signal, arrived.payload)


async def test_tls_and_https(start, certificates):
    """A URL with https:// is sent to with TLS."""
    pair = (certificates.server_key.read_bytes(), certificates.server.read_bytes())
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    made = await start(endpoint=f"https://localhost:{port}", tls={"insecure": True, "ca_file": str(certificates.ca)})

    # The connection stands; that nobody serves OTLP there is another error, which says so.
    with pytest.raises(PermanentError, match="is this an OTLP/gRPC endpoint"):
        await made.exporter.push(make_batch())
    await server.stop(None)


async def test_a_refused_part(start, answering):
    """partial_success with a number is a partial error."""
    answer = RESPONSES[Signal.TRACES]()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    made = await start(endpoint=await answering(answer.SerializeToString()))

    with pytest.raises(PartialError, match="the backend refused 2 spans: too old") as failure:
        await made.exporter.push(make_batch())
    assert 2 == failure.value.rejected


async def test_a_warning(start, answering):
    """partial_success with a message only is logged."""
    answer = RESPONSES[Signal.TRACES]()
    answer.partial_success.error_message = "use newer conventions"
    endpoint = await answering(answer.SerializeToString())
    with structlog.testing.capture_logs() as lines:
        made = await start(endpoint=endpoint)
        await made.exporter.push(make_batch())

    assert [("warning", "use newer conventions")] == [(line["log_level"], line["message"]) for line in lines]


async def test_an_answer_that_is_not_otlp(start, answering):
    """It would be the same again."""
    made = await start(endpoint=await answering(b"\xff\xff"))

    with pytest.raises(PermanentError, match="not an OTLP response"):
        await made.exporter.push(make_batch())


async def test_a_backend_that_comes_up_late_gets_everything_once(start):
    """What was consumed while nobody listened waits in the queue; nothing is lost and nothing sent twice."""
    port = free_port()
    made = await start(endpoint=f"127.0.0.1:{port}", retry_on_failure=FAST, sending_queue={"num_consumers": 4})
    expected = [f"span-{number}" for number in range(50)]
    for name in expected:
        await made.delivery.consume(make_batch(name=name))
    retries = made.telemetry["otelcol_exporter_retries"]
    with pytest.raises(RetryableError, match="nothing listens there"):
        await made.exporter.push(make_batch())
    async with OtlpBackend(grpc_port=port) as backend:
        await backend.wait_for(50)
        await made.delivery.shutdown()

        assert sorted(expected) == sorted(span.name for span in backend.items(Signal.TRACES))
    assert 50 == made.telemetry["otelcol_exporter_sent_spans"].total
    assert retries.total >= 4


async def test_a_backend_that_goes_and_comes_back(start):
    """A backend may end while requests follow each other; everything arrives at the one or the other."""
    async with OtlpBackend() as first:
        port = int(first.grpc_endpoint.rpartition(":")[2])
        made = await start(endpoint=first.grpc_endpoint, retry_on_failure=FAST)
        for number in range(10):
            await made.delivery.consume(make_batch(name=f"before-{number}"))
        await first.wait_for(10)
        # The answer to what has come may still be on its way; without it the exporter would send it again.
        while made.telemetry["otelcol_exporter_sent_spans"].total < 10:  # noqa: ASYNC110 - nothing signals an answer
            await asyncio.sleep(0)
    for number in range(10):
        await made.delivery.consume(make_batch(name=f"between-{number}"))
    async with OtlpBackend(grpc_port=port) as second:
        await second.wait_for(10)
        await made.delivery.shutdown()

        assert sorted(f"between-{number}" for number in range(10)) == sorted(
            span.name for span in second.items(Signal.TRACES)
        )


async def test_a_backend_that_refuses_for_a_while(start):
    """UNAVAILABLE is tried again until it passes."""
    async with OtlpBackend() as backend:
        backend.refusal = grpc.StatusCode.UNAVAILABLE
        made = await start(endpoint=backend.grpc_endpoint, retry_on_failure=FAST)
        await made.delivery.consume(make_batch())
        while backend.refused < 3:  # noqa: ASYNC110 - nothing signals a refusal
            await asyncio.sleep(0)
        backend.refusal = None
        await backend.wait_for(1)

        assert 1 == len(backend.batches)


async def test_a_lasting_refusal_is_told_once(start):
    """The operator sees one line which says what to check, with the endpoint and without headers."""
    async with OtlpBackend() as backend:
        backend.refusal = grpc.StatusCode.UNAUTHENTICATED
        with structlog.testing.capture_logs() as lines:
            made = await start(endpoint=backend.grpc_endpoint, headers={"api-key": "secret"})
            for _ in range(5):
                await made.delivery.consume(make_batch())
            await made.delivery.shutdown()

        [line] = lines
        assert ("error", "unauthenticated") == (line["log_level"], line["reason"])
        assert backend.grpc_endpoint in line["error"]
        assert "check headers or auth" in line["error"]
        assert "secret" not in str(line)
        assert 5 == made.telemetry["otelcol_exporter_send_failed_spans"].total


async def test_an_extension_that_does_not_run(start):
    """Starting says so."""
    with pytest.raises(StartError, match='no extension "nop" runs'):
        await start(endpoint="127.0.0.1:1", auth={"authenticator": "nop"})


def test_grpcio_is_not_imported():
    """It takes 8 MiB and a tenth of a second, for nothing."""
    code = """
import asyncio, sys
from collector.testing import FakeHost, make_settings
from collector.testing.sinks import Sink
from exporters import otlp_grpc
from receivers import otlp

async def main():
    exporter = otlp_grpc.create(otlp_grpc.Config(endpoint="localhost:1"), make_settings("otlp_grpc"))
    config = otlp.Config.model_validate({"protocols": {"grpc": {"endpoint": "localhost:0"}}})
    receiver = otlp.create(config, make_settings("otlp"), Sink())
    for part in (exporter, receiver):
        await part.start(FakeHost())
    try:
        await exporter._client.call("/a.B/C", b"")
    except Exception:
        pass
    for part in (receiver, exporter):
        await part.shutdown()

asyncio.run(main())
assert "grpc" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


async def test_shutdown_without_start():
    """It is safe, and the exporter shows where it sends."""
    exporter = create(Config(endpoint="localhost:4317"), make_settings("otlp"))
    await exporter.shutdown()

    assert "OtlpGrpcExporter(GrpcClient(localhost:4317, TLS))" == repr(exporter)
