"""The receiver `otlp`: all signals over gRPC and HTTP, with what it answers."""

import asyncio
import gzip
import json
import os
from contextlib import asynccontextmanager

import aiohttp
import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from collector.api import PartialError, PermanentError, RetryableError, StartError, StatusCode
from collector.data import Signal, otlp_json
from collector.data.messages import REQUESTS, RESPONSES, SERVICES
from collector.testing import FakeHost, RecordingTelemetry, Sink, make_settings
from receivers.otlp import FACTORY, JSON, PROTOBUF, Config

BOTH = {"grpc": {"endpoint": "127.0.0.1:0"}, "http": {"endpoint": "127.0.0.1:0"}}
PATHS = {signal: f"/v1/{signal.value}" for signal in Signal}
TYPES = [PROTOBUF, JSON]
BUSY = RetryableError("busy", reason="full", code=StatusCode.RESOURCE_EXHAUSTED, retry_after=3.0)


def payload(signal, items=2):
    """Return a serialized request with so many spans, log records or data points."""
    request = REQUESTS[signal]()
    if signal is Signal.TRACES:
        scope = request.resource_spans.add().scope_spans.add()
        for _ in range(items):
            scope.spans.add(name="span", trace_id=os.urandom(16), span_id=os.urandom(8))
    elif signal is Signal.LOGS:
        scope = request.resource_logs.add().scope_logs.add()
        for _ in range(items):
            scope.log_records.add(severity_text="INFO")
    else:
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="metric")
        for number in range(items):
            metric.gauge.data_points.add(as_int=number)
    return request.SerializeToString()


class Running:
    """A running receiver and the ways to send to it."""

    def __init__(self, receiver, sink, telemetry):
        self.receiver = receiver
        self.sink = sink
        self.telemetry = telemetry

    @property
    def refused(self):
        values = self.telemetry["otelcol_receiver_refused_requests"].values
        return {tuple(dict(labels)[name] for name in ("transport", "reason")): n for labels, n in values.items()}

    def url(self, path="/v1/traces"):
        return "http://{}:{}{}".format(*self.receiver.http.address, path)

    async def call(self, body, signal=Signal.TRACES, **options):
        """Export over gRPC; return the parsed response."""
        async with grpc.aio.insecure_channel("{}:{}".format(*self.receiver.grpc.address)) as channel:
            response = await channel.unary_unary(SERVICES[signal])(body, timeout=30, **options)
        return RESPONSES[signal].FromString(response)

    async def failing_call(self, body, signal=Signal.TRACES, **options):
        """Export over gRPC; return the code and the `google.rpc.Status`."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(body, signal, **options)
        details = dict(caught.value.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return caught.value.code(), Status.FromString(details)

    async def post(self, body, signal=Signal.TRACES, media_type=PROTOBUF, **headers):
        """Export over HTTP; return the status, the body and the headers of the answer."""
        headers = {"Content-Type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url(PATHS[signal]), data=body, headers=headers) as answer,
        ):
            assert media_type == answer.headers["Content-Type"]
            return answer.status, await answer.read(), answer.headers


@asynccontextmanager
async def running(sink=None, protocols=None, signals=frozenset(Signal)):
    sink = sink or Sink()
    telemetry = RecordingTelemetry()
    settings = make_settings("otlp", telemetry=telemetry, signals=signals)
    receiver = FACTORY.create(Config.model_validate({"protocols": protocols or BOTH}), settings, sink)
    try:
        await receiver.start(FakeHost())
        yield Running(receiver, sink, telemetry)
    finally:
        await receiver.shutdown()


def encoded(signal, body, media_type):
    return otlp_json.encode(signal, body) if media_type == JSON else body


def parsed(message, body, media_type):
    """Return a response or a status that was answered in the request's media type, as plain data."""
    if media_type == JSON:
        return json.loads(body)
    from google.protobuf import json_format

    return json_format.MessageToDict(message.FromString(body))


class TestConfig:
    def test_the_defaults_are_those_of_the_go_collector(self):
        config = Config.model_validate({"protocols": {"grpc": None, "http": None}}).protocols
        assert ("localhost:4317", "localhost:4318") == (config.grpc.endpoint, config.http.endpoint)
        assert PATHS == config.http.paths
        assert (4 * 2**20, 20 * 2**20) == (config.grpc.message_limit, config.http.body_limit)

    @pytest.mark.parametrize("data", [None, {"protocols": None}, {"protocols": {"grpc": {"enabled": False}}}])
    def test_no_protocol_is_an_error(self, data):
        with pytest.raises(ValidationError, match="name at least one protocol"):
            Config.model_validate(data)

    def test_paths_get_their_slash_and_must_differ(self):
        paths = {"traces_url_path": "in/traces"}
        assert "/in/traces" == Config.model_validate({"protocols": {"http": paths}}).protocols.http.traces_url_path
        with pytest.raises(ValidationError, match="must differ"):
            Config.model_validate({"protocols": {"http": {"traces_url_path": "/v1/logs"}}})

    def test_an_endpoint_is_needed(self):
        with pytest.raises(ValidationError, match="write host:port"):
            Config.model_validate({"protocols": {"grpc": {"endpoint": ""}}})

    @pytest.mark.parametrize("protocol", ["grpc", "http"])
    @pytest.mark.parametrize("endpoint", ["localhost", "unix:///x", "a value"])
    async def test_a_broken_endpoint_shows_at_the_start(self, protocol, endpoint):
        """As in the Go collector, for which such a file is valid."""
        config = Config.model_validate({"protocols": {protocol: {"endpoint": endpoint}}})
        receiver = FACTORY.create(config, make_settings("otlp"), Sink())
        with pytest.raises(StartError, match="is not an endpoint: write host:port"):
            await receiver.start(FakeHost())


class TestTaken:
    """What is handed on, and what is answered."""

    @pytest.mark.parametrize("signal", Signal)
    async def test_over_grpc(self, signal):
        body = payload(signal)
        async with running() as otlp:
            assert RESPONSES[signal]() == await otlp.call(body, signal)
        [batch] = otlp.sink.batches
        assert (signal, body, 2) == (batch.signal, batch.payload, batch.count)
        assert ("127.0.0.1", "grpc") == (batch.client.address, batch.client.transport)

    @pytest.mark.parametrize("media_type", TYPES)
    @pytest.mark.parametrize("signal", Signal)
    async def test_over_http(self, signal, media_type):
        body = payload(signal)
        async with running() as otlp:
            status, answer, _ = await otlp.post(encoded(signal, body, media_type), signal, media_type)
        assert (200, {}) == (status, parsed(RESPONSES[signal], answer or b"", media_type))
        [batch] = otlp.sink.batches
        assert (signal, body, 2) == (batch.signal, batch.payload, batch.count)
        assert ("127.0.0.1", "http") == (batch.client.address, batch.client.transport)

    async def test_compressed(self):
        body = payload(Signal.TRACES, 50)
        async with running() as otlp:
            await otlp.call(body, compression=grpc.Compression.Gzip)
            assert 200 == (await otlp.post(gzip.compress(body), Content_Encoding="gzip"))[0]
        assert [body, body] == [batch.payload for batch in otlp.sink.batches]

    async def test_with_the_headers_where_asked_for(self):
        protocols = {name: options | {"include_metadata": True} for name, options in BOTH.items()}
        async with running(protocols=protocols) as otlp:
            await otlp.call(payload(Signal.LOGS), Signal.LOGS, metadata=(("x-tenant", "a"),))
            await otlp.post(payload(Signal.LOGS), Signal.LOGS, X_Tenant="b")
        assert [("a",), ("b",)] == [batch.client.metadata["x-tenant"] for batch in otlp.sink.batches]

    @pytest.mark.parametrize("body", [b"", REQUESTS[Signal.TRACES](resource_spans=[{}]).SerializeToString()])
    async def test_empty_requests_are_acknowledged_and_go_nowhere(self, body):
        async with running() as otlp:
            assert RESPONSES[Signal.TRACES]() == await otlp.call(body)
            assert 200 == (await otlp.post(body))[0]
        assert [] == otlp.sink.batches

    @pytest.mark.parametrize(
        ("signal", "field"),
        [
            (Signal.TRACES, "rejectedSpans"),
            (Signal.METRICS, "rejectedDataPoints"),
            (Signal.LOGS, "rejectedLogRecords"),
        ],
    )
    async def test_in_part(self, signal, field):
        body = payload(signal)
        expected = {"partialSuccess": {field: "1", "errorMessage": "one was too old"}}
        async with running(Sink(PartialError("one was too old", rejected=1))) as otlp:
            for media_type in TYPES:
                status, answer, _ = await otlp.post(encoded(signal, body, media_type), signal, media_type)
                assert (200, expected) == (status, parsed(RESPONSES[signal], answer, media_type))
            response = await otlp.call(body, signal)
        assert expected == parsed(RESPONSES[signal], response.SerializeToString(), PROTOBUF)
        assert {} == otlp.refused

    async def test_only_for_signals_that_have_a_pipeline(self):
        async with running(signals=frozenset({Signal.LOGS})) as otlp:
            await otlp.call(payload(Signal.LOGS), Signal.LOGS)
            assert 200 == (await otlp.post(payload(Signal.LOGS), Signal.LOGS))[0]
            code, _ = await otlp.failing_call(payload(Signal.TRACES))
            async with aiohttp.ClientSession() as session, session.post(otlp.url()) as answer:
                assert (grpc.StatusCode.UNIMPLEMENTED, 404) == (code, answer.status)

    async def test_at_other_paths(self):
        protocols = {"http": BOTH["http"] | {"traces_url_path": "/otlp"}}
        async with running(protocols=protocols) as otlp, aiohttp.ClientSession() as session:
            headers = {"Content-Type": PROTOBUF}
            async with session.post(otlp.url("/otlp"), data=payload(Signal.TRACES), headers=headers) as answer:
                assert 200 == answer.status


class TestRefused:
    """What is not taken, why, and what the sender is told to do."""

    @pytest.mark.parametrize("media_type", TYPES)
    @pytest.mark.parametrize("body", [b"\x0a\xff", b"not OTLP at all", payload(Signal.TRACES, 20)[:-7]])
    async def test_malformed(self, body, media_type):
        async with running() as otlp:
            status, answer, _ = await otlp.post(body, media_type=media_type)
            answer = parsed(Status, answer, media_type)
            assert (400, StatusCode.INVALID_ARGUMENT) == (status, answer["code"])
            assert answer["message"]
            code, _ = await otlp.failing_call(body)
            assert grpc.StatusCode.INVALID_ARGUMENT == code
        assert {("http", "malformed"): 1, ("grpc", "malformed"): 1} == otlp.refused
        assert [] == otlp.sink.batches

    @pytest.mark.parametrize("media_type", TYPES)
    async def test_for_now_with_a_delay(self, media_type):
        body = payload(Signal.TRACES)
        async with running(Sink(BUSY)) as otlp:
            status, answer, headers = await otlp.post(encoded(Signal.TRACES, body, media_type), media_type=media_type)
            assert (429, "3") == (status, headers["Retry-After"])
            detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
            assert {"code": 8, "message": "busy", "details": [detail]} == parsed(Status, answer, media_type)
            code, status = await otlp.failing_call(body)
            info = RetryInfo()
            assert status.details[0].Unpack(info)
            assert (grpc.StatusCode.RESOURCE_EXHAUSTED, 3) == (code, info.retry_delay.seconds)
        assert {("http", "full"): 1, ("grpc", "full"): 1} == otlp.refused

    async def test_with_nothing_of_what_went_wrong_inside(self):
        async with running(Sink(KeyError("secret"))) as otlp:
            status, answer, _ = await otlp.post(payload(Signal.TRACES))
            assert (500, b"internal error") == (status, Status.FromString(answer).message.encode())
            code, details = await otlp.failing_call(payload(Signal.TRACES))
            assert (grpc.StatusCode.INTERNAL, "internal error") == (code, details.message)

    async def test_before_the_body_is_read(self):
        """A gate in the pipeline is asked while the body is still on its way."""

        class Gate(Sink):
            def admit(self, signal):
                raise RetryableError(f"no {signal.value} now", reason="memory")

        async with running(Gate()) as otlp:
            reader, writer = await asyncio.open_connection(*otlp.receiver.http.address)
            writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: 1000000\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
            writer.close()
            code, status = await otlp.failing_call(b"\x1f\x8b which nobody looks at")
            assert (grpc.StatusCode.UNAVAILABLE, "no traces now") == (code, status.message)
        assert {("http", "memory"): 1, ("grpc", "memory"): 1} == otlp.refused

    async def test_for_good_with_its_code(self):
        error = PermanentError("no such tenant", reason="tenant", code=StatusCode.PERMISSION_DENIED)
        async with running(Sink(error)) as otlp:
            status, answer, headers = await otlp.post(payload(Signal.TRACES))
            assert (403, "no such tenant") == (status, Status.FromString(answer).message)
            assert "Retry-After" not in headers

    async def test_too_large(self):
        protocols = {
            "grpc": BOTH["grpc"] | {"max_recv_msg_size_mib": 1},
            "http": BOTH["http"] | {"max_request_body_size": 2**20},
        }
        bomb = bytes(2**24)
        async with running(protocols=protocols) as otlp:
            status, answer, _ = await otlp.post(gzip.compress(bomb), Content_Encoding="gzip")
            assert (413, StatusCode.RESOURCE_EXHAUSTED) == (status, Status.FromString(answer).code)
            code, status = await otlp.failing_call(bomb, compression=grpc.Compression.Gzip)
            assert grpc.StatusCode.RESOURCE_EXHAUSTED == code
            # With a RetryInfo, senders would send it again and again.
            assert [] == list(status.details)
        assert {("http", "too_large"): 1, ("grpc", "too_large"): 1} == otlp.refused

    async def test_a_hundred_megabytes(self):
        """Refused on the way; requests next to it are taken."""

        async def endless():
            for _ in range(100):
                yield bytes(2**20)

        async with running() as otlp:
            answers = await asyncio.gather(
                otlp.post(endless()),
                *(otlp.post(payload(Signal.TRACES)) for _ in range(10)),
                otlp.failing_call(bytes(100 * 2**20)),
            )
        assert [413, *[200] * 10, grpc.StatusCode.RESOURCE_EXHAUSTED] == [answer[0] for answer in answers]
        assert 20 == otlp.sink.count


async def test_only_what_is_asked_for_listens():
    async with running(protocols={"http": BOTH["http"]}) as otlp:
        assert otlp.receiver.grpc is None
    async with running(protocols={"grpc": BOTH["grpc"]}) as otlp:
        assert otlp.receiver.http is None


async def test_a_failed_start_leaves_nothing_running():
    async with running() as first:
        taken = "{}:{}".format(*first.receiver.http.address)
        config = Config.model_validate({"protocols": BOTH | {"http": {"endpoint": taken}}})
        receiver = FACTORY.create(config, make_settings("otlp"), Sink())
        with pytest.raises(StartError, match="cannot listen on"):
            await receiver.start(FakeHost())
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*receiver.grpc.address)


async def test_shutdown_is_safe_twice_and_without_start():
    receiver = FACTORY.create(Config.model_validate({"protocols": BOTH}), make_settings("otlp"), Sink())
    await receiver.shutdown()
    await receiver.start(FakeHost())
    await receiver.shutdown()
    await receiver.shutdown()
