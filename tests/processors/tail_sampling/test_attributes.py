"""Policies on an attribute of resources and spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Signal
from collector.data.messages import Span
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of
from collector.testing.strategies import requests
from processors.tail_sampling.attributes import HasAttribute, numeric_attribute, string_attribute
from processors.tail_sampling.policy_options import NumericAttributeConfig, StringAttributeConfig


def policy(kind, **options):
    return {"type": kind, kind: {"key": "key", **options}}


VALUES = [
    (policy("numeric_attribute", min_value=5, max_value=9), 5, True),
    (policy("numeric_attribute", min_value=5, max_value=9), 9, True),
    (policy("numeric_attribute", min_value=5, max_value=9), 10, False),
    (policy("numeric_attribute", min_value=5, max_value=9), 4, False),
    (policy("numeric_attribute", min_value=5), 2**63 - 1, True),
    (policy("numeric_attribute", max_value=9), -(2**63), True),
    (policy("numeric_attribute", min_value=0, max_value=9), -1, True),  # 0 is no bound
    (policy("numeric_attribute", min_value=5, max_value=9), 7.0, False),
    (policy("numeric_attribute", min_value=-5, max_value=9), "text", True),  # counts as 0
    (policy("numeric_attribute", min_value=5, max_value=9), True, False),
    (policy("boolean_attribute", value=True), True, True),
    (policy("boolean_attribute", value=True), False, False),
    (policy("boolean_attribute", value=True), 1, False),
    (policy("boolean_attribute", value=False), "text", True),  # counts as false
    (policy("boolean_attribute"), False, True),
    (policy("string_attribute", values=["a", "b"]), "b", True),
    (policy("string_attribute", values=["a", "b"]), "ab", False),
    (policy("string_attribute", values=["a", ""]), "", False),
    (policy("string_attribute", values=["1"]), 1, False),
    (policy("string_attribute", values=["v[0-9]", "x$"], enabled_regex_matching=True), "the v1", True),
    (policy("string_attribute", values=["v[0-9]", "x$"], enabled_regex_matching=True), "xy", False),
    (policy("string_attribute", values=["v1"], enabled_regex_matching=True, cache_max_size=1), "v1", True),
    (policy("string_attribute", values=[], enabled_regex_matching=True), "v1", False),
]


@pytest.mark.parametrize(("options", "value", "kept"), VALUES)
def test_in_a_span(keeps, options, value, kept):
    """The second of two spans has the attribute; inverted, the vote is the opposite."""
    spans = [{}, {"attributes": {"other": "key", "key": value}}]
    assert kept == keeps(options, spans)
    assert kept != keeps(inverted(options), spans)


@pytest.mark.parametrize(("options", "value", "kept"), VALUES)
def test_in_a_resource(keeps, options, value, kept):
    """The second of two resources has the attribute."""
    resources = [{}, {"other": "key", "key": value}]
    assert kept == keeps(options, [{}, {}], resources=resources)
    assert kept != keeps(inverted(options), [{}, {}], resources=resources)


def inverted(options):
    kind = options["type"]
    return {"type": kind, kind: {**options[kind], "invert_match": True}}


@pytest.mark.parametrize("options", [options for options, _, _ in VALUES])
def test_a_trace_without_the_attribute(keeps, options):
    """It does not match, so an inverted policy wants it kept."""
    span = {"attributes": {"other": "key"}, "name": "key"}
    assert not keeps(options, [span], resource={"service.name": "key"})
    assert keeps(inverted(options), [span], resource={"service.name": "key"})


def test_an_empty_text_counts_in_resources_only(keeps):
    """As in the collector written in Go, where `.*` matches any resource that has the key."""
    anything = policy("string_attribute", values=[".*"], enabled_regex_matching=True)
    assert not keeps(anything, [{"attributes": {"key": ""}}])
    assert keeps(anything, resource={"key": 1})


@pytest.mark.parametrize("text", ["a key", "key", "keys"])
def test_the_key_as_a_value_is_no_key(keeps, text):
    """Not even for a policy that takes 0."""
    assert not keeps(policy("numeric_attribute", min_value=-5, max_value=9), [{"attributes": {"other": text}}])


def test_without_a_key_nothing_matches(keeps):
    assert not keeps(
        {"type": "string_attribute", "string_attribute": {"values": ["a"]}}, [{"attributes": {"key": "a"}}]
    )


def test_events_do_not_count(keeps):
    event = {"name": "key", "attributes": [{"key": "key", "value": {"string_value": "a"}}]}
    assert not keeps(policy("string_attribute", values=["a"]), [{"events": [event]}])


def test_no_span_is_decoded_whose_bytes_have_no_key(keeps, monkeypatch):
    """A search in the bytes is all that such a span costs."""
    monkeypatch.setattr(HasAttribute, "_span_matches", lambda *_: pytest.fail("a span was looked at"))
    assert not keeps(policy("string_attribute", values=["a"]), [{"attributes": {"other": "a"}}])


def first(attributes, key):
    return next((pair.value for pair in attributes if pair.key == key), None)


def model(trace, key, in_span, in_resource):
    """Say whether a trace matches, by decoding all of it."""
    in_resources = [first(origin.resource.attributes, key) for origin in trace.origins]
    in_spans = [first(Span.FromString(raw).attributes, key) for raw in trace.raws]
    return any(value is not None and in_resource(value) for value in in_resources) or any(
        value is not None and in_span(value) for value in in_spans
    )


@given(request=requests(Signal.TRACES), data=st.data())
def test_however_spans_are_written(request, data):
    """What the bytes tell is what all of them say when they are decoded."""
    traces = traces_of(Batch(Signal.TRACES, request), Origins()).values()
    keys = {pair.key for trace in traces for raw in trace.raws for pair in Span.FromString(raw).attributes}
    keys |= {pair.key for trace in traces for origin in trace.origins for pair in origin.resource.attributes}
    key = data.draw(st.sampled_from(sorted(keys)) if keys else st.just("key"))
    numeric = numeric_attribute(NumericAttributeConfig(key=key, min_value=-3, max_value=1000))
    pattern = string_attribute(StringAttributeConfig(key=key, values=["^.$"], enabled_regex_matching=True))
    texts = {pair.value.string_value for trace in traces for span in trace.spans for pair in span.attributes} - {""}
    wanted = sorted(texts)[::2]
    exact = string_attribute(StringAttributeConfig(key=key, values=wanted))
    for trace in traces:
        assert numeric(trace) == model(trace, key, in_range, in_range)
        assert pattern(trace) == model(trace, key, is_short, is_short)
        is_wanted = lambda value: value.string_value in wanted  # noqa: E731
        assert exact(trace) == model(trace, key, is_wanted, is_wanted)


def in_range(value):
    return -3 <= value.int_value <= 1000


def is_short(value):
    return len(value.string_value) == 1 and value.string_value != "\n"
