"""OTLP to Jaeger and back loses what `docs/jaeger.md` says that the formats cannot hold, and nothing else."""

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS, Span
from collector.translate.jaeger import proto, thrift
from collector.translate.jaeger.from_otlp import from_otlp

Request = REQUESTS[Signal.TRACES]

texts = st.text(st.characters(codec="utf-8"), max_size=10)
# No name of these means something to Jaeger.
keys = st.text("abc.é", min_size=1, max_size=6).map("shop.{}".format)
values = st.one_of(
    texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=5)
)
attributes = st.dictionaries(keys, values, max_size=4)
trace_ids, span_ids = (st.binary(min_size=size, max_size=size).filter(any) for size in (16, 8))
microseconds = st.integers(0, 2**50).map(lambda number: number * 1000)


def with_attributes(message, members):
    for key, value in members.items():
        set_attribute(message.attributes, key, value)
    return message


events = st.builds(
    lambda name, time, members: with_attributes(Span.Event(name=name, time_unix_nano=time), members),
    texts,
    microseconds,
    attributes,
)


@st.composite
def spans(draw):
    trace_id, start = draw(trace_ids), draw(microseconds)
    span = Span(
        trace_id=trace_id,
        span_id=draw(span_ids),
        parent_span_id=draw(st.just(b"") | span_ids),
        trace_state=draw(st.sampled_from(["", "ot=th:8", "a=b,c=d"])),
        flags=draw(st.integers(0, 1)),
        name=draw(texts),
        kind=draw(st.integers(0, 5)),
        start_time_unix_nano=start,
        end_time_unix_nano=start + draw(microseconds),
        status=draw(st.sampled_from([{}, {"code": 1}, {"code": 2}, {"code": 2, "message": "no"}])),
        events=draw(st.lists(events, max_size=3)),
    )
    # A link into the span's own trace may become its parent.
    for other in draw(st.lists(trace_ids.filter(lambda other: other != trace_id), max_size=3)):
        kind = draw(st.sampled_from(["child_of", "follows_from"]))
        with_attributes(span.links.add(trace_id=other, span_id=draw(span_ids)), {"opentracing.ref_type": kind})
    return with_attributes(span, draw(attributes))


@st.composite
def traces(draw):
    """Draw a request of several resources, each once and none empty."""
    request = Request()
    for service in draw(st.lists(st.sampled_from(["shop", "stock", "bank"]), min_size=1, max_size=3, unique=True)):
        resource = request.resource_spans.add()
        with_attributes(resource.resource, {"service.name": service, **draw(attributes)})
        for name in draw(st.lists(st.sampled_from(["", "lib"]), min_size=1, max_size=2, unique=True)):
            scope = resource.scope_spans.add(scope={"name": name, "version": draw(st.sampled_from(["", "1"]))})
            scope.spans.extend(draw(st.lists(spans(), min_size=1, max_size=3)))
    return request


def by_thrift(found):
    return [thrift.translate_batch(body) for body in thrift.write_batches(found)]


def by_proto(found):
    return [proto.translate_post_spans(proto.write_post_spans(found))]


def in_order(request):
    """Return spans as JSON, with attributes by key: their order says nothing."""
    return json_format.MessageToDict(sorted_attributes(request))


def sorted_attributes(request):
    for resource in request.resource_spans:
        holders = [resource.resource]
        for scope in resource.scope_spans:
            holders += [holder for span in scope.spans for holder in (span, *span.events)]
        for holder in holders:
            holder.attributes.sort(key=lambda pair: pair.key)
    return request


@pytest.mark.parametrize("there_and_back", [by_thrift, by_proto])
@settings(max_examples=30)
@given(request_=traces())
def test_there_and_back(there_and_back, request_):
    found, invalid = from_otlp(request_.SerializeToString())
    assert 0 == invalid
    back = Request.FromString(b"".join(batch.payload for batch in there_and_back(found)))
    assert in_order(request_) == in_order(back)
