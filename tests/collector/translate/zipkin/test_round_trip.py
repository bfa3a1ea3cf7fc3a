"""OTLP to Zipkin and back loses what `docs/zipkin.md` says that the format cannot hold, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS, Span
from collector.testing.strategies import requests
from collector.translate.zipkin.from_otlp import from_otlp
from collector.translate.zipkin.to_otlp import Reading, to_otlp
from collector.translate.zipkin.v2_json import read_json, write_json
from collector.translate.zipkin.v2_proto import read_proto, write_proto

FORMATS = {"json": (write_json, read_json), "proto": (write_proto, read_proto)}
SECOND = 1_000_000_000

texts = st.text(st.characters(codec="utf-8"), max_size=10)
keys = st.text("abc.|{é", min_size=1, max_size=6).map("shop.{}".format)
# JSON has one kind of number: a double without a fraction comes back as an integer.
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**40), 2**40).map(lambda number: number + 0.5),
)
nested = st.recursive(
    values | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
ids = {
    size: st.integers(1, 2 ** (8 * size) - 1).map(lambda number, size=size: number.to_bytes(size, "big"))
    for size in (8, 16)
}
# In microseconds; what follows another comes later.
times = st.integers(1, 10**12).map(lambda number: number * 1_000 + SECOND)


@st.composite
def events(draw):
    event = Span.Event(
        # A name with this in it looks like the begin of the attributes.
        name=draw(texts).replace("|{", ""),
        time_unix_nano=draw(times),
        dropped_attributes_count=draw(st.integers(0, 2**32 - 1)),
    )
    for key, value in draw(st.dictionaries(texts, nested, max_size=3)).items():
        set_attribute(event.attributes, key, value)
    return event


@st.composite
def links(draw):
    link = Span.Link(
        trace_id=draw(ids[16]),
        span_id=draw(ids[8]),
        trace_state=draw(st.sampled_from(["", "a=b", "ot=th:8,x=1"])),
        dropped_attributes_count=draw(st.integers(0, 9)),
    )
    for key, value in draw(st.dictionaries(texts, nested, max_size=3)).items():
        set_attribute(link.attributes, key, value)
    return link


@st.composite
def spans(draw):
    start = draw(times)
    status = draw(st.sampled_from([{}, {"code": 1}, {"code": 2}, {"code": 2, "message": "no"}]))
    own_id, parent = draw(ids[8]), draw(st.just(b"") | ids[8])
    span = Span(
        trace_id=draw(ids[16]),
        span_id=own_id,
        parent_span_id=b"" if parent == own_id else parent,
        trace_state=draw(st.sampled_from(["", "ot=th:8", "a=b|c"])),
        name=draw(texts),
        kind=draw(st.integers(0, 5)),
        start_time_unix_nano=start,
        end_time_unix_nano=start + draw(st.integers(0, 10**9)) * 1_000,
        status=status,
        events=draw(st.lists(events(), max_size=3)),
        links=draw(st.lists(links(), max_size=3)),
    )
    # Values of attributes come back as text, so they are text here.
    network = {"net.host.ip": "10.0.0.1", "net.peer.ip": "::1", "peer.service": "db", "error": "boom"}
    chosen = draw(st.sets(st.sampled_from(sorted(network))))
    own = {key: network[key] for key in sorted(chosen) if key != "error" or status.get("code") == 2}
    for key, value in (draw(st.dictionaries(keys, texts, max_size=3)) | own).items():
        set_attribute(span.attributes, key, value)
    return span


@st.composite
def traces(draw):
    request = REQUESTS[Signal.TRACES]()
    resources = draw(st.lists(st.sampled_from(["shop", "stock", ""]), max_size=3, unique=True))
    for name in resources:
        resource = request.resource_spans.add()
        if name:
            set_attribute(resource.resource.attributes, "service.name", name)
            set_attribute(resource.resource.attributes, "host.name", draw(texts) or "h")
        for scope_name in draw(st.lists(st.sampled_from(["", "lib"]), min_size=1, max_size=2, unique=True)):
            scope = resource.scope_spans.add(scope={"name": scope_name, "version": draw(st.sampled_from(["", "1"]))})
            scope.spans.extend(draw(st.lists(spans(), min_size=1, max_size=2)))
    return request


def in_order(request):
    """Return a copy with attributes sorted by key, for their order says nothing."""
    for resource in request.resource_spans:
        sort(resource.resource)
        for scope in resource.scope_spans:
            for span in scope.spans:
                for holder in (span, *span.events, *span.links):
                    sort(holder)
    return request


def sort(holder):
    pairs = sorted(holder.attributes, key=lambda pair: pair.key)
    for pair in pairs:
        sort_maps(pair.value)
    holder.ClearField("attributes")
    holder.attributes.extend(pairs)


def sort_maps(value):
    for member in value.array_value.values if value.HasField("array_value") else ():
        sort_maps(member)
    if value.HasField("kvlist_value"):
        pairs = sorted(value.kvlist_value.values, key=lambda pair: pair.key)
        for pair in pairs:
            sort_maps(pair.value)
        value.kvlist_value.ClearField("values")
        value.kvlist_value.values.extend(pairs)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40)
@given(request_=traces())
def test_there_and_back(name, request_):
    write, read = FORMATS[name]
    spans, invalid = from_otlp(request_.SerializeToString())
    assert 0 == invalid
    back = REQUESTS[Signal.TRACES].FromString(to_otlp(read(write(spans)), Reading()))
    assert in_order(request_) == in_order(back)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40)
@given(payload=requests(Signal.TRACES))
def test_every_request_can_be_told(name, payload):
    """Whatever OTLP holds, what is written can be read again, and once through Zipkin's format it changes no more."""
    write, read = FORMATS[name]
    spans, _ = from_otlp(payload)
    once = to_otlp(read(write(spans)), Reading())
    again, invalid = from_otlp(once)
    assert (len(spans), 0) == (len(again), invalid)
    twice = to_otlp(read(write(again)), Reading())
    assert in_order(REQUESTS[Signal.TRACES].FromString(once)) == in_order(REQUESTS[Signal.TRACES].FromString(twice))
