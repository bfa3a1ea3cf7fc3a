"""Both exporters against real servers."""

from contextlib import asynccontextmanager

import grpc
import pytest
from aiohttp import web

from collector.api import PartialError, PermanentError, RetryableError
from collector.data import Batch, Signal, set_attribute
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, make_settings, sample_batch
from collector.testing.backend import OtlpBackend
from collector.translate.jaeger import names, proto, thrift
from exporters.jaeger import FACTORY, Config
from exporters.jaeger import thrift_http as over_http


def names_of(found):
    return [
        (resource.resource.attributes[0].value.string_value, span.name)
        for resource in REQUESTS[Signal.TRACES].FromString(found.payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def batch_of(*services, bad=False):
    """Return a batch of a resource for each service; with a span of a bad id in the first."""
    request = REQUESTS[Signal.TRACES]()
    for service in services:
        resource = request.resource_spans.add()
        set_attribute(resource.resource.attributes, "service.name", service)
        resource.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="good")
    if bad:
        request.resource_spans[0].scope_spans[0].spans.add(trace_id=b"t", span_id=b"s" * 8, name="bad")
    return Batch(Signal.TRACES, request.SerializeToString())


class Server:
    """Jaeger's collector, as far as it takes spans."""

    def __init__(self):
        self.requests = []
        self.status = 202
        self.code = None
        self.endpoint = ""

    async def post_spans(self, request, context):
        self.requests.append(request)
        if self.code is not None:
            await context.abort(self.code, "no")
        return b""

    async def post(self, request):
        self.requests.append(await request.read())
        assert "application/x-thrift" == request.headers["Content-Type"]
        return web.Response(status=self.status, text="because" if self.status != 202 else "")


@asynccontextmanager
async def grpc_server():
    server, jaeger = grpc.aio.server(), Server()
    service, method = names.POST_SPANS[1:].split("/")
    handler = grpc.unary_unary_rpc_method_handler(jaeger.post_spans)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    jaeger.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield jaeger
    finally:
        await server.stop(None)


@asynccontextmanager
async def http_server():
    jaeger, application = Server(), web.Application()
    application.router.add_post("/api/traces", jaeger.post)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    jaeger.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/api/traces"
    try:
        yield jaeger
    finally:
        await runner.cleanup()


@asynccontextmanager
async def exporting(module_factory, **options):
    config = module_factory.config.model_validate(options)
    exporter = module_factory.create(config, make_settings("jaeger", signals=module_factory.signals))
    await exporter.start(FakeHost())
    try:
        yield exporter
    finally:
        await exporter.shutdown()


def v2(endpoint):
    return exporting(FACTORY, endpoint=endpoint, protocol="grpc_v2", tls={"insecure": True})


async def test_otlp_goes_as_it_is():
    batch = sample_batch(Signal.TRACES)
    async with OtlpBackend() as backend:
        async with exporting(FACTORY, endpoint=backend.grpc_endpoint, tls={"insecure": True}) as exporter:
            await exporter.push(batch)
        assert [batch.payload] == [received.payload for received in backend.batches]


@pytest.mark.parametrize(
    ("options", "spoken"),
    [
        ({"endpoint": "jaeger:4317"}, "otlp"),
        ({"endpoint": "jaeger:14250"}, "grpc_v2"),
        ({"endpoint": "jaeger:14250", "protocol": "otlp"}, "otlp"),
        ({"endpoint": "jaeger:4317", "protocol": "grpc_v2"}, "grpc_v2"),
    ],
)
def test_the_protocol(options, spoken):
    """Files that were written for the exporter which the Go collector once had name port 14250."""
    assert spoken == Config.model_validate(options).spoken


async def test_api_v2():
    async with grpc_server() as jaeger, v2(jaeger.endpoint) as exporter:
        await exporter.push(batch_of("shop", "store"))
        (request,) = jaeger.requests
    assert [("shop", "good"), ("store", "good")] == names_of(proto.translate_post_spans(request))


async def test_thrift():
    async with http_server() as jaeger, exporting(over_http.FACTORY, endpoint=jaeger.endpoint) as exporter:
        await exporter.push(batch_of("shop", "store"))
    assert [[("shop", "good")], [("store", "good")]] == [
        names_of(thrift.translate_batch(body)) for body in jaeger.requests
    ]


async def test_what_cannot_be_told_is_refused_alone():
    async with grpc_server() as jaeger, v2(jaeger.endpoint) as exporter:
        with pytest.raises(PartialError, match="1 spans cannot be told to Jaeger") as caught:
            await exporter.push(batch_of("shop", bad=True))
        assert (1, "invalid_id") == (caught.value.rejected, caught.value.reason)
        assert [("shop", "good")] == names_of(proto.translate_post_spans(jaeger.requests[0]))
    async with http_server() as jaeger, exporting(over_http.FACTORY, endpoint=jaeger.endpoint) as exporter:
        with pytest.raises(PartialError, match="1 spans cannot be told to Jaeger"):
            await exporter.push(batch_of("shop", bad=True))


async def test_where_nothing_is_left_nothing_is_sent():
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t")
    batch = Batch(Signal.TRACES, request.SerializeToString())
    async with grpc_server() as jaeger, v2(jaeger.endpoint) as exporter:
        with pytest.raises(PermanentError, match="1 spans cannot be told"):
            await exporter.push(batch)
        await exporter.push(Batch(Signal.TRACES, b""))
    assert [] == jaeger.requests


@pytest.mark.parametrize(("code", "error"), [("UNAVAILABLE", RetryableError), ("INVALID_ARGUMENT", PermanentError)])
async def test_what_the_server_refuses(code, error):
    async with grpc_server() as jaeger, v2(jaeger.endpoint) as exporter:
        jaeger.code = grpc.StatusCode[code]
        with pytest.raises(error, match=code):
            await exporter.push(batch_of("shop"))


async def test_a_server_of_the_other_protocol():
    async with (
        grpc_server() as jaeger,
        exporting(FACTORY, endpoint=jaeger.endpoint, tls={"insecure": True}) as exporter,
    ):
        with pytest.raises(PermanentError, match="does not take otlp: check the port, or set protocol to grpc_v2"):
            await exporter.push(batch_of("shop"))
    async with OtlpBackend() as backend, v2(backend.grpc_endpoint) as exporter:
        with pytest.raises(PermanentError, match="does not take grpc_v2: check the port, or set protocol to otlp"):
            await exporter.push(batch_of("shop"))


async def test_a_refusal_of_otlp_is_passed_on():
    async with OtlpBackend() as backend:
        backend.refusal = grpc.StatusCode.UNAVAILABLE
        async with exporting(FACTORY, endpoint=backend.grpc_endpoint, tls={"insecure": True}) as exporter:
            with pytest.raises(RetryableError):
                await exporter.push(batch_of("shop"))


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (400, PermanentError, "HTTP status 400: because"),
        (404, PermanentError, "is the path right"),
        (500, RetryableError, "HTTP status 500: because"),
        (503, RetryableError, "HTTP status 503"),
    ],
)
async def test_answers_of_http(status, error, message):
    async with http_server() as jaeger, exporting(over_http.FACTORY, endpoint=jaeger.endpoint) as exporter:
        jaeger.status = status
        with pytest.raises(error, match=message):
            await exporter.push(batch_of("shop"))


@pytest.mark.parametrize("factory", [FACTORY, over_http.FACTORY])
def test_an_endpoint_is_needed(factory):
    with pytest.raises(ValueError, match="endpoint"):
        factory.config.model_validate({})


def test_what_they_are_called():
    assert "jaeger:4317" in repr(FACTORY.create(Config(endpoint="jaeger:4317"), make_settings("jaeger")))
    config = over_http.Config(endpoint="http://user:secret@jaeger:14268/api/traces")
    assert "secret" not in repr(over_http.FACTORY.create(config, make_settings("jaeger_thrift")))
