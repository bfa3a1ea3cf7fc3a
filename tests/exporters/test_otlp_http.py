import asyncio
import gzip
import ssl
from types import SimpleNamespace

import pytest
import structlog
from aiohttp import web
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from collector.api import PartialError, PermanentError, RetryableError, StartError, StatusCode
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS, RESPONSES
from collector.data.otlp_json import decode
from collector.delivery import Delivery
from collector.testing import FakeHost, RecordingTelemetry, make_settings
from collector.testing.backend import OtlpBackend
from collector.testing.process import free_port
from exporters.otlp_http import FACTORY, Config, create

PROTOBUF, JSON = "application/x-protobuf", "application/json"
FAST = {"initial_interval": "20ms", "max_interval": "50ms"}


def make_batch(name="one"):
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name=name)
    return Batch(Signal.TRACES, request.SerializeToString())


@pytest.fixture
async def start():
    """Return a function that starts an exporter with the delivery around it."""
    parts = []

    async def begin(signals=frozenset({Signal.TRACES}), **options):
        config = Config.model_validate(options)
        telemetry = RecordingTelemetry()
        settings = make_settings("otlp_http", telemetry=telemetry, signals=signals)
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
    """Return a function that starts a server which gives the answers that a function makes, remembering requests."""
    runners = []

    async def begin(make_answer, ssl_context=None):
        seen = []

        async def handle(request):
            seen.append(SimpleNamespace(body=await request.read(), headers=request.headers, path=request.path))
            return make_answer()

        runner = web.ServerRunner(web.Server(handle, auto_decompress=False))
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        url = f"http{'s' if ssl_context else ''}://127.0.0.1:{runner.addresses[0][1]}"
        return SimpleNamespace(url=url, seen=seen)

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "at least one endpoint must be specified"),
        ({"endpoint": ""}, "at least one endpoint must be specified"),
        ({"traces_endpoint": "localhost"}, "must be a valid URL"),
        ({"endpoint": "http://localhost:4318", "encoding": "xml"}, "'proto' or 'json'"),
    ],
)
def test_bad_options(config, message):
    """What cannot work is said when the configuration is read."""
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(config)


def test_defaults():
    """They are those of the Go collector's exporter."""
    config = Config(endpoint="http://localhost:4318")

    assert (30.0, "gzip", "proto") == (config.timeout, config.compression, config.encoding)
    assert ("otlp_http", ("otlphttp",)) == (FACTORY.type, FACTORY.aliases)


def test_urls():
    """The endpoint is followed by the signal's path; an endpoint of the signal's own is used as it is."""
    config = Config(endpoint="http://localhost:4318/otlp/", logs_endpoint="http://logs/push")

    assert "http://localhost:4318/otlp/v1/traces" == config.url(Signal.TRACES)
    assert "http://localhost:4318/otlp/v1/metrics" == config.url(Signal.METRICS)
    assert "http://logs/push" == config.url(Signal.LOGS)


async def test_a_signal_without_an_endpoint(start):
    """The pipelines of the exporter decide which endpoints it needs."""
    made = await start(traces_endpoint="http://localhost:4318/v1/traces")
    assert "OtlpHttpExporter(http://localhost:4318/v1/traces)" == repr(made.exporter)

    with pytest.raises(StartError, match="no endpoint for logs: set endpoint or logs_endpoint"):
        await start(frozenset({Signal.LOGS}), traces_endpoint="http://localhost:4318/v1/traces")


@pytest.mark.parametrize("signal", Signal)
async def test_each_signal_arrives_as_it_is(start, signal):
    """The bytes of the batch go to the path of its signal."""
    async with OtlpBackend() as backend:
        made = await start(frozenset({signal}), endpoint=backend.http_endpoint)
        await made.exporter.push(Batch(signal, b"\x0a\x00"))

        [arrived] = backend.batches
        assert (signal, b"\x0a\x00") == (arrived.signal, arrived.payload)


async def test_json(start, answering):
    """With `encoding: json` request and answer are JSON."""
    answer = '{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}'
    server = await answering(lambda: web.Response(text=answer, content_type=JSON))
    made = await start(endpoint=server.url, encoding="json")
    batch = make_batch()

    with pytest.raises(PartialError, match="refused 1 spans: too old"):
        await made.exporter.push(batch)
    [seen] = server.seen
    assert (JSON, "gzip") == (seen.headers["Content-Type"], seen.headers["Content-Encoding"])
    assert batch.payload == decode(Signal.TRACES, gzip.decompress(seen.body))


async def test_mutual_tls(start, answering, certificates):
    """A client certificate is shown where the server asks for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.ca)
    server = await answering(web.Response, context)
    made = await start(endpoint=server.url, tls=certificates.client_files)
    await made.exporter.push(make_batch())

    assert ["/v1/traces"] == [seen.path for seen in server.seen]


async def test_a_refused_part(start, answering):
    """partial_success with a number is a partial error."""
    answer = RESPONSES[Signal.TRACES]()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    body = answer.SerializeToString()
    server = await answering(lambda: web.Response(body=body, content_type=PROTOBUF))
    made = await start(endpoint=server.url)

    with pytest.raises(PartialError, match="the backend refused 2 spans: too old") as failure:
        await made.exporter.push(make_batch())
    assert 2 == failure.value.rejected


async def test_a_warning(start, answering):
    """partial_success with a message only is logged."""
    answer = RESPONSES[Signal.TRACES]()
    answer.partial_success.error_message = "use newer conventions"
    body = answer.SerializeToString()
    server = await answering(lambda: web.Response(body=body, content_type=PROTOBUF))
    with structlog.testing.capture_logs() as lines:
        made = await start(endpoint=server.url)
        await made.exporter.push(make_batch())

    assert [("warning", "use newer conventions")] == [(line["log_level"], line["message"]) for line in lines]


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_an_empty_yes(start, answering, status):
    """Many backends say yes without a body."""
    server = await answering(lambda: web.Response(status=status))
    made = await start(endpoint=server.url)

    await made.exporter.push(make_batch())


@pytest.mark.parametrize(("body", "content_type"), [(b"\xff\xff", PROTOBUF), (b"{", JSON), (bytes(70_000), PROTOBUF)])
async def test_a_yes_that_is_not_otlp(start, answering, body, content_type):
    """An answer that claims to be OTLP and is not, or is too long, would be the same again."""
    server = await answering(lambda: web.Response(body=body, content_type=content_type))
    made = await start(endpoint=server.url)

    with pytest.raises(PermanentError) as failure:
        await made.exporter.push(make_batch())
    assert "bad_answer" == failure.value.reason


async def test_a_yes_of_a_web_server(start, answering):
    """A page in HTML is no refusal, but probably not what the operator wants."""
    server = await answering(lambda: web.Response(text="<html>Welcome!</html>", content_type="text/html"))
    with structlog.testing.capture_logs() as lines:
        made = await start(endpoint=server.url)
        await made.exporter.push(make_batch())

    assert [("warning", "text/html", f"{server.url}/v1/traces")] == [
        (line["log_level"], line["content_type"], line["endpoint"]) for line in lines
    ]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_statuses_after_which_to_try_again(start, answering, status):
    """The delay that the backend asks for is in the error where the specification has it."""
    server = await answering(lambda: web.Response(status=status, headers={"Retry-After": "7"}))
    made = await start(endpoint=server.url)

    with pytest.raises(RetryableError, match=f"{server.url}/v1/traces: HTTP status {status}") as failure:
        await made.exporter.push(make_batch())
    assert (7.0 if status in (429, 503) else None) == failure.value.retry_after


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, ""), (401, "check headers or auth"), (404, "is the path right"), (413, "smaller batches"), (500, "")],
)
async def test_statuses_that_are_final(start, answering, status, advice):
    """The error has what the backend says and what to do about it."""
    body = Status(message="I do not like it").SerializeToString()
    server = await answering(lambda: web.Response(status=status, body=body, content_type=PROTOBUF))
    made = await start(endpoint=server.url)

    with pytest.raises(PermanentError, match=f"HTTP status {status}: I do not like it.*{advice}") as failure:
        await made.exporter.push(make_batch())
    assert f"http_{status}" == failure.value.reason


async def test_a_wrong_path(start):
    """The real answer of a server that does not know the path."""
    async with OtlpBackend() as backend:
        made = await start(traces_endpoint=f"{backend.http_endpoint}/v2/traces")
        with pytest.raises(PermanentError, match=r"/v2/traces: HTTP status 404 .is the path right") as failure:
            await made.exporter.push(make_batch())

    assert StatusCode.UNIMPLEMENTED == failure.value.code


async def test_a_redirect(start, answering):
    """It is not followed; the error names the place, without what may be secret in it."""
    server = await answering(
        lambda: web.Response(status=301, headers={"Location": "https://other/v1/traces?key=secret"})
    )
    made = await start(endpoint=server.url)

    with pytest.raises(PermanentError, match="redirected to https://other/v1/traces: set that") as failure:
        await made.exporter.push(make_batch())
    assert "secret" not in str(failure.value)


async def test_a_slow_backend_is_given_up_and_tried_again(start):
    """An attempt ends with the timeout; the next one may succeed."""
    never = asyncio.Event()
    hangs = [True]

    async def handle(_request):
        if hangs and hangs.pop():
            await never.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made = await start(endpoint=url, timeout="100ms", retry_on_failure=FAST, sending_queue={"enabled": False})
    await made.delivery.consume(make_batch())
    never.set()
    await runner.cleanup()

    assert 1 == made.telemetry["otelcol_exporter_sent_spans"].total
    assert [(("data_type", "traces"), ("reason", "timeout"))] == list(made.telemetry["otelcol_exporter_retries"].values)


async def test_a_backend_that_comes_up_late_gets_everything_once(start):
    """What was consumed while nobody listened waits in the queue; nothing is lost and nothing sent twice."""
    port = free_port()
    made = await start(endpoint=f"http://127.0.0.1:{port}", retry_on_failure=FAST, sending_queue={"num_consumers": 4})
    expected = [f"span-{number}" for number in range(50)]
    for name in expected:
        await made.delivery.consume(make_batch(name))
    with pytest.raises(RetryableError, match="nothing listens there"):
        await made.exporter.push(make_batch())
    async with OtlpBackend(http_port=port) as backend:
        await backend.wait_for(50)
        await made.delivery.shutdown()

        assert sorted(expected) == sorted(span.name for span in backend.items(Signal.TRACES))
    assert 50 == made.telemetry["otelcol_exporter_sent_spans"].total


async def test_shutdown_without_start():
    """It is safe."""
    await create(Config(endpoint="http://localhost:4318"), make_settings("otlp_http")).shutdown()
