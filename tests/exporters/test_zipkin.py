"""The exporter `zipkin`, against a server that plays Zipkin."""

import json
from types import SimpleNamespace

import pytest
from aiohttp import web
from pydantic import ValidationError

from collector.api import PartialError, PermanentError, RetryableError
from collector.data import Signal
from collector.data.messages import Span
from collector.delivery import Delivery
from collector.testing import FakeHost, RecordingTelemetry, make_batch, make_settings, sample_batch
from collector.translate.zipkin.v2_json import read_json
from collector.translate.zipkin.v2_proto import read_proto
from exporters.zipkin import FACTORY, Config, create

BAD = Span(name="bad")
GOOD = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="good")


@pytest.fixture
async def zipkin():
    """Run a server; `answers` are given one after the other, then 202 for ever, `seen` are the requests."""
    seen, answers = [], []

    async def handle(request):
        seen.append(SimpleNamespace(body=await request.read(), headers=request.headers, path=request.path))
        return answers.pop(0) if answers else web.Response(status=202)

    runner = web.ServerRunner(web.Server(handle, auto_decompress=False))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/v2/spans", seen=seen, answers=answers)
    await runner.cleanup()


@pytest.fixture
async def start(zipkin):
    """Return a function that starts an exporter of these options."""
    parts = []

    async def begin(**options):
        settings = make_settings("zipkin", telemetry=RecordingTelemetry(), signals=FACTORY.signals)
        config = Config(endpoint=zipkin.url, **options)
        exporter = create(config, settings)
        delivery = Delivery(exporter, config, settings)
        parts.extend([delivery, exporter])
        await exporter.start(FakeHost())
        await delivery.start(FakeHost())
        return SimpleNamespace(exporter=exporter, delivery=delivery, telemetry=settings.telemetry)

    yield begin
    for part in parts:
        await part.shutdown()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "endpoint must not be empty"),
        ({"endpoint": "localhost"}, "must be a valid URL"),
        ({"endpoint": "http://localhost:9411", "format": "thrift"}, "'json' or 'proto'"),
    ],
)
def test_bad_options(config, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(config)


def test_the_defaults_are_those_of_the_go_collector():
    config = Config(endpoint="http://localhost:9411/api/v2/spans")
    assert (5.0, "json", "<missing service name>") == (config.timeout, config.format, config.default_service_name)
    assert frozenset({Signal.TRACES}) == FACTORY.signals


@pytest.mark.parametrize(
    ("form", "content_type", "read"),
    [("json", "application/json", read_json), ("proto", "application/x-protobuf", read_proto)],
)
async def test_a_batch_is_a_request(zipkin, start, form, content_type, read):
    made = await start(format=form)
    await made.exporter.push(sample_batch(Signal.TRACES))
    (request,) = zipkin.seen
    assert ("/api/v2/spans", content_type) == (request.path, request.headers["Content-Type"])
    assert "Content-Encoding" not in request.headers
    first, *others = read(request.body)
    assert ("GET /orders", "SERVER", "shop", 5_000) == (first.name, first.kind, first.local.service, first.duration)
    assert 2 == len(others)


@pytest.mark.parametrize(
    ("options", "service"), [({}, "OTLPResourceNoServiceName"), ({"default_service_name": "shop"}, "shop")]
)
async def test_a_span_without_a_service(zipkin, start, options, service):
    """Unless a name is chosen, it is the one that receivers know to mean none."""
    made = await start(**options)
    await made.exporter.push(make_batch(Signal.TRACES, [GOOD]))
    assert service == json.loads(zipkin.seen[0].body)[0]["localEndpoint"]["serviceName"]


async def test_spans_without_ids_do_not_cost_the_others(zipkin, start):
    made = await start()
    with pytest.raises(PartialError, match="1 spans cannot be told to Zipkin") as caught:
        await made.exporter.push(make_batch(Signal.TRACES, [BAD, GOOD]))
    assert (1, "invalid_id") == (caught.value.rejected, caught.value.reason)
    assert ["good"] == [span["name"] for span in json.loads(zipkin.seen[0].body)]


async def test_nothing_is_sent_of_nothing(zipkin, start):
    made = await start()
    with pytest.raises(PermanentError, match="TraceID is invalid"):
        await made.exporter.push(make_batch(Signal.TRACES, [BAD]))
    assert [] == zipkin.seen


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ({"status": 400, "text": "Cannot parse JSON"}, PermanentError, "HTTP status 400: Cannot parse JSON"),
        ({"status": 404}, PermanentError, "is the path right"),
        ({"status": 413}, PermanentError, "send smaller batches"),
        (
            {"status": 302, "headers": {"Location": "https://u:p@there/?k=v"}},
            PermanentError,
            "redirected to https://there/:",
        ),
        ({"status": 429, "headers": {"Retry-After": "7"}}, RetryableError, "HTTP status 429"),
        ({"status": 500}, RetryableError, "HTTP status 500"),
        ({"status": 503}, RetryableError, "HTTP status 503"),
        ({"status": 400, "text": "x" * 100_000}, PermanentError, "HTTP status 400"),
    ],
)
async def test_what_the_server_refuses(zipkin, start, answer, error, message):
    zipkin.answers.append(web.Response(**answer))
    made = await start()
    with pytest.raises(error, match=message) as caught:
        await made.exporter.push(sample_batch(Signal.TRACES))
    assert len(str(caught.value)) < 500
    if "Retry-After" in answer.get("headers", {}):
        assert 7.0 == caught.value.retry_after


async def test_a_delivery_is_tried_again(zipkin, start):
    zipkin.answers.extend([web.Response(status=500), web.Response(status=503)])
    retry = {"initial_interval": "10ms", "max_interval": "10ms"}
    made = await start(retry_on_failure=retry, sending_queue={"enabled": False})
    await made.delivery.consume(sample_batch(Signal.TRACES))
    assert 3 == len(zipkin.seen)
    assert 1 == len({request.body for request in zipkin.seen})


async def test_nobody_listens(start, unused_tcp_port):
    exporter = create(Config(endpoint=f"http://127.0.0.1:{unused_tcp_port}/"), make_settings("zipkin"))
    await exporter.start(FakeHost())
    try:
        with pytest.raises(RetryableError, match="nothing listens there"):
            await exporter.push(sample_batch(Signal.TRACES))
    finally:
        await exporter.shutdown()
        await exporter.shutdown()


def test_repr_hides_secrets():
    exporter = create(Config(endpoint="http://u:secret@zipkin:9411/api/v2/spans?key=secret"), make_settings("zipkin"))
    assert "ZipkinExporter(http://zipkin:9411/api/v2/spans)" == repr(exporter)
