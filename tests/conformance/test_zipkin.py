"""Zipkin's formats against the cases of the collector written in Go, of Jaeger and of Zipkin itself."""

import gzip
import json
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from google.protobuf import json_format

from collector.api import PermanentError
from collector.data import Batch, Signal, otlp_json
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, Sink, make_settings
from collector.testing.cases import CASES, parameters, table
from exporters.zipkin import FACTORY as EXPORTER
from exporters.zipkin import Config as ExporterConfig
from receivers.zipkin import FACTORY, Config

pytestmark = pytest.mark.conformance

FOLDER = CASES / "zipkin"
JSON = "application/json"


@asynccontextmanager
async def receiving(sink, **options):
    """Run a receiver; yield how to post to it."""
    config = Config.model_validate({"endpoint": "127.0.0.1:0", **options})
    receiver = FACTORY.create(config, make_settings("zipkin", signals=FACTORY.signals), sink)
    await receiver.start(FakeHost())

    async def post(path: str, body: bytes, **headers: str) -> tuple[int, str]:
        url = "http://{}:{}{}".format(*receiver.http.address, path)
        headers = {name.replace("_", "-"): value for name, value in headers.items() if value}
        async with (
            aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    try:
        yield post
    finally:
        await receiver.shutdown()


def spans_of(payload: bytes) -> list[Any]:
    """Return the spans of a request, each with its resource and scope, in an order that says nothing."""
    request = json_format.MessageToDict(REQUESTS[Signal.TRACES].FromString(payload))
    found = [
        {"resource": resource.get("resource", {}), "scope": scope.get("scope", {}), "span": span}
        for resource in request.get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    return sorted((in_order(span) for span in found), key=json.dumps)


def in_order(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((in_order(member) for member in value), key=json.dumps)
    if isinstance(value, dict):
        # An empty message is the same as none.
        return {key: in_order(value[key]) for key in sorted(value) if value[key] not in ({}, [])}
    return value


def bodies(case: dict[str, Any]) -> list[bytes]:
    """Return what to post, prepared as the notes of the cases say."""
    body = (FOLDER / case["send"]["body"]).read_bytes()
    if "POST each inner array" in case["notes"]:
        return [json.dumps(batch).encode() for batch in json.loads(body)]
    return [b"[" + body + b"]"] if "wrap it in [ ]" in case["notes"] else [body]


def of_manifest() -> list[Any]:
    return parameters(table("zipkin/manifest.json").get("cases", ()), lambda _, case: case["input"])


@pytest.mark.parametrize("case", of_manifest())
async def test_receiver(case):
    sink = Sink()
    async with receiving(sink, **case["receiver_config"]) as post:
        for body in bodies(case):
            status, text = await post(case["send"]["path"], body, Content_Type=case["send"]["content_type"])
            assert case["expected_http_status"] == status, text
    payload = b"".join(batch.payload for batch in sink.batches)
    if case["expected_otlp"] is not None:
        expected = otlp_json.decode(Signal.TRACES, (FOLDER / case["expected_otlp"]).read_bytes())
        assert spans_of(expected) == spans_of(payload)
    check_asserts(payload, **case["asserts"])


def check_asserts(payload, **asserts):
    request = REQUESTS[Signal.TRACES].FromString(payload)
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    services = [pair.value.string_value for resource in request.resource_spans for pair in resource.resource.attributes]
    attributes = {pair.key: pair.value.bool_value for span in spans for pair in span.attributes}
    found = {
        "span_count": len(spans),
        "resource_count": len(request.resource_spans),
        "service_names": sorted(services),
        "start_time_unix_nano": str(spans[0].start_time_unix_nano) if spans else "",
        "has_attribute": {key: attributes.get(key) for key in asserts.get("has_attribute", ())},
    }
    assert asserts == {key: found[key] for key in asserts}


@pytest.mark.parametrize("case", of_manifest())
async def test_what_went_to_zipkin_comes_back(case):
    """Every span of the public cases, sent on by the exporter and received again, is what it was."""
    first, second = Sink(), Sink()
    async with receiving(first, **case["receiver_config"]) as post:
        for body in bodies(case):
            await post(case["send"]["path"], body, Content_Type=case["send"]["content_type"])
    async with receiving(second, **case["receiver_config"]) as post:
        for batch in first.batches:
            assert 202 == (await post("/api/v2/spans", await exported(batch), Content_Type=JSON))[0]
    if "/v1/" in case["send"]["path"]:
        assert first.count == second.count  # the address of a version 1 resource is no attribute that version 2 knows
    else:
        assert spans_of(b"".join(b.payload for b in first.batches)) == spans_of(
            b"".join(b.payload for b in second.batches)
        )


async def exported(batch: Batch) -> bytes:
    """Return the body of the request that the exporter makes of a batch."""
    bodies = []

    async def handle(request: web.Request) -> web.Response:
        assert JSON == request.headers["Content-Type"]
        bodies.append(await request.read())
        return web.Response(status=202)

    application = web.Application()
    application.router.add_post("/api/v2/spans", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v2/spans"
    exporter = EXPORTER.create(ExporterConfig(endpoint=url), make_settings("zipkin", signals=EXPORTER.signals))
    await exporter.start(FakeHost())
    try:
        await exporter.push(batch)
    finally:
        await exporter.shutdown()
        await runner.cleanup()
    return b"".join(bodies) or b"[]"


def of_exporter() -> list[Any]:
    return parameters(table("zipkin/exporter_cases.json").get("from_otlp", ()), lambda _, case: case["name"])


@pytest.mark.parametrize("case", of_exporter())
async def test_exporter(case):
    batch = Batch(Signal.TRACES, otlp_json.decode(Signal.TRACES, json.dumps(case["otlp"]).encode()))
    if "expected_error" in case:
        with pytest.raises(PermanentError, match=case["expected_error"]):
            await exported(batch)
        return
    spans = json.loads(await exported(batch))
    assert len(case["expected_zipkin_v2"]) == len(spans)
    for expected, span in zip(case["expected_zipkin_v2"], spans, strict=True):
        assert span["name"] in expected.pop("name").split("_or_")
        local = expected.pop("localEndpoint")
        assert span["localEndpoint"]["serviceName"] in local["serviceName_any_of"]
        assert expected == {key: value for key, value in span.items() if key not in ("name", "localEndpoint")}


@pytest.mark.parametrize("case", parameters(table("zipkin/http_contract.json").get("cases", ()), lambda i, _: str(i)))
async def test_http(case):
    body = (FOLDER / case["body"]).read_bytes() if "body" in case else case["body_inline"].encode()
    if case.get("content_encoding") == "gzip":
        body = gzip.compress(body)
    sink = Sink(error=PermanentError("no") if "permanent error" in case.get("when", "") else None)
    async with receiving(sink) as post:
        status, _ = await post(
            case["path"],
            body,
            Content_Type=case["content_type"],
            Content_Encoding=case.get("content_encoding", ""),
        )
    assert case["status"] == status


async def span_of(members: dict[str, Any]) -> Any:
    """Return what becomes of a span of version 1 with these members."""
    sink = Sink()
    span = {"traceId": "00000000000000010000000000000002", "id": "0000000000000001", "timestamp": 1, **members}
    async with receiving(sink, parse_string_tags=True) as post:
        status, text = await post("/api/v1/spans", json.dumps([span]).encode(), Content_Type=JSON)
        assert 202 == status, text
    return spans_of(sink.batches[0].payload)[0]["span"]


def status(expected: dict[str, Any]) -> dict[str, Any]:
    words = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]
    return {**expected, "code": words[expected["code"]]} if expected.get("code") else {}


def of_status(name: str) -> list[Any]:
    return parameters(
        table("zipkin/v1_status_mapping.json").get(name, ()), lambda index, case: case.get("name", str(index))
    )


@pytest.mark.parametrize("case", of_status("post_cases"))
async def test_status_of_version_1(case):
    span = await span_of(case["body"][0])
    assert (status(case["expected_status"]), in_order(case["expected_attributes"])) == (
        span.get("status", {}),
        span.get("attributes", []),
    )


@pytest.mark.parametrize("case", of_status("mapper_cases"))
async def test_status_mapping_of_version_1(case):
    tags = [{"key": key, "value": value} for key, value in case["v1_binary_annotations"].items()]
    assert status(case["expected_status"]) == (await span_of({"binaryAnnotations": tags})).get("status", {})


@pytest.mark.parametrize("case", of_status("span_kind"))
async def test_kind_of_version_1(case):
    span = await span_of({"annotations": [{"timestamp": 1, "value": case["first_annotation"]}]})
    assert ["", "", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER"][case["kind"]] == span["kind"]


@pytest.mark.parametrize("case", of_status("id_errors"))
async def test_ids_of_version_1(case):
    span = {"traceId": "0000000000000001", "id": "0000000000000001", case["field"]: case["value"]}
    async with receiving(Sink()) as post:
        answered, text = await post("/api/v1/spans", json.dumps([span]).encode(), Content_Type=JSON)
    assert 400 == answered
    assert f"spans[0].{case['field']}" in text


@pytest.mark.parametrize(
    "case", parameters(table("zipkin/string_tag_types.json").get("examples", ()), lambda _, case: case[0])
)
async def test_types_of_tags(case):
    text, kind = case
    sink = Sink()
    span = {"traceId": "1", "id": "1", "timestamp": 1, "tags": {"tag": text}}
    async with receiving(sink, parse_string_tags=True) as post:
        await post("/api/v2/spans", json.dumps([span]).encode(), Content_Type=JSON)
    attribute = REQUESTS[Signal.TRACES].FromString(sink.batches[0].payload).resource_spans[0].scope_spans[0].spans[0]
    assert f"{kind}_value" == attribute.attributes[0].value.WhichOneof("value")


async def test_a_format_that_there_is_not():
    assert "foobar" == table("zipkin/exporter_cases.json")["invalid_config"]["format"]
    with pytest.raises(ValueError, match="'json' or 'proto'"):
        ExporterConfig(endpoint="http://localhost", format="foobar")
