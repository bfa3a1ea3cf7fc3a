"""What becomes of a span of version 1; the conformance cases have the common ones."""

import json

import pytest

from collector.translate.zipkin.to_otlp import Reading
from collector.translate.zipkin.v1 import v1_to_otlp
from collector.translate.zipkin.v1_json import read_v1_json

NOW = 5_000_000
SHOP = {"serviceName": "shop", "ipv4": "1.2.3.4", "ipv6": "::1", "port": 80}


@pytest.fixture
def translate(spans_of):
    """Return a function that translates one span of these members: its resource, its scope and itself."""

    def one(reading=Reading(), **members):  # noqa: B008 - it is frozen
        span = {"traceId": "0000000000000001", "id": "0000000000000002", "timestamp": 1, **members}
        (found,) = spans_of(v1_to_otlp(read_v1_json(json.dumps([span]).encode(), reading), reading, NOW))
        return found

    return one


def annotation(value, timestamp=1, endpoint=None):
    return {"value": value, "timestamp": timestamp, "endpoint": endpoint}


def tag(key, value="", endpoint=None):
    return {"key": key, "value": value, "endpoint": endpoint}


def test_the_resource_is_the_node_that_recorded_the_request(translate):
    annotations = [annotation("ws", endpoint={"serviceName": "other"}), annotation("sr", endpoint=SHOP)]
    expected = {"service.name": "shop", "ipv4": "1.2.3.4", "ipv6": "::1", "port": "80"}
    assert expected == translate(annotations=annotations)[0]


@pytest.mark.parametrize(
    ("annotations", "tags", "service"),
    [
        ([], [], "unknown-service"),
        ([annotation("sr")], [], "unknown-service"),
        ([annotation("ws", endpoint=SHOP)], [], "shop"),
        ([annotation("ws", endpoint=SHOP)], [tag("lc", "local")], "local"),
        ([], [tag("lc", "local"), tag("x", endpoint=SHOP)], "shop"),
        ([annotation("sr", endpoint=SHOP)], [tag("x", endpoint={"serviceName": "other"})], "shop"),
        ([], [tag("sa", True, SHOP)], "unknown-service"),
    ],
)
def test_services(translate, annotations, tags, service):
    assert service == translate(annotations=annotations, binaryAnnotations=tags)[0]["service.name"]


def test_the_other_end(translate, attributes_of):
    """Its address is no tag of the span, and its service not the span's."""
    _, _, span = translate(binaryAnnotations=[tag("sa", True, SHOP), tag("ca", "1")])
    assert {"peer.service": "shop", "net.peer.ip": "::1", "net.peer.port": 80, "ca": "1"} == attributes_of(span)


def test_annotations(translate):
    """Those of a request are its kind and times, the others events."""
    annotations = [
        annotation("", 1),
        annotation("cs", 4),
        annotation("ws", 5),
        annotation("sr", 6),
        annotation("cr", 9),
    ]
    _, _, span = translate(annotations=annotations, timestamp=0)
    assert (3, 4_000, 9_000) == (span.kind, span.start_time_unix_nano, span.end_time_unix_nano)
    assert [("ws", 5_000)] == [(event.name, event.time_unix_nano) for event in span.events]


def test_times(translate, attributes_of):
    _, _, span = translate(timestamp=7, duration=2, annotations=[annotation("ws", 1)])
    assert (7_000, 9_000, {}) == (span.start_time_unix_nano, span.end_time_unix_nano, attributes_of(span))
    _, _, span = translate(timestamp=None, duration=2)
    assert (NOW, NOW) == (span.start_time_unix_nano, span.end_time_unix_nano)
    assert {"otel.zipkin.absentField.startTime": True} == attributes_of(span)


def test_tags(translate, attributes_of):
    """Values are text, unless they are wanted as what they spell or come as something else."""
    tags = [tag("a", "1"), tag("b", 2.5), tag("c", True), tag("lc", "local"), tag("d", None)]
    expected = {"a": "1", "b": 2.5, "c": True, "component": "local", "d": ""}
    assert expected == attributes_of(translate(binaryAnnotations=tags)[2])
    assert expected | {"a": 1} == attributes_of(translate(Reading(parse_string_tags=True), binaryAnnotations=tags)[2])


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("old", {"http.status_code": "404"}),
        ("new", {"http.response.status_code": "404"}),
        ("both", {"http.status_code": "404", "http.response.status_code": "404"}),
    ],
)
def test_names_that_have_changed(translate, attributes_of, age, expected):
    _, _, span = translate(Reading(age=age), binaryAnnotations=[tag("http.status_code", "404")])
    assert (2, expected) == (span.status.code, attributes_of(span))


@pytest.mark.parametrize(
    ("tags", "status", "left"),
    [
        ({"error": "boom"}, (2, ""), {"error": "boom"}),
        ({"error": True}, (2, ""), {}),
        ({"error": "true", "otel.status_description": "no"}, (2, "no"), {}),
        ({"otel.status_code": "STATUS_CODE_OK"}, (1, ""), {}),
        ({"otel.status_code": "7"}, (7, ""), {}),
        ({"otel.status_code": "99999999999"}, (0, ""), {}),
        ({"census.status_code": "0", "census.status_description": 5}, (1, ""), {}),
        ({"http.status_code": "200", "http.status_message": "OK"}, (0, "OK"), None),
        ({"http.status_code": 605}, (2, ""), None),
        ({"http.status_code": "x"}, (0, ""), None),
        ({"http.status_code": True}, (0, ""), None),
    ],
)
def test_status(translate, attributes_of, tags, status, left):
    _, _, span = translate(binaryAnnotations=[tag(key, value) for key, value in tags.items()])
    assert status == (span.status.code, span.status.message)
    assert (tags if left is None else left) == attributes_of(span)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"traceId": "1"}, "16 or 32 hexadecimal digits"),
        ({"id": "1"}, "16 hexadecimal digits"),
        ({"parentId": "1"}, "16 hexadecimal digits"),
        ({"id": None}, "every span needs an id"),
        ({"traceId": "0" * 32}, "every span needs a trace id"),
        ({"duration": -1}, r"spans\[0\].duration: expected a number from 0"),
        ({"timestamp": 18446744073709551, "duration": 1}, "ends later than OTLP can say"),
        ({"annotations": [annotation("x", -1)]}, r"spans\[0\].annotations\[0\].timestamp"),
        (
            {"binaryAnnotations": [tag("x", {})]},
            r"spans\[0\].binaryAnnotations\[0\].value: expected a string, not an object",
        ),
    ],
)
def test_what_is_wrong(translate, members, message):
    with pytest.raises(ValueError, match=message):
        translate(**members)
