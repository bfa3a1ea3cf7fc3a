"""What a way there and back keeps, over each encoding."""

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS
from collector.testing.strategies import requests
from collector.translate.jaeger import proto, thrift
from collector.translate.jaeger.from_otlp import from_otlp
from collector.translate.jaeger.model import MOST_NANOSECONDS, JaegerSpan, Log, Process, Reference

Request = REQUESTS[Signal.TRACES]

_texts = st.text(st.characters(codec="utf-8"), max_size=6)
_values = _texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary(max_size=4)
_tags = st.dictionaries(_texts, _values, max_size=3)
_trace_ids, _span_ids = (st.binary(min_size=size, max_size=size).filter(any) for size in (16, 8))
_microseconds = st.integers(0, 2**40)
_processes = st.builds(Process, _texts, _tags)
_spans = st.builds(
    JaegerSpan,
    trace_id=_trace_ids,
    span_id=_span_ids,
    name=_texts,
    flags=st.integers(0, 1),
    start=_microseconds.map(lambda time: time * 1000),
    duration=_microseconds.map(lambda time: time * 1000),
    references=st.lists(st.builds(Reference, _trace_ids, _span_ids, st.booleans()), max_size=3),
    tags=_tags,
    logs=st.lists(st.builds(Log, _microseconds.map(lambda time: time * 1000), _tags), max_size=3),
)


@st.composite
def jaeger_spans(draw):
    """Draw spans of some processes, those of one process next to each other."""
    spans = []
    for process in draw(st.lists(_processes, min_size=1, max_size=3)):
        for span in draw(st.lists(_spans, min_size=1, max_size=3)):
            span.process = process
            spans.append(span)
    return spans


def by_thrift(spans):
    return [thrift.translate_batch(body) for body in thrift.write_batches(spans)]


def by_proto(spans):
    return [proto.translate_post_spans(proto.write_post_spans(spans))]


def otlp(translated):
    """Return the spans with their resources and scopes, in an order that says nothing, as that of links does not."""
    request = Request.FromString(b"".join(found.payload for found in translated))
    members = [
        (resource.resource, scope.scope, span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    for _, _, span in members:
        span.links.sort(key=lambda link: link.SerializeToString(deterministic=True))
    return sorted(tuple(part.SerializeToString(deterministic=True) for part in member) for member in members)


@given(jaeger_spans())
def test_both_encodings_say_the_same(spans):
    assert otlp(by_proto(spans)) == otlp(by_thrift(spans))


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@given(spans=jaeger_spans())
def test_no_span_is_lost_or_made_up(there_and_back, spans):
    translated = there_and_back(spans)
    assert len(spans) == sum(found.count for found in translated)
    assert not any(found.invalid for found in translated)
    assert [] == [found.complaint for found in translated if found.complaint]


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@given(spans=jaeger_spans())
def test_what_came_from_jaeger_comes_back_to_it(there_and_back, spans):
    """OTLP keeps all of it: a second way there and back changes nothing more."""
    once = there_and_back(spans)
    resent = [from_otlp(found.payload) for found in once]
    again = [found for spans, invalid in resent for found in there_and_back(spans) if not invalid]
    assert otlp(once) == otlp(again)


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@given(payload=requests(Signal.TRACES))
def test_any_otlp_can_be_told(there_and_back, payload):
    """Times that a span cannot have are refused by whoever reads them; nothing raises, and every span is counted."""
    spans, invalid = from_otlp(payload)
    found = there_and_back(spans) if spans else []
    counted = sum(batch.count + sum(batch.invalid.values()) for batch in found)
    blank = sum(
        is_blank(span)
        for resource in Request.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    assert number_of_spans(payload) - blank <= counted + invalid <= number_of_spans(payload)


def is_blank(span):
    return not any(span.trace_id) and not any(span.span_id)


def number_of_spans(payload):
    request = Request.FromString(payload)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


@pytest.mark.parametrize(("there_and_back", "unit"), [(by_thrift, 1000), (by_proto, 1)])
def test_a_whole_span_comes_back(there_and_back, unit):
    request = Request()
    resource = request.resource_spans.add()
    set_attribute(resource.resource.attributes, "service.name", "shop")
    set_attribute(resource.resource.attributes, "host.name", "one")
    scope = resource.scope_spans.add(scope={"name": "library", "version": "1"})
    span = scope.spans.add(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        parent_span_id=b"parent!!",
        trace_state="a=b",
        flags=1,
        name="operation",
        kind=4,
        start_time_unix_nano=10**18 + unit,
        end_time_unix_nano=2 * 10**18,
        status={"code": 2, "message": "broken"},
    )
    for key, value in {"text": "ü", "true": True, "int": -5, "double": 0.5, "bytes": b"\xff"}.items():
        set_attribute(span.attributes, key, value)
    event = span.events.add(name="event", time_unix_nano=10**18 + unit)
    set_attribute(event.attributes, "double", 1.0)
    link = span.links.add(trace_id=bytes(range(1, 17)), span_id=bytes(range(1, 9)))
    set_attribute(link.attributes, "opentracing.ref_type", "child_of")
    (found,) = there_and_back(from_otlp(request.SerializeToString()).spans)
    assert json_format.MessageToDict(request) == json_format.MessageToDict(Request.FromString(found.payload))


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@pytest.mark.parametrize("time", [0, MOST_NANOSECONDS])
def test_extreme_times(there_and_back, time):
    span = JaegerSpan(trace_id=b"1" * 16, span_id=b"1" * 8, start=time // 1000 * 1000)
    (found,) = there_and_back([span])
    assert 1 == found.count
