"""What becomes of a span of version 2; the conformance cases have the common ones."""

import pytest

from collector.translate.zipkin.model import Endpoint, ZipkinSpan
from collector.translate.zipkin.to_otlp import Reading, to_otlp

IDS = {"trace_id": bytes(15) + b"\1", "id": bytes(7) + b"\2"}


@pytest.fixture
def translate(spans_of):
    """Return a function that translates one span of these fields: its resource, its scope and itself."""

    def one(reading=Reading(), **fields):  # noqa: B008 - it is frozen
        (found,) = spans_of(to_otlp([ZipkinSpan(**{**IDS, "timestamp": 1, **fields})], reading))
        return found

    return one


@pytest.mark.parametrize(
    ("kind", "tags", "expected"),
    [
        ("CLIENT", {}, 3),
        ("SERVER", {}, 2),
        ("PRODUCER", {}, 4),
        ("CONSUMER", {}, 5),
        ("", {}, 0),
        ("OTHER", {}, 0),
        ("", {"span.kind": "internal"}, 1),
    ],
)
def test_kinds(translate, attributes_of, kind, tags, expected):
    _, _, span = translate(kind=kind, tags=tags)
    assert (expected, {}) == (span.kind, attributes_of(span))


@pytest.mark.parametrize(("kind", "word"), [("CLIENT", "internal"), ("", "client")])
def test_a_kind_that_is_only_a_tag_stays_one(translate, attributes_of, kind, word):
    _, _, span = translate(kind=kind, tags={"span.kind": word})
    assert {"span.kind": word} == attributes_of(span)


@pytest.mark.parametrize("word", ["STATUS_CODE_ERROR", "ERROR", "Error", "error"])
def test_the_status_is_understood_as_anybody_writes_it(translate, attributes_of, word):
    _, _, span = translate(tags={"otel.status_code": word, "otel.status_description": "no"})
    assert (2, "no", {}) == (span.status.code, span.status.message, attributes_of(span))


def test_what_is_no_status_stays(translate, attributes_of):
    tags = {"otel.status_code": "MAYBE", "otel.status_description": "no"}
    _, _, span = translate(tags=tags)
    assert (0, "", tags) == (span.status.code, span.status.message, attributes_of(span))


@pytest.mark.parametrize(("text", "left"), [("true", {}), ("boom", {"error": "boom"}), ("", {"error": ""})])
def test_an_error_of_any_text_is_one(translate, attributes_of, text, left):
    _, _, span = translate(tags={"error": text, "otel.status_code": "OK"})
    assert (2, left) == (span.status.code, attributes_of(span))


def test_times(translate, attributes_of):
    _, _, span = translate(timestamp=7, duration=3, annotations=[(8, "ws")])
    assert (7_000, 10_000, 8_000) == (
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.events[0].time_unix_nano,
    )
    assert {} == attributes_of(span)
    _, _, span = translate(timestamp=0, duration=3)
    assert (0, 3_000) == (span.start_time_unix_nano, span.end_time_unix_nano)
    assert {"otel.zipkin.absentField.startTime": True} == attributes_of(span)


@pytest.mark.parametrize(("parent", "expected"), [(b"", b""), (bytes(8), b""), (IDS["id"], b""), (b"8" * 8, b"8" * 8)])
def test_parents(translate, parent, expected):
    """A span may not be its own parent: so the halves of a shared span say that they are one."""
    assert expected == translate(parent_id=parent)[2].parent_span_id


def test_the_resource(translate, attributes_of):
    tags = {"host.name": "h", "service.version": "2", "http.path": "/", "process.pid": "5"}
    resource, _, span = translate(local=Endpoint("shop"), tags=tags)
    assert {"service.name": "shop", "host.name": "h", "service.version": "2", "process.pid": "5"} == resource
    assert {"http.path": "/"} == attributes_of(span)


@pytest.mark.parametrize("name", ["", "OTLPResourceNoServiceName", "otlpresourcenoservicename"])
def test_a_name_that_stands_for_none(translate, name):
    assert {"host.name": "h"} == translate(local=Endpoint(name), tags={"host.name": "h"})[0]


def test_the_service_name_goes_back_to_where_it_came_from(translate):
    tags = {"otlp.service.name.source": "faas.name"}
    assert {"faas.name": "shop"} == translate(local=Endpoint("shop"), tags=tags)[0]


@pytest.mark.parametrize("age", ["scope", "library"])
def test_the_scope(translate, attributes_of, age):
    _, scope, span = translate(tags={f"otel.{age}.name": "lib", f"otel.{age}.version": "1"})
    assert (("lib", "1"), {}) == (scope, attributes_of(span))


def test_equal_resources_and_scopes_are_one(spans_of):
    """Spans of one service on two hosts have two resources; nothing of the second is lost."""
    spans = [
        ZipkinSpan(**IDS, local=Endpoint("shop"), tags={"host.name": host, "otel.scope.name": scope})
        for host, scope in (("a", "x"), ("b", "x"), ("a", "x"), ("a", "y"))
    ]
    found = [(resource["host.name"], scope[0]) for resource, scope, _ in spans_of(to_otlp(spans, Reading()))]
    assert [("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")] == found


OLD = {"net.host.ip": "1.2.3.4", "net.peer.ip": "::5", "peer.service": "db"}
NEW = {"network.local.address": "1.2.3.4", "network.peer.address": "::5", "service.peer.name": "db"}
PORTS = {"net.host.port": 1, "net.peer.port": 2}


@pytest.mark.parametrize(("age", "expected"), [("old", OLD), ("new", NEW), ("both", OLD | NEW)])
def test_endpoints(translate, attributes_of, age, expected):
    local, remote = Endpoint("shop", ipv4="1.2.3.4", port=1), Endpoint("db", ipv4="9.9.9.9", ipv6="::5", port=2)
    _, _, span = translate(Reading(age=age), local=local, remote=remote, tags={"net.host.ip": "old"})
    assert {"net.host.ip": "old"} | expected | PORTS == attributes_of(span)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("-5", -5),
        ("1.50", 1.5),
        ("true", True),
        ("True", "True"),
        ("", ""),
        ("1e5", "1e5"),
        ("0x10", "0x10"),
        ("+5", "+5"),
        ("5\n", "5\n"),
        ("٣", "٣"),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("9" * 30, "9" * 30),
    ],
)
def test_tags_that_spell_something(translate, attributes_of, text, expected):
    """What does not fit into OTLP's types stays as it is."""
    found = attributes_of(translate(Reading(parse_string_tags=True), tags={"a": text})[2])["a"]
    assert (expected, type(expected)) == (found, type(found))
    assert {"a": text} == attributes_of(translate(tags={"a": text})[2])


def test_links_and_trace_state(translate, attributes_of):
    tags = {
        "w3c.tracestate": "ot=th:8",
        "otlp.link.0": f'{"0a" * 16}|{"0b" * 8}|x=y|{{"a":1}}|2',
        "otlp.link.1": "not a link",
        "otlp.link.2": "|||{}|0",
        "otlp.link.4": "|||{}|0",
    }
    _, _, span = translate(tags=tags)
    first, second = span.links
    assert ("ot=th:8", b"\x0a" * 16, b"\x0b" * 8, "x=y", {"a": 1}, 2) == (
        span.trace_state,
        first.trace_id,
        first.span_id,
        first.trace_state,
        attributes_of(first),
        first.dropped_attributes_count,
    )
    assert not second.ByteSize()
    assert ["otlp.link.1", "otlp.link.4"] == sorted(attributes_of(span))


def test_half_of_a_surrogate_pair_is_refused(translate):
    with pytest.raises(ValueError, match="surrogates not allowed"):
        translate(name="\ud800")
