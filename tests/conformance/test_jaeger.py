"""Jaeger's formats against the cases of the collector written in Go and of Jaeger itself."""

import base64
import json
import re
import socket
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf import json_format

from collector.data import Signal, otlp_json
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, Sink, make_settings
from collector.testing.cases import CASES, parameters, table
from collector.translate.jaeger import proto
from collector.translate.jaeger.from_otlp import from_otlp
from collector.translate.jaeger.model import JaegerSpan
from receivers.jaeger import FACTORY, Config

pytestmark = pytest.mark.conformance

FOLDER = CASES / "jaeger"
PROTOCOLS = ("grpc", "thrift_http", "thrift_compact", "thrift_binary")
# Cases in which this collector does something else.
LEFT = {"no-spans": "a resource without spans says nothing, and is left out"}


@asynccontextmanager
async def receiving(sink):
    config = Config.model_validate({"protocols": {name: {"endpoint": "127.0.0.1:0"} for name in PROTOCOLS}})
    receiver = FACTORY.create(config, make_settings("jaeger", signals=FACTORY.signals), sink)
    await receiver.start(FakeHost())
    try:
        yield receiver
    finally:
        await receiver.shutdown()


async def post(receiver, path, body, content_type="application/x-thrift"):
    url = "http://{}:{}{}".format(*receiver.http.address, path)
    headers = {"Content-Type": content_type}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def call(receiver, method, request):
    async with grpc.aio.insecure_channel("{}:{}".format(*receiver.grpc.address)) as channel:
        await channel.unary_unary(method)(request)


def in_order(value: Any) -> Any:
    """Return a value in an order that says nothing, without what is empty."""
    if isinstance(value, list):
        return sorted((in_order(member) for member in value), key=json.dumps)
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value) if value[key] not in ({}, [], "")}
    return value


def request_of(payload: bytes) -> Any:
    return in_order(json_format.MessageToDict(REQUESTS[Signal.TRACES].FromString(payload)))


def received(sink: Sink) -> Any:
    return request_of(b"".join(batch.payload for batch in sink.batches))


def of_manifest() -> list[Any]:
    return parameters(table("jaeger/manifest.json").get("cases", ()), lambda _, case: case["name"])


def sending(case: dict[str, Any]) -> list[Any]:
    """Return ways to send a case, each a function of the receiver."""
    if "grpc" in case:
        return [lambda receiver: call(receiver, case["grpc"], (FOLDER / case["requests"][0]).read_bytes())]
    body = (FOLDER / re.search(r"thrift/\S+", case["http"].partition("body")[2])[0]).read_bytes()
    ways = [lambda receiver: post(receiver, "/api/traces", body)]
    for key, protocol in (("udp_6831_compact", "compact"), ("udp_6832_binary", "binary")):
        if key in case:
            ways.append(by_udp(protocol, (FOLDER / case[key]).read_bytes()))
    return ways


def by_udp(protocol, packet):
    async def send(receiver):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(packet, tuple(receiver.udp[protocol].address))

    return send


@pytest.mark.parametrize("case", of_manifest())
async def test_receiver(case):
    for send in sending(case):
        sink = Sink()
        async with receiving(sink) as receiver:
            await send(receiver)
            if case["name"] not in LEFT:
                await sink.wait_for(1)
        if "expected_otlp" in case:
            expected = request_of(otlp_json.decode(Signal.TRACES, (FOLDER / case["expected_otlp"]).read_bytes()))
            assert ({} if case["name"] in LEFT else expected) == received(sink)
        else:
            model = json.loads((FOLDER / case["expected_model"]).read_text())
            assert [spoken(span) for span in model["spans"]] == [spans_as_model(span) for span in jaeger_spans(sink)]


def jaeger_spans(sink: Sink) -> list[JaegerSpan]:
    return from_otlp(b"".join(batch.payload for batch in sink.batches)).spans


def spoken(model: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a span of Jaeger's model that are compared."""
    return {
        "ids": (model["traceId"], model["spanId"]),
        "name": model["operationName"],
        "references": [(ref["traceId"], ref["spanId"], ref["refType"]) for ref in model.get("references", ())],
        "start": round(datetime.fromisoformat(model["startTime"]).timestamp() * 1e6),
        "duration": int(model["duration"].removesuffix("ns")),
        "tags": {tag["key"]: tag.get("vBinary", tag.get("vStr")) for tag in model.get("tags", ())},
        "service": model["process"]["serviceName"],
    }


def spans_as_model(span: JaegerSpan) -> dict[str, Any]:
    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    return {
        "ids": (text(span.trace_id), text(span.span_id)),
        "name": span.name,
        "references": [
            (text(ref.trace_id), text(ref.span_id), "FOLLOWS_FROM" if ref.follows else "CHILD_OF")
            for ref in span.references
        ],
        "start": span.start // 1000,
        "duration": span.duration,
        "tags": {key: text(value) if isinstance(value, bytes) else value for key, value in span.tags.items()},
        "service": span.process.service,
    }


@pytest.mark.parametrize(
    "case", parameters(table("jaeger/manifest.json").get("http_contract", ()), lambda _, case: str(case["status"]))
)
async def test_http(case):
    body = case["body"].encode() if "body" in case else b""
    if body.startswith(b"a *"):
        body = next((FOLDER / "thrift").glob("*.batch.binary.bin")).read_bytes()
    async with receiving(Sink()) as receiver:
        status, text = await post(receiver, case["path"], body, case["content_type"])
    assert case["status"] == status
    assert case.get("message", "") in text


def tag(key, value):
    """Return a tag of protobuf."""
    field, kind = {str: ("v_str", 0), bool: ("v_bool", 1), int: ("v_int64", 2)}[type(value)]
    return {"key": key, "v_type": kind, field: value}


async def span_of(tags):
    """Return what becomes of a span with these tags."""
    span = proto._Span(trace_id=b"t" * 16, span_id=b"s" * 8, tags=[tag(key, value) for key, value in tags.items()])
    payload = proto._PostSpansRequest(batch={"spans": [span.SerializeToString()]}).SerializeToString()
    found = REQUESTS[Signal.TRACES].FromString(proto.translate_post_spans(payload).payload)
    return found.resource_spans[0].scope_spans[0].spans[0]


def of_status(name: str) -> list[Any]:
    return parameters(table("jaeger/status_mapping.json").get(name, ()), lambda index, _: str(index))


@pytest.mark.parametrize("case", of_status("cases"))
async def test_status(case):
    span = await span_of(case["tags"])
    expected = case["status"]
    assert (expected.get("code", 0), expected.get("message", "")) == (span.status.code, span.status.message)
    assert case["attributes_left"] == len(span.attributes)


@pytest.mark.parametrize("case", of_status("http_status"))
async def test_http_status(case):
    span = await span_of({"span.kind": case["kind"], "http.status_code": case["value"]})
    assert case["code"] == span.status.code


@pytest.mark.parametrize("case", of_status("span_kind"))
async def test_span_kind(case):
    assert case["kind"] == (await span_of({"span.kind": case["tag"]})).kind


def jaeger_of(otlp: dict[str, Any]) -> dict[str, Any]:
    """Return the batch that the exporter makes of an OTLP request, as protobuf's JSON."""
    payload = otlp_json.decode(Signal.TRACES, json.dumps(otlp).encode())
    batch = proto._PostSpansRequest.FromString(proto.write_post_spans(from_otlp(payload).spans)).batch
    return {
        "process": as_json(proto._Process.FromString(b"".join(batch.process))),
        "spans": [as_json(proto._Span.FromString(raw)) for raw in batch.spans],
    }


def as_json(message) -> dict[str, Any]:
    """Return a message with the words of the published definition for what is declared as numbers here."""
    return worded(json_format.MessageToDict(message))


def worded(value: Any) -> Any:
    if isinstance(value, list):
        return [worded(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = {key: worded(member) for key, member in value.items()}
    if "key" in members:
        members["vType"] = ["STRING", "BOOL", "INT64", "FLOAT64", "BINARY"][members.get("vType", 0)]
    if "spanId" in members and "operationName" not in members:
        members["refType"] = ["CHILD_OF", "FOLLOWS_FROM"][members.get("refType", 0)]
    return members


def timed(value: Any) -> Any:
    """Return a batch of the cases with its times as the messages here have them."""
    if isinstance(value, list):
        return [timed(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = {key: timed(member) for key, member in value.items()}
    for key in ("startTime", "timestamp"):
        if key in members:
            whole, _, rest = members[key].removesuffix("Z").partition(".")
            members[key] = {"seconds": str(int(datetime.fromisoformat(f"{whole}+00:00").timestamp()))}
            members[key]["nanos"] = int(rest)
    if "duration" in members:
        whole, _, rest = members["duration"].removesuffix("s").partition(".")
        members["duration"] = {"seconds": whole, "nanos": int(rest.ljust(9, "0"))}
    return members


@pytest.mark.parametrize(
    "case", parameters(table("jaeger/otlp_to_jaeger_cases.json").get("traces", ()), lambda _, case: case["name"])
)
def test_exporter(case):
    assert in_order(timed(case["jaeger_batch"])) == in_order(jaeger_of(case["otlp"]))


def tags_of(span: dict[str, Any]) -> list[Any]:
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1" * 32, "spanId": "1" * 16, **span}]}]}]}
    return jaeger_of(request)["spans"][0].get("tags", [])


def of_exporter(name: str) -> list[Any]:
    return parameters(table("jaeger/otlp_to_jaeger_cases.json").get(name, ()), lambda index, _: str(index))


@pytest.mark.parametrize("case", of_exporter("attribute_to_tag"))
def test_attribute_to_tag(case):
    (found,) = tags_of({"attributes": [case["attribute"]]})
    assert found in case.get("tag_any_of", [case.get("tag")])


@pytest.mark.parametrize("case", of_exporter("status_to_tags"))
def test_status_to_tags(case):
    assert in_order(case["tags"]) == in_order(tags_of({"status": case["status"]}))


@pytest.mark.parametrize("case", of_exporter("kind_to_tag"))
def test_kind_to_tag(case):
    assert [case["tag"]] * (case["tag"] is not None) == tags_of({"kind": case["kind"]})
