"""What OTLP makes of the words of Jaeger's clients."""

import pytest
from google.protobuf import json_format

from collector.data import Signal, value_of
from collector.data.messages import REQUESTS
from collector.translate.jaeger.model import InvalidSpanError, JaegerSpan, Log, Process, Reference
from collector.translate.jaeger.to_otlp import to_otlp

TRACE, PARENT, OTHER = b"t" * 16, b"p" * 8, b"o" * 8


def make(**fields):
    return JaegerSpan(**{"trace_id": TRACE, "span_id": b"s" * 8, **fields})


def translated(*spans):
    found = to_otlp(spans, lambda span: span)
    assert len(spans) == found.count
    return REQUESTS[Signal.TRACES].FromString(found.payload).resource_spans


def span_of(**fields):
    return translated(make(**fields))[0].scope_spans[0].spans[0]


def attributes(holder):
    return {pair.key: value_of(pair.value) for pair in holder.attributes}


@pytest.mark.parametrize(
    ("tags", "status", "left"),
    [
        ({}, {}, {}),
        ({"error": True}, {"code": 2}, {}),
        ({"error": False}, {}, {"error": False}),
        ({"error": "true"}, {}, {"error": "true"}),
        ({"error": True, "otel.status_description": "no"}, {"code": 2, "message": "no"}, {}),
        ({"error": True, "http.status_message": "no"}, {"code": 2, "message": "no"}, {"http.status_message": "no"}),
        ({"error": True, "otel.status_code": "OK"}, {"code": 2}, {}),
        ({"otel.status_code": "ok", "otel.status_description": "yes"}, {"code": 1, "message": "yes"}, {}),
        ({"otel.status_code": "Error", "http.status_code": 200}, {"code": 2}, {"http.status_code": 200}),
        (
            {"otel.status_code": "odd", "http.status_code": 500},
            {},
            {"otel.status_code": "odd", "http.status_code": 500},
        ),
        ({"otel.status_code": ""}, {}, {"otel.status_code": ""}),
        ({"otel.status_code": 2}, {}, {"otel.status_code": 2}),
        ({"http.status_code": 399}, {}, {"http.status_code": 399}),
        ({"http.status_code": 400}, {"code": 2}, {"http.status_code": 400}),
        ({"http.status_code": "503"}, {"code": 2}, {"http.status_code": "503"}),
        ({"http.status_code": "none"}, {}, {"http.status_code": "none"}),
        ({"http.status_code": True}, {}, {"http.status_code": True}),
        ({"http.response.status_code": 500}, {"code": 2}, {"http.response.status_code": 500}),
        ({"span.kind": "server", "http.status_code": 404}, {}, {"http.status_code": 404}),
        ({"span.kind": "server", "http.status_code": 500}, {"code": 2}, {"http.status_code": 500}),
        ({"span.kind": "client", "http.status_code": 404}, {"code": 2}, {"http.status_code": 404}),
    ],
)
def test_status(tags, status, left):
    span = span_of(tags=dict(tags))
    assert (status.get("code", 0), status.get("message", "")) == (span.status.code, span.status.message)
    assert left == attributes(span)


@pytest.mark.parametrize(
    ("word", "kind"), [("internal", 1), ("server", 2), ("client", 3), ("producer", 4), ("consumer", 5)]
)
def test_kind(word, kind):
    span = span_of(tags={"span.kind": word})
    assert (kind, {}) == (span.kind, attributes(span))


@pytest.mark.parametrize("word", ["", "other", "SERVER", 5])
def test_a_kind_that_there_is_not_stays_a_tag(word):
    span = span_of(tags={"span.kind": word})
    assert (0, {"span.kind": word}) == (span.kind, attributes(span))


@pytest.mark.parametrize(
    ("references", "parent", "links"),
    [
        ([], b"", []),
        ([Reference(TRACE, PARENT)], PARENT, []),
        ([Reference(TRACE, PARENT, follows=True)], PARENT, [(PARENT, "follows_from")]),
        ([Reference(TRACE, OTHER, follows=True), Reference(TRACE, PARENT)], PARENT, [(OTHER, "follows_from")]),
        ([Reference(TRACE, PARENT), Reference(TRACE, OTHER)], PARENT, [(OTHER, "child_of")]),
        ([Reference(b"u" * 16, PARENT)], b"", [(PARENT, "child_of")]),
        ([Reference(b"u" * 16, PARENT), Reference(TRACE, PARENT)], PARENT, [(PARENT, "child_of")]),
    ],
)
def test_references(references, parent, links):
    span = span_of(references=references)
    assert parent == span.parent_span_id
    assert links == [(link.span_id, attributes(link)["opentracing.ref_type"]) for link in span.links]


def test_what_thrift_says_of_the_parent_comes_first():
    span = span_of(parent_id=OTHER, references=[Reference(TRACE, PARENT), Reference(TRACE, OTHER)])
    assert (OTHER, [PARENT]) == (span.parent_span_id, [link.span_id for link in span.links])


def test_logs():
    log = Log(5, {"event": "begun", "message": "text"})
    begun, unnamed, typed = span_of(logs=[log, Log(6, {}), Log(7, {"event": 5})]).events
    assert ("begun", 5, {"message": "text"}) == (begun.name, begun.time_unix_nano, attributes(begun))
    assert ("", 6, {}) == (unnamed.name, unnamed.time_unix_nano, attributes(unnamed))
    assert ("", {"event": 5}) == (typed.name, attributes(typed))


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (None, {}),
        (Process(), {}),
        (Process("OTLPResourceNoServiceName"), {}),
        (Process("OTLPResourceNoServiceName", {"a": 1}), {"a": 1}),
        (Process("shop", {"hostname": "one"}), {"service.name": "shop", "host.name": "one"}),
        (Process("", {"hostname": "one", "host.name": "two"}), {"hostname": "one", "host.name": "two"}),
        (Process("", {"jaeger.version": "Go-2"}), {"opencensus.exporterversion": "Jaeger-Go-2"}),
        (Process("", {"jaeger.version": 2}), {"jaeger.version": 2}),
    ],
)
def test_resource(process, expected):
    (resource,) = translated(make(process=process))
    assert expected == attributes(resource.resource)


def test_spans_stay_with_their_process_and_scope():
    shop, store = Process("shop"), Process("store")
    first, second = translated(
        make(process=shop, name="1", tags={"otel.library.name": "a", "otel.library.version": "1"}),
        make(process=store, name="2"),
        make(process=shop, name="3", tags={"otel.scope.name": "b", "otel.scope.version": "1"}),
        make(process=shop, name="4", tags={"otel.scope.name": "a", "otel.scope.version": "1"}),
    )
    assert [("a", "1", ["1", "4"]), ("b", "1", ["3"])] == [
        (scope.scope.name, scope.scope.version, [span.name for span in scope.spans]) for scope in first.scope_spans
    ]
    assert ["2"] == [span.name for span in second.scope_spans[0].spans]


def test_flags_and_trace_state():
    span = span_of(flags=3, tags={"w3c.tracestate": "a=b"})
    assert (1, "a=b", {}) == (span.flags, span.trace_state, attributes(span))


def test_ids_that_are_zero_are_none():
    assert {"name": "x", "status": {}} == json_format.MessageToDict(span_of(trace_id=b"", span_id=b"", name="x"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"duration": -1}, "negative_duration"),
        ({"start": -1}, "invalid_time"),
        ({"start": 2**64 - 1, "duration": 1}, "invalid_time"),
        ({"logs": [Log(-1, {})]}, "invalid_time"),
        ({"logs": [Log(2**64, {})]}, "invalid_time"),
    ],
)
def test_times_that_cannot_be(fields, reason):
    found = to_otlp([make(), make(**fields), make()], lambda span: span)
    assert (2, {reason: 1}) == (found.count, dict(found.invalid))
    assert found.complaint.startswith("spans[1].")


def test_what_cannot_be_read():
    def read(raw):
        raise InvalidSpanError(f"{raw}: no", "malformed")

    found = to_otlp(["a", "b"], read)
    assert (0, b"", {"malformed": 2}, "spans[0].a: no") == (
        found.count,
        found.payload,
        dict(found.invalid),
        found.complaint,
    )
