"""What becomes of a span of OTLP; the conformance cases have the common ones."""

import pytest

from collector.data import Signal, set_attribute
from collector.data.messages import Span
from collector.testing import make_batch
from collector.translate.zipkin.from_otlp import from_otlp
from collector.translate.zipkin.model import Endpoint


def translate(resource=None, default="none", attributes=None, **fields):
    """Return what becomes of one span of these fields."""
    span = Span(**{"trace_id": b"t" * 16, "span_id": b"s" * 8, **fields})
    for key, value in (attributes or {}).items():
        set_attribute(span.attributes, key, value)
    (found,), invalid = from_otlp(make_batch(Signal.TRACES, [span], resource).payload, default)
    assert 0 == invalid
    found.tags.pop("otel.scope.name")
    return found


@pytest.mark.parametrize(
    ("resource", "service", "tags"),
    [
        ({}, "none", {}),
        ({"service.name": ""}, "none", {}),
        ({"service.name": "shop", "faas.name": "f"}, "shop", {"faas.name": "f"}),
        ({"faas.name": "f", "x": 1}, "f", {"otlp.service.name.source": "faas.name", "x": "1"}),
        ({"k8s.deployment.name": "d"}, "d", {"otlp.service.name.source": "k8s.deployment.name"}),
        ({"process.executable.name": "e"}, "e", {"otlp.service.name.source": "process.executable.name"}),
    ],
)
def test_services(resource, service, tags):
    found = translate(resource)
    assert (Endpoint(service), tags) == (found.local, found.tags)


def test_a_span_wins_over_its_resource():
    assert {"a": "span", "b": "resource"} == translate(
        {"a": "resource", "b": "resource"}, attributes={"a": "span"}
    ).tags


def test_values_become_text_as_go_writes_them():
    values = {"i": 5, "d": 1.0, "t": True, "b": b"\0", "l": [1, "x"], "m": {"k": 1.5}, "n": None}
    expected = {"i": "5", "d": "1", "t": "true", "b": "AA==", "l": '[1,"x"]', "m": '{"k":1.5}', "n": ""}
    assert expected == translate(attributes=values).tags


@pytest.mark.parametrize(
    ("attributes", "local", "remote", "left"),
    [
        ({"net.host.ip": "1.2.3.4", "net.host.port": 5}, Endpoint("none", ipv4="1.2.3.4", port=5), Endpoint(), {}),
        ({"peer.service": "db"}, Endpoint("none"), Endpoint("db"), {}),
        ({"service.peer.name": "new", "peer.service": "old"}, Endpoint("none"), Endpoint("new"), {}),
        ({"network.peer.address": "::1", "net.peer.ip": "::1"}, Endpoint("none"), Endpoint(ipv6="::1"), {}),
        ({"net.peer.ip": "db.local"}, Endpoint("none"), Endpoint(), {"net.peer.ip": "db.local"}),
        ({"net.peer.port": 70000}, Endpoint("none"), Endpoint(), {"net.peer.port": "70000"}),
        ({"net.peer.port": "²"}, Endpoint("none"), Endpoint(), {"net.peer.port": "²"}),
        ({"net.peer.port": "9"}, Endpoint("none"), Endpoint(port=9), {}),
    ],
)
def test_endpoints(attributes, local, remote, left):
    """What is no address and no port stays a tag."""
    found = translate(attributes=attributes)
    assert (local, remote, left) == (found.local, found.remote, found.tags)


@pytest.mark.parametrize(
    ("start", "end", "timestamp", "duration"),
    [
        (0, 0, 0, 0),
        (1_000, 1_000, 1, 0),
        (1_499, 2_499, 1, 1),
        (1_500, 3_000, 2, 2),
        (1_000, 1_001, 1, 1),
        (2_000, 1_000, 2, 0),
        (1_000, 0, 1, 0),
        (0, 5_000, 0, 5),
        (2**64 - 1, 2**64 - 1, 18_446_744_073_709_551, 0),
        (2**64 - 2_000, 2**64 - 1, 18_446_744_073_709_550, 1),
    ],
)
def test_times(start, end, timestamp, duration):
    """To the nearest microsecond, a duration never to none."""
    found = translate(start_time_unix_nano=start, end_time_unix_nano=end)
    assert (timestamp, duration) == (found.timestamp, found.duration)


@pytest.mark.parametrize(
    ("status", "error", "tags"),
    [
        ({}, None, {}),
        ({"message": "x"}, None, {}),
        ({}, "false", {}),
        ({"code": 1}, True, {"otel.status_code": "STATUS_CODE_OK"}),
        ({"code": 2}, None, {"otel.status_code": "STATUS_CODE_ERROR", "error": "true"}),
        ({"code": 2}, False, {"otel.status_code": "STATUS_CODE_ERROR", "error": "true"}),
        (
            {"code": 2, "message": "no"},
            "boom",
            {"otel.status_code": "STATUS_CODE_ERROR", "otel.status_description": "no", "error": "boom"},
        ),
        ({"code": 7}, None, {}),
    ],
)
def test_status(status, error, tags):
    """Zipkin shows whatever has an `error` as failed, so only what failed has one."""
    assert tags == translate(status=status, attributes={} if error is None else {"error": error}).tags


@pytest.mark.parametrize(
    ("kind", "word", "tags"),
    [
        (0, "", {}),
        (1, "", {"span.kind": "internal"}),
        (2, "SERVER", {}),
        (3, "CLIENT", {}),
        (4, "PRODUCER", {}),
        (5, "CONSUMER", {}),
        (99, "", {}),
    ],
)
def test_kinds(kind, word, tags):
    found = translate(kind=kind)
    assert (word, tags) == (found.kind, found.tags)


@pytest.mark.parametrize(("parent", "expected"), [(b"p" * 8, b"p" * 8), (bytes(8), b""), (b"short", b"")])
def test_parents(parent, expected):
    assert expected == translate(parent_span_id=parent).parent_id


@pytest.mark.parametrize(
    "ids",
    [
        {},
        {"trace_id": bytes(16), "span_id": b"s" * 8},
        {"trace_id": b"t" * 16, "span_id": bytes(8)},
        {"trace_id": b"t" * 8, "span_id": b"s" * 8},
        {"trace_id": b"t" * 16, "span_id": b"s" * 16},
    ],
)
def test_spans_without_valid_ids_are_left_out(ids):
    good = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="good")
    spans, invalid = from_otlp(make_batch(Signal.TRACES, [Span(**ids), good]).payload)
    assert (["good"], 1) == ([span.name for span in spans], invalid)


def test_the_mark_of_an_absent_start_is_not_sent():
    """The start that is not there says it."""
    key = "otel.zipkin.absentField.startTime"
    assert {} == translate(attributes={key: True}).tags
    assert {key: "true"} == translate(attributes={key: True}, start_time_unix_nano=1_000).tags
