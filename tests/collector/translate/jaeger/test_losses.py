"""Each row of the table in `docs/jaeger.md` of what OTLP loses on the way to Jaeger and back, by an example."""

import pytest

from collector.data import Signal
from collector.data.messages import REQUESTS
from collector.translate.jaeger import proto, thrift
from collector.translate.jaeger.from_otlp import from_otlp

Request = REQUESTS[Signal.TRACES]
START = 1_750_000_000_000_000_000
OTHER = {"trace_id": b"o" * 16, "span_id": b"o" * 8}
FOLLOWS, CHILD = ({"opentracing.ref_type": kind} for kind in ("follows_from", "child_of"))
OWN = {"trace_id": b"t" * 16, "span_id": b"p" * 8}
TWICE = "one resource in two places"

# What is sent and what comes back, by the row that says so.
LOSSES = {
    "nanoseconds": (
        {"start_time_unix_nano": START + 1999},
        {"start_time_unix_nano": START + 1000, "end_time_unix_nano": START + 4000},
    ),
    "an end before the start": ({"end_time_unix_nano": START - 1}, {"end_time_unix_nano": START}),
    "attributes that are lists, maps or nothing": (
        {"attributes": {"list": ["a", 1], "map": {"b": True}, "nothing": None}},
        {"attributes": {"list": '["a",1]', "map": '{"b":true}', "nothing": ""}},
    ),
    "attributes and schema URLs of scopes, a version of a scope that the span's tags have too": (
        {
            "scope": {"name": "lib", "version": "1", "attributes": {"a": "b"}},
            "schema": "https://x",
            "attributes": {"otel.scope.version": "2"},
        },
        {"scope": {"name": "lib", "version": "2"}},
    ),
    "a parent that a link names, too": (
        {"parent_span_id": b"p" * 8, "links": [{**OWN, "attributes": CHILD}]},
        {"parent_span_id": b"p" * 8},
    ),
    "links of a span without a parent, into its own trace": (
        {"links": [{**OWN, "attributes": CHILD}]},
        {"parent_span_id": b"p" * 8},
    ),
    "attributes, trace state and dropped counts of links": (
        {"links": [{**OTHER, "trace_state": "a=b", "dropped_attributes_count": 1, "attributes": {"why": "x"}}]},
        {"links": [{**OTHER, "attributes": FOLLOWS}]},
    ),
    "an event whose attributes have an `event`": (
        {"events": [{"name": "first", "attributes": {"event": "second"}}]},
        {"events": [{"name": "second"}]},
    ),
    "a status without a code": (
        {"status": {"message": "odd"}, "attributes": {"http.status_code": 500}},
        {"status": {"code": 2}, "attributes": {"http.status_code": 500, "otel.status_description": "odd"}},
    ),
    "attributes that look like the tags above (`span.kind`, `error: true`, `otel.status_code`, `hostname` of a resource, "
    "…)": (
        {"resource": {"hostname": "one"}, "attributes": {"span.kind": "client", "error": True}},
        {"resource": {"host.name": "one"}, "kind": 3, "status": {"code": 2}},
    ),
    "dropped counts, schema URLs, flags other than `sampled`": (
        {"dropped_attributes_count": 1, "dropped_events_count": 2, "flags": 0x301, "resource_schema": "https://x"},
        {"flags": 1},
    ),
}


def by_thrift(found):
    return b"".join(thrift.translate_batch(body).payload for body in thrift.write_batches(found))


def by_proto(found):
    return proto.translate_post_spans(proto.write_post_spans(found)).payload


def test_every_row_has_an_example(losses):
    assert losses("jaeger.md") == {*LOSSES, TWICE}


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@pytest.mark.parametrize("row", LOSSES)
def test_what_comes_back(made, plain, row, there_and_back):
    sent, expected = (made(**members) for members in LOSSES[row])
    if row == "nanoseconds" and there_and_back is by_proto:
        expected = sent
    back = Request.FromString(there_and_back(from_otlp(sent.SerializeToString()).spans))
    assert plain(expected) == plain(back)


@pytest.mark.parametrize(("there_and_back", "resources"), [(by_thrift, 2), (by_proto, 1)])
def test_one_resource_in_two_places(made, there_and_back, resources):
    sent = made().SerializeToString() + made().SerializeToString()
    back = Request.FromString(there_and_back(from_otlp(sent).spans))
    assert resources == len(back.resource_spans)
