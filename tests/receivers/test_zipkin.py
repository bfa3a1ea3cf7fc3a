"""The receiver `zipkin`: what it takes, and what it answers."""

import asyncio
import gzip
import io
import json
import struct
import zlib
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import ValidationError

from collector.api import PartialError, PermanentError, RetryableError, StartError, StatusCode
from collector.data import Signal
from collector.data.zstandard import zstd
from collector.testing import FakeHost, RecordingTelemetry, Sink, items_of, make_settings
from collector.translate.zipkin.v2_messages import ListOfSpans
from receivers.zipkin import FACTORY, PROTOBUF, THRIFT, Config

JSON = "application/json"
SPAN = {"traceId": "000000000000000a", "id": "000000000000000b", "name": "get", "timestamp": 5, "tags": {"n": "1"}}
V1 = {"traceId": "000000000000000a", "id": "000000000000000b", "name": "get", "timestamp": 5}
AS_JSON = json.dumps([SPAN]).encode()
AS_PROTO = ListOfSpans.FromString(
    b"\x0a\x19\x0a\x08" + bytes(7) + b"\x0a\x1a\x08" + bytes(7) + b"\x0b\x2a\x03get"
).SerializeToString()
AS_THRIFT = (
    b"\x0c"
    + struct.pack(">i", 1)
    + b"\x0a\x00\x01"
    + struct.pack(">q", 10)
    + b"\x0a\x00\x04"
    + struct.pack(">q", 11)
    + b"\x0b\x00\x03"
    + struct.pack(">i", 3)
    + b"get\x00"
)
BUSY = RetryableError("busy", reason="full", code=StatusCode.RESOURCE_EXHAUSTED, retry_after=3.0)


class Running:
    """A running receiver and the way to send to it."""

    def __init__(self, receiver, sink, telemetry):
        self.receiver = receiver
        self.sink = sink
        self.telemetry = telemetry

    @property
    def refused(self):
        values = self.telemetry["otelcol_receiver_refused_requests"].values
        return {dict(labels)["reason"]: count for labels, count in values.items()}

    async def request(self, body, path="/api/v2/spans", method="POST", **headers):
        """Return the status, the text and the headers of the answer."""
        url = "http://{}:{}{}".format(*self.receiver.http.address, path)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
            session.request(method, url, data=io.BytesIO(body), headers=headers) as answer,
        ):
            return answer.status, await answer.text(), answer.headers


@asynccontextmanager
async def running(sink=None, **options):
    sink, telemetry = sink or Sink(), RecordingTelemetry()
    settings = make_settings("zipkin", telemetry=telemetry, signals=FACTORY.signals)
    receiver = FACTORY.create(Config.model_validate({"endpoint": "127.0.0.1:0", **options}), settings, sink)
    try:
        await receiver.start(FakeHost())
        yield Running(receiver, sink, telemetry)
    finally:
        await receiver.shutdown()


class TestConfig:
    def test_the_defaults_are_those_of_the_go_collector(self):
        config = Config.model_validate(None)
        assert ("localhost:9411", False, 20 * 2**20) == (config.endpoint, config.parse_string_tags, config.body_limit)
        assert frozenset({Signal.TRACES}) == FACTORY.signals

    @pytest.mark.parametrize("options", [{"endpoint": ""}, {"parse_string_tags": "yes"}, {"attribute_names": "newest"}])
    def test_bad_options(self, options):
        with pytest.raises(ValidationError):
            Config.model_validate(options)

    async def test_a_taken_endpoint_shows_at_the_start(self):
        async with running() as zipkin:
            taken = "{}:{}".format(*zipkin.receiver.http.address)
            with pytest.raises(StartError, match=f"cannot listen on {taken}"):
                async with running(endpoint=taken):
                    pass


class TestTaken:
    @pytest.mark.parametrize(
        ("path", "media_type", "body", "transport"),
        [
            ("/api/v2/spans", JSON, AS_JSON, "http_v2_json"),
            ("/api/v2/spans", f"{JSON}; charset=utf-8", AS_JSON, "http_v2_json"),
            ("/api/v2/spans", PROTOBUF, AS_PROTO, "http_v2_proto"),
            ("/", JSON, AS_JSON, "http_v2_json"),
            ("/behind/a/proxy/api/v2/spans", "", AS_JSON, "http_v2_json"),
            ("/api/v1/spans", JSON, json.dumps([V1]).encode(), "http_v1_json"),
            ("/behind/a/proxy/api/v1/spans", "", json.dumps([V1]).encode(), "http_v1_json"),
            ("/api/v1/spans", THRIFT, AS_THRIFT, "http_v1_thrift"),
        ],
    )
    async def test_a_span(self, path, media_type, body, transport):
        async with running() as zipkin:
            assert (202, "") == (await zipkin.request(body, path, Content_Type=media_type))[:2]
        (batch,) = zipkin.sink.batches
        (span,) = items_of(batch)
        assert ("get", (10).to_bytes(16, "big"), (11).to_bytes(8, "big")) == (span.name, span.trace_id, span.span_id)
        assert (transport, "127.0.0.1") == (batch.client.transport, batch.client.address)

    @pytest.mark.parametrize(
        ("coding", "compress"),
        [("gzip", gzip.compress), ("deflate", zlib.compress), ("zlib", zlib.compress), ("zstd", zstd.compress)],
    )
    async def test_compressed(self, coding, compress):
        async with running() as zipkin:
            assert 202 == (await zipkin.request(compress(AS_JSON), Content_Encoding=coding))[0]
        assert 1 == zipkin.sink.count

    async def test_nothing_is_not_handed_on(self):
        async with running() as zipkin:
            assert 202 == (await zipkin.request(b"[]"))[0]
        assert [] == zipkin.sink.batches

    async def test_options_reach_the_translation(self):
        async with running(parse_string_tags=True, attribute_names="new") as zipkin:
            body = json.dumps([{**SPAN, "remoteEndpoint": {"serviceName": "db"}}]).encode()
            await zipkin.request(body)
        first, second = items_of(zipkin.sink.batches[0])[0].attributes
        assert (1, "service.peer.name") == (first.value.int_value, second.key)

    async def test_metadata_is_kept_where_it_is_wanted(self):
        async with running(include_metadata=True) as zipkin:
            await zipkin.request(AS_JSON, X_Tenant="blue")
        assert ("blue",) == zipkin.sink.batches[0].client.metadata["x-tenant"]

    async def test_a_large_request_is_read_beside_others(self):
        async with running() as zipkin:
            large = json.dumps([{**SPAN, "annotations": [{"timestamp": 1, "value": "x" * 10_000_000}]}]).encode()
            answers = await asyncio.gather(zipkin.request(large), *(zipkin.request(AS_JSON) for _ in range(5)))
        assert [202] * 6 == [status for status, _, _ in answers]
        assert 6 == zipkin.sink.count

    async def test_a_part_that_is_refused_is_no_reason_to_send_again(self):
        async with running(Sink(PartialError("two are bad", rejected=2))) as zipkin:
            assert 202 == (await zipkin.request(AS_JSON))[0]


class TestRefused:
    @pytest.mark.parametrize(
        ("path", "media_type", "body", "message"),
        [
            ("/api/v2/spans", JSON, b"", "not valid JSON"),
            ("/api/v2/spans", JSON, AS_JSON[:-5], "not valid JSON"),
            ("/api/v2/spans", JSON, AS_PROTO, "not valid JSON"),
            ("/api/v2/spans", JSON, b"[" * 1_000_000, "nested too deeply"),
            ("/api/v2/spans", JSON, b'[{"traceId":"' + b"a" * 33 + b'"}]', "spans[0].traceId: expected at most 32 hex"),
            (
                "/api/v2/spans",
                JSON,
                b'[{"traceId":"a","id":"b","duration":-1}]',
                "spans[0].duration: expected a number",
            ),
            ("/api/v2/spans", JSON, b'[{"traceId":"a","id":"b","name":"\\ud800"}]', "surrogates not allowed"),
            ("/api/v2/spans", PROTOBUF, AS_PROTO[:-5], "not a list of spans"),
            ("/api/v2/spans", PROTOBUF, AS_JSON, "not a list of spans"),
            ("/api/v1/spans", JSON, b'[{"traceId":"a"}]', "expected 16 or 32 hexadecimal digits"),
            ("/api/v1/spans", THRIFT, AS_THRIFT[:-5], "not valid Thrift after 0 structs: it ends too early"),
            ("/api/v1/spans", THRIFT, b"\x0c\x7f\xff\xff\xff", "not valid Thrift after 0 structs"),
        ],
    )
    async def test_what_cannot_be_read(self, path, media_type, body, message):
        """The answer says what is wrong, it is counted, and the next request is taken."""
        async with running() as zipkin:
            status, text, _ = await zipkin.request(body, path, Content_Type=media_type)
            assert 400 == status
            assert message in text
            assert 202 == (await zipkin.request(AS_JSON))[0]
        assert {"malformed": 1} == zipkin.refused
        assert 1 == zipkin.sink.count

    @pytest.mark.parametrize(
        ("error", "status", "retry_after"),
        [
            (PermanentError("no"), 400, None),
            (PermanentError("no", code=StatusCode.UNIMPLEMENTED), 400, None),
            (PermanentError("no", code=StatusCode.UNAUTHENTICATED), 401, None),
            (PermanentError("no", code=StatusCode.PERMISSION_DENIED), 403, None),
            (PermanentError("no", code=StatusCode.RESOURCE_EXHAUSTED), 413, None),
            (RetryableError("no"), 503, None),
            (RetryableError("no", retry_after=1.5), 503, "2"),
            (BUSY, 429, "3"),
        ],
    )
    async def test_by_the_pipelines(self, error, status, retry_after):
        async with running(Sink(error)) as zipkin:
            answered, text, headers = await zipkin.request(AS_JSON)
        assert (status, str(error), retry_after) == (answered, text, headers.get("Retry-After"))

    async def test_before_the_body_is_read(self):
        class Full(Sink):
            def admit(self, signal):
                raise BUSY

        async with running(Full()) as zipkin:
            assert 429 == (await zipkin.request(b"not even JSON"))[0]
        assert {"full": 1} == zipkin.refused

    async def test_what_is_too_large(self):
        async with running(max_request_body_size=100) as zipkin:
            assert 413 == (await zipkin.request(b" " * 101))[0]
            assert 413 == (await zipkin.request(gzip.compress(b" " * 101), Content_Encoding="gzip"))[0]
        assert 0 == zipkin.sink.count

    async def test_other_methods(self):
        async with running() as zipkin:
            assert 405 == (await zipkin.request(b"", method="GET"))[0]
        assert {"method": 1} == zipkin.refused


async def test_shutdown_is_safe_twice_and_without_start():
    receiver = FACTORY.create(Config(), make_settings("zipkin"), Sink())
    await receiver.shutdown()
    await receiver.shutdown()
