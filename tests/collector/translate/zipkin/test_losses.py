"""Each row of the table in `docs/zipkin.md` of what OTLP loses on the way to Zipkin and back, by an example."""

import pytest

from collector.data import Signal
from collector.data.messages import REQUESTS
from collector.translate.zipkin.from_otlp import from_otlp
from collector.translate.zipkin.to_otlp import Reading, to_otlp
from collector.translate.zipkin.v2_json import read_json, write_json
from collector.translate.zipkin.v2_proto import read_proto, write_proto

Request = REQUESTS[Signal.TRACES]
START = 1_750_000_000_000_000_000
OTHER = {"trace_id": b"o" * 16, "span_id": b"o" * 8}
TWICE = "one resource in two places"
LINK = {f"otlp.link.{number}": f"{'6f' * 16}|{'6f' * 8}||{{}}|0" for number in (128, 129)}

# What is sent and what comes back, by the row that says so.
LOSSES = {
    "nanoseconds": (
        {"start_time_unix_nano": START + 1500, "end_time_unix_nano": START + 1900},
        {"start_time_unix_nano": START + 2000, "end_time_unix_nano": START + 3000},
    ),
    "an end before the start": ({"end_time_unix_nano": START - 1}, {"end_time_unix_nano": START}),
    "attributes of spans and resources that are no text": (
        {
            "resource": {"process.pid": 1},
            "attributes": {"list": ["a", 1], "map": {"b": True}, "bytes": b"\xff", "half": 0.5, "yes": True},
        },
        {
            "resource": {"process.pid": "1"},
            "attributes": {"list": '["a",1]', "map": '{"b":true}', "bytes": "/w==", "half": "0.5", "yes": "true"},
        },
    ),
    "attributes of events and links": (
        {
            "events": [{"name": "a", "attributes": {"n": 2.0, "half": 0.5, "bytes": b"\xff"}}],
            "links": [{**OTHER, "attributes": {"n": 2.0, "list": [1]}}],
        },
        {
            "events": [{"name": "a", "attributes": {"bytes": "/w==", "half": 0.5, "n": 2}}],
            "links": [{**OTHER, "attributes": {"list": [1], "n": 2}}],
        },
    ),
    "resource attributes with names of no convention, and all attributes of scopes": (
        {"resource": {"branch": "north", "host.name": "h"}, "scope": {"name": "lib", "attributes": {"a": "b"}}},
        {"resource": {"host.name": "h"}, "scope": {"name": "lib"}, "attributes": {"branch": "north", "a": "b"}},
    ),
    "an attribute of the resource or scope that the span has too": (
        {"resource": {"branch": "north"}, "attributes": {"branch": "south"}},
        {"attributes": {"branch": "south"}},
    ),
    "dropped counts of spans, flags, schema URLs": (
        {"dropped_attributes_count": 1, "dropped_links_count": 2, "flags": 1, "schema": "x", "resource_schema": "y"},
        {},
    ),
    "a status without a code; an attribute `error` of a span that did not fail": (
        {"status": {"message": "odd"}, "attributes": {"error": "no"}},
        {},
    ),
    "the 129th link and those after it": ({"links": [OTHER] * 130}, {"links": [OTHER] * 128, "attributes": LINK}),
    "an event whose name has `\\|{` in it and that has attributes; doubles in it that are no numbers": (
        {"events": [{"name": "a|{", "attributes": {"b": "c"}}]},
        {"events": [{"name": 'a|{|{"b":"c"}|0'}]},
    ),
}


def by_json(spans):
    return read_json(write_json(spans))


def by_proto(spans):
    return read_proto(write_proto(spans))


def back_from(there_and_back, payload):
    return Request.FromString(to_otlp(there_and_back(from_otlp(payload).spans), Reading()))


def test_every_row_has_an_example(losses):
    assert losses("zipkin.md") == {*LOSSES, TWICE}


@pytest.mark.parametrize("there_and_back", [by_json, by_proto])
@pytest.mark.parametrize("row", LOSSES)
def test_what_comes_back(made, plain, row, there_and_back):
    sent, expected = (made(**members) for members in LOSSES[row])
    back = back_from(there_and_back, sent.SerializeToString())
    assert plain(expected) == plain(back)


@pytest.mark.parametrize("there_and_back", [by_json, by_proto])
def test_one_resource_in_two_places(made, there_and_back):
    sent = made().SerializeToString() + made().SerializeToString()
    assert 1 == len(back_from(there_and_back, sent).resource_spans)
