"""What Jaeger is told of OTLP that has more than it has a place for."""

import pytest

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS
from collector.translate.jaeger.from_otlp import from_otlp
from collector.translate.jaeger.model import Process, Reference

TRACE, SPAN, PARENT = b"t" * 16, b"s" * 8, b"p" * 8


def translated(resource=None, **fields):
    request = REQUESTS[Signal.TRACES]()
    group = request.resource_spans.add()
    for key, value in (resource or {}).items():
        set_attribute(group.resource.attributes, key, value)
    attributes = fields.pop("attributes", {})
    span = group.scope_spans.add().spans.add(**{"trace_id": TRACE, "span_id": SPAN, **fields})
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    return from_otlp(request.SerializeToString())


def span_of(**fields):
    return translated(**fields).spans[0]


@pytest.mark.parametrize(
    ("resource", "service", "tags"),
    [
        ({}, "OTLPResourceNoServiceName", {}),
        ({"service.name": "shop"}, "shop", {}),
        ({"host.name": "one"}, "", {"host.name": "one"}),
        ({"service.name": 5, "list": [1, "a"]}, "5", {"list": '[1,"a"]'}),
    ],
)
def test_process(resource, service, tags):
    process = translated(resource).spans[0].process
    assert isinstance(process, Process)
    assert (service, tags) == (process.service, process.tags)


def test_lists_and_maps_are_told_as_text():
    tags = span_of(attributes={"map": {"b": 1, "a": [True]}, "none": None}).tags
    assert {"map": '{"a":[true],"b":1}', "none": ""} == tags


@pytest.mark.parametrize(
    ("link", "reference"),
    [
        ({"span_id": PARENT}, Reference(TRACE, PARENT, follows=True)),
        ({"span_id": b"o" * 8}, Reference(TRACE, PARENT)),
        ({"trace_id": b"u" * 16, "span_id": PARENT}, Reference(TRACE, PARENT)),
    ],
)
def test_the_parent_comes_first(link, reference):
    """A link to the parent says of which kind it is."""
    links = [{"trace_id": TRACE, **link}]
    references = span_of(parent_span_id=PARENT, links=links).references
    assert reference == references[0]
    assert references[1:] == ([] if reference.follows else [Reference(follows=True, **links[0])])


def test_the_name_of_an_event():
    request = [{"name": "begun", "attributes": [{"key": "event", "value": {"string_value": "own"}}]}, {"name": "begun"}]
    assert [{"event": "own"}, {"event": "begun"}] == [log.fields for log in span_of(events=request).logs]


def test_an_end_before_the_start():
    assert 0 == span_of(start_time_unix_nano=5, end_time_unix_nano=4).duration


@pytest.mark.parametrize(
    "fields", [{"trace_id": b"1"}, {"span_id": b"1" * 9}, {"links": [{"trace_id": b"1", "span_id": SPAN}]}]
)
def test_ids_of_a_wrong_size(fields):
    assert ([], 1) == translated(**fields)


def test_ids_that_are_missing_are_zero():
    span = span_of(trace_id=b"", span_id=b"", links=[{}])
    assert (bytes(16), bytes(8)) == (span.trace_id, span.span_id)
    assert [Reference(bytes(16), bytes(8), follows=True)] == span.references


@pytest.mark.parametrize(("kind", "tags"), [(0, {}), (3, {"span.kind": "client"}), (9, {})])
def test_kinds(kind, tags):
    assert tags == span_of(kind=kind).tags
