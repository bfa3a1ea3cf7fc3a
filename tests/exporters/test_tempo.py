import asyncio
import base64
from types import SimpleNamespace

import grpc
import pytest
import structlog
from aiohttp import web
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.api import ComponentId, Idle, PartialError, PermanentError, RetryableError, StatusCode
from collector.data import Batch, Client, Signal, merge, set_attribute
from collector.data.messages import REQUESTS, RESPONSES, SERVICES
from collector.delivery import Delivery
from collector.net.status import status_of
from collector.testing import FakeHost, RecordingTelemetry, make_settings
from collector.testing.backend import OtlpBackend
from collector.testing.samples import items_of, sample_batch
from exporters.tempo import FACTORY, Config, create
from exporters.tempo.config import is_tenant
from exporters.tempo.refusals import explained
from exporters.tempo.tenants import Tenants

PROTOCOLS = ("grpc", "http")
FAST = {"initial_interval": "20ms", "max_interval": "50ms"}
TENANT = "x-scope-orgid"


def traces(*teams, spans=1, client=None):
    """Return a batch with a resource for each team, each with so many spans called `<team>-<resource>-<number>`."""
    request = REQUESTS[Signal.TRACES]()
    for number, team in enumerate(teams):
        resource = request.resource_spans.add()
        if team is not None:
            set_attribute(resource.resource.attributes, "team", team)
        scope = resource.scope_spans.add()
        for index in range(spans):
            scope.spans.add(trace_id=bytes(15) + b"\1", span_id=bytes(7) + b"\1", name=f"{team}-{number}-{index}")
    return Batch(Signal.TRACES, request.SerializeToString(), client or Client())


def names(batch):
    return [span.name for span in items_of(batch)]


def tenant_of(batch):
    return batch.client.metadata.get(TENANT, (None,))[0]


def by_tenant(batches):
    """Return the names of the spans that each tenant was sent, in order."""
    found = {}
    for batch in batches:
        found.setdefault(tenant_of(batch), []).extend(names(batch))
    return found


def endpoint_of(backend, protocol):
    return backend.grpc_endpoint if protocol == "grpc" else backend.http_endpoint


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
async def start(protocol):
    """Return a function that starts an exporter with the delivery around it, over each protocol."""
    parts = []

    async def begin(endpoint, host=None, **options):
        if protocol == "grpc":
            options = {"tls": {"insecure": True}, **options}
        config = Config.model_validate({"endpoint": endpoint, "protocol": protocol, **options})
        telemetry = RecordingTelemetry()
        component = make_settings("tempo/main", telemetry=telemetry, signals=frozenset({Signal.TRACES}))
        exporter = create(config, component)
        delivery = Delivery(exporter, config, component)
        parts.extend([delivery, exporter])
        await exporter.start(host or FakeHost())
        await delivery.start(FakeHost())
        return SimpleNamespace(exporter=exporter, delivery=delivery, telemetry=telemetry)

    yield begin
    for part in parts:
        await part.shutdown()


class FakeTempo:
    """Answers requests as Tempo does, over both protocols: those that `refusing` is true of with a refusal.

    `refusing` is asked with the tenant. A refusal has a gRPC `code` or an HTTP `status`, a text, and the delay of a
    RetryInfo; without a status nothing is refused. `batches` has what was taken, `asked` the tenants of all requests.
    """

    def __init__(self, code=None, status=None, text="", delay=None, content_type="application/x-protobuf"):
        self.code, self.status, self.text, self.delay, self.content_type = code, status, text, delay, content_type
        self.refusing = lambda tenant: status is not None
        self.answer = b""
        self.headers = {} if delay is None else {"Retry-After": str(int(delay))}
        self.batches = []
        self.asked = []

    async def __aenter__(self):
        self._grpc = grpc.aio.server()
        service, method = SERVICES[Signal.TRACES][1:].rsplit("/", 1)
        handlers = {method: grpc.unary_unary_rpc_method_handler(self._call)}
        self._grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self.grpc_endpoint = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"
        await self._grpc.start()
        application = web.Application()
        application.router.add_post("/v1/traces", self._post)
        self._http = web.AppRunner(application, access_log=None)
        await self._http.setup()
        await web.TCPSite(self._http, "127.0.0.1", 0).start()
        self.http_endpoint = f"http://127.0.0.1:{self._http.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._grpc.stop(None)
        await self._http.cleanup()

    def _takes(self, body, tenant):
        self.asked.append(tenant)
        if self.refusing(tenant):
            return False
        self.batches.append(Batch(Signal.TRACES, body, Client(metadata={TENANT: (tenant,)})))
        return True

    async def _call(self, request, context):
        metadata = dict(context.invocation_metadata())
        if self._takes(request, metadata.get(TENANT)):
            return self.answer
        details = ()
        if self.delay is not None:
            error = RetryableError(self.text, code=StatusCode(self.code.value[0]), retry_after=self.delay)
            details = (("grpc-status-details-bin", status_of(error).SerializeToString()),)
        return await context.abort(self.code, self.text, details)

    async def _post(self, request):
        if self._takes(await request.read(), request.headers.get(TENANT)):
            return web.Response(body=self.answer, content_type=self.content_type)
        body = Status(message=self.text).SerializeToString() if "protobuf" in self.content_type else self.text.encode()
        return web.Response(status=self.status, body=body, content_type=self.content_type, headers=self.headers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'requires a non-empty "endpoint"'),
        ({"endpoint": "tempo"}, "missing port in address"),
        ({"endpoint": "tempo::x", "protocol": "http"}, "must be a valid URL"),
        ({"endpoint": "tempo:4317", "http": {"cookies": {}}}, "set protocol: http, or remove them"),
        ({"endpoint": "http://tempo:4318", "protocol": "http", "wait_for_ready": True}, "is for protocol grpc"),
        ({"endpoint": "http://tempo:4318", "protocol": "http", "http": {"tls": {"insecure": True}}}, "beside http"),
        (
            {"endpoint": "http://t:1", "protocol": "http", "http": {"compression_params": {"level": 99}}},
            "level 99 is not one of gzip",
        ),
        ({"endpoint": "tempo:4317", "tenant": "a/b"}, "is no name of a tenant"),
        ({"endpoint": "tempo:4317", "basic_auth": {"username": "a:b", "password": "c"}}, "nor have a colon"),
        (
            {"endpoint": "tempo:4317", "bearer_token": "a", "basic_auth": {"username": "b", "password": "c"}},
            "basic_auth and bearer_token say who sends",
        ),
        (
            {"endpoint": "tempo:4317", "bearer_token": "a", "headers": {"Authorization": "b"}},
            "bearer_token and headers.authorization say who sends",
        ),
        ({"endpoint": "tempo:4317", "tenant": "a", "headers": {"X-Scope-OrgID": "b"}}, "remove it there"),
        (
            {"endpoint": "tempo:4317", "tenant_from_metadata": "X-Team", "sending_queue": {"batch": {}}},
            "add x-team to its partition.metadata_keys",
        ),
    ],
)
def test_what_does_not_go_together(options, message):
    """The message says what to change."""
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)


def test_secrets_are_not_shown():
    config = Config.model_validate({"endpoint": "tempo:4317", "bearer_token": "hush"})
    assert "hush" not in repr(config)
    assert "hush" not in repr(create(config, make_settings("tempo")))


def test_defaults_and_what_is_written_out_is_valid():
    """A request stays below what Tempo's OTLP receiver takes; `print-config` writes every option of either protocol."""
    config = Config.model_validate({"endpoint": "tempo:4318", "protocol": "http", "http": {}})
    dumped = config.model_dump(exclude_none=True, exclude={"http": {"keepalive"}})

    assert 4_000_000 == config.max_request_bytes <= 4 * 1024 * 1024
    assert config == Config.model_validate(dumped)
    assert ("tempo", {Signal.TRACES}) == (FACTORY.type, FACTORY.signals)


def test_the_url():
    """`host:port` is a URL as for other exporters, and the options of HTTP alone arrive at the client."""
    config = Config.model_validate(
        {"endpoint": "tempo:4318", "protocol": "http", "compression": "zstd", "http": {"max_conns_per_host": 3}}
    )
    client = config.http_client
    assert ("http://tempo:4318", "zstd", 3) == (client.endpoint, client.compression, client.max_conns_per_host)


async def test_a_small_batch_of_one_tenant_arrives_as_it_is(start, protocol):
    """Its bytes are untouched, and the header says whose it is."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant="shop")
        batch = sample_batch(Signal.TRACES)
        [part] = await made.exporter.divide(batch)
        await made.exporter.push(part)

        [arrived] = backend.batches
        assert part is batch
        assert (batch.payload, protocol, "shop") == (arrived.payload, arrived.client.transport, tenant_of(arrived))


async def test_without_a_tenant_no_header_is_sent(start, protocol):
    """A Tempo with one tenant wants none; what the sender wrote into that header is not handed on unasked."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant_from_resource="team")
        await made.delivery.consume(traces(None, client=Client(metadata={TENANT: ("sneaky",)})))
        await backend.wait_for(1)

        assert TENANT not in backend.batches[0].client.metadata


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"bearer_token": "hush"}, "Bearer hush"),
        (
            {"basic_auth": {"username": "7", "password": "zürich"}},
            f"Basic {base64.b64encode('7:zürich'.encode()).decode()}",
        ),
        ({"headers": {"Authorization": "Other x"}}, "Other x"),
    ],
)
async def test_credentials(start, protocol, options, expected):
    """They stand beside the tenant, whether it varies or not."""
    async with OtlpBackend() as backend:
        for tenant in ({"tenant": "shop"}, {"tenant": "shop", "tenant_from_resource": "team"}):
            made = await start(endpoint_of(backend, protocol), **options, **tenant)
            await made.delivery.consume(sample_batch(Signal.TRACES))
        await backend.wait_for(6)

        seen = [(batch.client.metadata["authorization"], tenant_of(batch)) for batch in backend.batches]
        assert [((expected,), "shop")] * 2 == seen


class Signer(Idle):
    async def request_headers(self, client):
        return {"authorization": f"Signed {client.address}"}


@pytest.mark.parametrize("tenant", [{"tenant": "a"}, {"tenant_from_resource": "team"}])
async def test_an_extension_signs_too(start, protocol, tenant):
    """The `auth` block works whether the tenant varies or not, and is told whose data it is."""
    host = FakeHost({ComponentId.parse("signer"): Signer()})
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), host, auth={"authenticator": "signer"}, **tenant)
        await made.delivery.consume(traces("a", client=Client("10.0.0.7")))
        await backend.wait_for(1)

        [arrived] = backend.batches
        assert ("a", ("Signed 10.0.0.7",)) == (tenant_of(arrived), arrived.client.metadata["authorization"])


async def test_division_by_a_resource_attribute(start, protocol):
    """Each tenant is sent its spans in their order, in one request; numbers are names, too; the rest has the fallback."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant="rest", tenant_from_resource="team")
        await made.delivery.consume(traces("a", "b", None, "a", 7, "", spans=2))
        await backend.wait_for(12)

        assert 4 == len(backend.batches)
        assert {
            "a": ["a-0-0", "a-0-1", "a-3-0", "a-3-1"],
            "b": ["b-1-0", "b-1-1"],
            "7": ["7-4-0", "7-4-1"],
            "rest": ["None-2-0", "None-2-1", "-5-0", "-5-1"],
        } == by_tenant(backend.batches)
        await made.delivery.shutdown()
        assert 12 == made.telemetry["otelcol_exporter_sent_spans"].total


async def test_the_tenant_of_an_incoming_header(start, protocol):
    """It stands between the resource's and the fixed one."""
    async with OtlpBackend() as backend:
        made = await start(
            endpoint_of(backend, protocol), tenant="rest", tenant_from_resource="team", tenant_from_metadata="X-Team"
        )
        await made.delivery.consume(traces("a", None, client=Client(metadata={"x-team": ("sender",)})))
        await made.delivery.consume(traces(None))
        await backend.wait_for(3)

        assert {"a": ["a-0-0"], "sender": ["None-1-0"], "rest": ["None-0-0"]} == by_tenant(backend.batches)


async def test_the_tenant_of_a_header_through_the_queue_s_batching(start, protocol):
    """Requests of one tenant are merged, those of two are not."""
    batching = {"batch": {"flush_timeout": "50ms", "partition": {"metadata_keys": ["x-team"]}}}
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant_from_metadata="x-team", sending_queue=batching)
        for team in ("a", "b", "a"):
            await made.delivery.consume(traces(team, client=Client(metadata={"x-team": (team,)})))
        await backend.wait_for(3)

        assert {"a": ["a-0-0", "a-0-0"], "b": ["b-0-0"]} == by_tenant(backend.batches)
        assert 2 == len(backend.batches)


@pytest.mark.parametrize("tenant", ["a/b", "..", "x\r\nauthorization: evil", "ä", "t" * 151])
async def test_a_name_that_is_none_costs_its_own_spans_only(start, protocol, tenant):
    """It is never sent, and never stored with another tenant's."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant="rest", tenant_from_resource="team")
        await made.delivery.consume(traces("a", tenant))
        await made.delivery.shutdown()

        assert {"a": ["a-0-0"]} == by_tenant(backend.batches)
    assert {(("reason", "invalid_tenant"),): 1} == made.telemetry["otelcol_exporter_send_failed_spans"].values


@pytest.mark.parametrize(("tenant", "is_one"), [("a.b!-_*'()", True), (".", False), ("a\n", False), ("...", True)])
def test_names_of_tenants(tenant, is_one):
    assert is_one == is_tenant(tenant)


async def test_two_values_of_a_header_are_no_tenant(start, protocol):
    """Whoever sends both may mean either."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant_from_metadata="x-team")
        [part] = await made.exporter.divide(traces(None, client=Client(metadata={"x-team": ("a", "b")})))
        with pytest.raises(PermanentError, match="'a, b' is no name of a tenant"):
            await made.exporter.push(part)


async def test_division_by_size(start, protocol):
    """No request is larger than allowed, where a span is not; each span is sent once, to its tenant."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant_from_resource="team", max_request_bytes=500)
        batch = traces("a", "b", "a", spans=50)
        assert 5 * 500 < len(batch.payload)
        await made.delivery.consume(batch)
        await backend.wait_for(150)

        assert max(len(arrived.payload) for arrived in backend.batches) <= 500
        found = {tenant: sorted(spans) for tenant, spans in by_tenant(backend.batches).items()}
        expected = {"a": [f"a-{n}-{i}" for n in (0, 2) for i in range(50)], "b": [f"b-1-{i}" for i in range(50)]}
        assert {tenant: sorted(spans) for tenant, spans in expected.items()} == found


async def test_large_batches_are_divided_in_a_thread_with_the_same_outcome(start, protocol):
    """Beyond what is done at once in the event loop."""
    async with OtlpBackend() as backend:
        made = await start(endpoint_of(backend, protocol), tenant_from_resource="team", max_request_bytes=100_000)
        batch = merge([traces("a", "b", spans=5000)])
        assert 256 * 1024 < len(batch.payload)
        await made.delivery.consume(batch)
        await backend.wait_for(10_000)

        assert sorted(names(batch)) == sorted(name for arrived in backend.batches for name in names(arrived))
        assert {"a", "b"} == by_tenant(backend.batches).keys()


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=8),
    st.integers(min_value=0, max_value=3),
    st.integers(min_value=0, max_value=300),
)
@settings(max_examples=60, deadline=None)
def test_parts_hold_everything_once(teams, spans, limit):
    """By tenant and by size, with counts that are right."""
    batch = traces(*teams, spans=spans)
    config = Config(endpoint="t:1", tenant="rest", tenant_from_resource="team", max_request_bytes=limit)
    parts = asyncio.run(create(config, make_settings("tempo")).divide(batch))

    assert sorted(names(batch)) == sorted(name for part in parts for name in names(part))
    for part in parts:
        assert part.count == len(names(part))
        assert {name.split("-")[0] for name in names(part)} <= {tenant_of(part), "None"}
        assert not limit or len(part.payload) <= limit or part.count <= 1


async def test_what_has_its_tenant_already_stays_the_same_batch():
    """The incoming header may be Tempo's own."""
    tenants = Tenants(Config(endpoint="t:1", tenant_from_metadata="X-Scope-OrgID"))
    batch = traces("a", client=Client(metadata={TENANT: ("shop",)}))
    [part] = await tenants.divide(batch)
    assert batch is part


async def test_a_tenant_over_its_limit_does_not_hold_up_the_others(start, protocol):
    """What was taken is not sent again while a part waits, and the part arrives once it may."""
    limited = FakeTempo(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "RATE_LIMITED: ingestion rate limit exceeded")
    async with limited as tempo:
        tempo.refusing = lambda tenant: tenant == "b" and tempo.asked.count("b") < 4
        made = await start(
            endpoint_of(tempo, protocol), compression="none", tenant_from_resource="team", retry_on_failure=FAST
        )
        await made.delivery.consume(traces("a", "b", "c", spans=2))
        async with asyncio.timeout(30):
            while made.telemetry["otelcol_exporter_sent_spans"].total < 6:  # noqa: ASYNC110 - nothing signals an answer
                await asyncio.sleep(0)

    assert ["a", "b", "b", "b", "b", "c"] == sorted(tempo.asked)
    assert ["a", "c", "b"] == [tenant_of(batch) for batch in tempo.batches]
    assert {(("data_type", "traces"), ("reason", "rate_limited")): 3} == {
        tuple(pair for pair in labels if pair[0] != "exporter"): value
        for labels, value in made.telemetry["otelcol_exporter_retries"].values.items()
    }


REFUSALS = {
    "rate": (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        429,
        "RATE_LIMITED: ingestion rate limit (local: 15000000 bytes, global: 0 bytes) exceeded while adding 10 bytes",
        RetryableError,
        "rate_limited",
        "ingestion rate and burst",
    ),
    "live": (
        grpc.StatusCode.FAILED_PRECONDITION,
        500,
        "LIVE_TRACES_EXCEEDED: max live traces exceeded for tenant shop: per-user traces limit (local: 1) exceeded",
        RetryableError,
        "live_traces_exceeded",
        "max_traces_per_user",
    ),
    "trace": (
        grpc.StatusCode.FAILED_PRECONDITION,
        500,
        "TRACE_TOO_LARGE: max size of trace (5000000) exceeded while adding 387 bytes to trace 00 for tenant shop",
        PermanentError,
        "trace_too_large",
        "max_bytes_per_trace",
    ),
    "tenant": (grpc.StatusCode.UNAVAILABLE, 503, "no org id", PermanentError, "no_tenant", "set tenant"),
    "tenant-before": (grpc.StatusCode.UNKNOWN, 401, "no org id", PermanentError, "no_tenant", "set tenant"),
    "size": (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        429,
        "grpc: received message after decompression larger than max (5089930 vs. 4194304)",
        PermanentError,
        "request_too_large",
        "lower max_request_bytes",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("content_type", ["application/x-protobuf", "text/plain"])
async def test_refusals_say_what_to_do(start, protocol, refusal, content_type):
    """As Tempo gives them, or a gateway before it in plain text: whether to try again, and under which reason."""
    code, status, text, kind, reason, advice = refusal
    async with FakeTempo(code, status, text, content_type=content_type) as tempo:
        made = await start(endpoint_of(tempo, protocol))
        with pytest.raises(kind, match=advice) as failure:
            await made.exporter.push(sample_batch(Signal.TRACES))

    assert (reason, kind) == (failure.value.reason, type(failure.value))
    assert text in str(failure.value)


async def test_tempo_says_when_to_come_back(start, protocol):
    """A RetryInfo, or Retry-After."""
    limited = FakeTempo(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "RATE_LIMITED: too much", 5.0)
    async with limited as tempo:
        made = await start(endpoint_of(tempo, protocol))
        with pytest.raises(RetryableError) as failure:
            await made.exporter.push(sample_batch(Signal.TRACES))

    assert (5.0, StatusCode.RESOURCE_EXHAUSTED) == (failure.value.retry_after, failure.value.code)


def test_other_errors_stay():
    error = RetryableError("tempo:4317: UNAVAILABLE: nothing listens there")
    assert error is explained(error)


async def test_the_operator_is_told_once(start, protocol):
    """One line, with the reason that metrics have and without secrets."""
    async with FakeTempo(grpc.StatusCode.UNAVAILABLE, 503, "no org id") as tempo:
        with structlog.testing.capture_logs() as lines:
            made = await start(endpoint_of(tempo, protocol), bearer_token="hush")
            for _ in range(3):
                await made.delivery.consume(sample_batch(Signal.TRACES))
            await made.delivery.shutdown()

    [line] = lines
    assert ("error", "no_tenant") == (line["log_level"], line["reason"])
    assert "hush" not in str(line)
    assert {(("reason", "no_tenant"),): 9} == made.telemetry["otelcol_exporter_send_failed_spans"].values


@pytest.mark.parametrize(("rejected", "message"), [(2, "too old"), (0, "use newer conventions")])
async def test_a_partial_success(start, protocol, rejected, message):
    """With a number it is a partial error, with a message only it is logged."""
    answer = RESPONSES[Signal.TRACES]()
    answer.partial_success.rejected_spans, answer.partial_success.error_message = rejected, message
    async with FakeTempo() as tempo:
        tempo.answer = answer.SerializeToString()
        with structlog.testing.capture_logs() as lines:
            made = await start(endpoint_of(tempo, protocol))
            if rejected:
                with pytest.raises(PartialError, match="Tempo refused 2 spans: too old"):
                    await made.exporter.push(sample_batch(Signal.TRACES))
            else:
                await made.exporter.push(sample_batch(Signal.TRACES))

    assert ([] if rejected else [message]) == [line["message"] for line in lines]


@pytest.mark.parametrize("protocol", ["http"], indirect=True)
@pytest.mark.parametrize("answer", [b"<html>log in</html>", b"x" * 100_000])
async def test_a_yes_that_is_not_tempo_s(start, answer):
    """A page to log in is answered with 200, too; it has stored nothing."""
    async with FakeTempo(content_type="text/html") as tempo:
        tempo.answer = answer
        made = await start(tempo.http_endpoint)
        with pytest.raises(PermanentError, match="is the URL right"):
            await made.exporter.push(sample_batch(Signal.TRACES))


@pytest.mark.parametrize("protocol", ["http"], indirect=True)
async def test_a_redirect_is_not_followed(start):
    """What is sent may be meant for one host only."""
    async with FakeTempo(None, 307, "") as tempo:
        tempo.headers = {"Location": "https://user:secret@elsewhere/v1/traces?key=secret"}
        made = await start(tempo.http_endpoint)
        with pytest.raises(PermanentError, match="redirected to https://elsewhere/v1/traces: set that") as failure:
            await made.exporter.push(sample_batch(Signal.TRACES))
    assert "secret" not in str(failure.value)


async def test_shutdown_without_start(start, protocol):
    """It is safe, and the exporter shows where it sends."""
    exporter = create(Config(endpoint="tempo:4317", protocol=protocol), make_settings("tempo"))
    await exporter.shutdown()

    assert repr(exporter).startswith("TempoExporter(")
    assert "tempo:4317" in repr(exporter)
