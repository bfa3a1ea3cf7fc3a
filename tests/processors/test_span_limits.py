import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, OpenScope, Signal, set_attribute, value_of
from collector.data.messages import LogRecord, Span
from collector.testing import RecordingTelemetry, items_of, make_batch, make_settings
from collector.testing.strategies import requests
from processors.span_limits import FACTORY, Config, SpanLimits

NO_CAPS = {
    "max_attributes": 0,
    "max_events": 0,
    "max_links": 0,
    "max_attributes_per_event": 0,
    "max_attributes_per_link": 0,
}
CUT = "otelcol_processor_span_limits_cut"


def limited(item, telemetry=None, **options):
    """Return the item as it comes out of the processor."""
    signal = Signal.TRACES if isinstance(item, Span) else Signal.LOGS
    process = SpanLimits(Config(**options), make_settings("span_limits", telemetry=telemetry))
    return items_of(process(make_batch(signal, [item])))[0]


def with_attributes(item, count, value="x"):
    for index in range(count):
        set_attribute(item.attributes, f"key{index}", value)
    return item


def keys(item):
    return [pair.key for pair in item.attributes]


@pytest.mark.parametrize("make", [Span, LogRecord])
def test_the_first_attributes_stay_and_the_others_are_counted(make):
    item = with_attributes(make(dropped_attributes_count=2), 5)
    out = limited(item, max_attributes=3)
    assert ["key0", "key1", "key2"] == keys(out)
    assert 2 + 2 == out.dropped_attributes_count


def test_the_first_events_and_links_stay_and_the_others_are_counted():
    span = Span()
    for index in range(4):
        span.events.add(name=f"event{index}")
        span.links.add(span_id=bytes([index] * 8))
    out = limited(span, max_events=1, max_links=2)
    assert ["event0"] == [event.name for event in out.events]
    assert [bytes(8), b"\1" * 8] == [link.span_id for link in out.links]
    assert (3, 2) == (out.dropped_events_count, out.dropped_links_count)


def test_events_and_links_have_caps_of_their_own():
    span = Span()
    with_attributes(span.events.add(), 3)
    with_attributes(span.links.add(), 3)
    out = limited(span, max_attributes_per_event=2, max_attributes_per_link=1)
    assert (["key0", "key1"], ["key0"]) == (keys(out.events[0]), keys(out.links[0]))
    assert (1, 2) == (out.events[0].dropped_attributes_count, out.links[0].dropped_attributes_count)
    assert 0 == out.dropped_attributes_count


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12345", "123"),
        ("123", "123"),
        ("äöü€😀", "äöü"),
        (b"12345", b"123"),
        (["12345", 5, ["abcdef"]], ["123", 5, ["abc"]]),
        ({"long key": "12345", "deep": {"x": b"12345"}}, {"long key": "123", "deep": {"x": b"123"}}),
        (123456, 123456),
        (1.23456, 1.23456),
        (True, True),
        (None, None),
    ],
)
def test_long_values_are_shortened_at_any_depth(value, expected):
    span = with_attributes(Span(), 1, value)
    with_attributes(span.events.add(), 1, value)
    with_attributes(span.links.add(), 1, value)
    out = limited(span, max_attribute_value_length=3)
    for owner in (out, out.events[0], out.links[0]):
        assert expected == value_of(owner.attributes[0].value)


def test_long_names_are_shortened():
    span = Span(name="GET /orders")
    span.events.add(name="exception")
    out = limited(span, max_name_length=5)
    assert ("GET /", "excep") == (out.name, out.events[0].name)


def test_what_was_cut_is_counted_by_kind():
    telemetry = RecordingTelemetry()
    span = with_attributes(Span(name="a long name"), 6, ["long", "longer"])
    with_attributes(span.events.add(name="x"), 3)
    limited(
        span, telemetry, max_attributes=2, max_attributes_per_event=2, max_attribute_value_length=3, max_name_length=4
    )
    expected = {"attributes": 4, "values": 4, "names": 1, "event_attributes": 1}
    assert expected == {dict(labels)["kind"]: amount for labels, amount in telemetry[CUT].values.items()}


def test_the_defaults_are_those_of_the_sdks():
    span = with_attributes(Span(name="n" * 1000), 129, "v" * 1000)
    for _ in range(129):
        with_attributes(span.events.add(), 1)
        with_attributes(span.links.add(), 1)
    with_attributes(span.events[0], 129)
    with_attributes(span.links[0], 129)
    out = limited(span)
    assert (128, 128, 128) == (len(out.attributes), len(out.events), len(out.links))
    assert (128, 128) == (len(out.events[0].attributes), len(out.links[0].attributes))
    assert (1000, 1000) == (len(out.name), len(out.attributes[0].value.string_value))


def test_zero_switches_a_cap_off():
    assert 500 == len(limited(with_attributes(Span(), 500), **NO_CAPS).attributes)


def test_the_dropped_count_does_not_overflow():
    out = limited(with_attributes(Span(dropped_attributes_count=2**32 - 2), 9), max_attributes=1)
    assert 2**32 - 1 == out.dropped_attributes_count


def test_a_batch_within_the_caps_leaves_as_it_came():
    batch = make_batch(Signal.TRACES, [with_attributes(Span(name="x"), 20)])
    assert batch.payload == SpanLimits(Config(), make_settings("span_limits"))(batch).payload


def test_spans_that_are_too_small_to_exceed_a_cap_are_not_decoded(monkeypatch):
    batch = make_batch(Signal.TRACES, [with_attributes(Span(name="x"), 20)])
    process = SpanLimits(Config(max_attribute_value_length=4000), make_settings("span_limits"))
    monkeypatch.setattr(OpenScope, "message", lambda *_: pytest.fail("decoded"))
    process(batch)


@pytest.mark.parametrize("field", ["attributes", "events", "links"])
def test_the_smallest_entries_do_not_slip_through(field):
    """An entry may take two bytes only; spans are told apart by their bytes before they are decoded."""
    span = Span(**{field: [{}] * 129})
    assert 128 == len(getattr(limited(span), field))
    event, link = Span(events=[{"attributes": [{}] * 129}]), Span(links=[{"attributes": [{}] * 129}])
    assert 128 == len(limited(event).events[0].attributes) == len(limited(link).links[0].attributes)


def test_padded_tags_do_not_slip_through():
    """Protobuf reads an attribute also where its tag is written with more bytes than it needs."""
    opened = make_batch(Signal.TRACES, [Span()]).open()
    opened.resources[0].scopes[0].replace(0, b"\xca\x00\x00" * 300)
    process = SpanLimits(Config(), make_settings("span_limits"))
    assert 128 == len(items_of(process(Batch(Signal.TRACES, opened.encode())))[0].attributes)


@given(
    st.sampled_from([Signal.TRACES, Signal.LOGS]).flatmap(lambda signal: st.tuples(st.just(signal), requests(signal)))
)
def test_whatever_comes_is_within_the_caps_afterwards(case):
    """The check on bytes never lets pass what a look at the decoded message would cut."""
    signal, payload = case
    caps = Config(
        max_attributes=1,
        max_events=1,
        max_links=1,
        max_attributes_per_event=1,
        max_attributes_per_link=1,
        max_attribute_value_length=3,
        max_name_length=3,
    )
    for item in items_of(SpanLimits(caps, make_settings("span_limits"))(Batch(signal, payload))):
        owners = [item]
        if signal is Signal.TRACES:
            assert len(item.events) <= 1 >= len(item.links)
            assert all(len(named.name) <= 3 for named in (item, *item.events))
            owners += [*item.events, *item.links]
        for owner in owners:
            assert len(owner.attributes) <= 1
            assert all(len(pair.value.string_value) <= 3 >= len(pair.value.bytes_value) for pair in owner.attributes)


def test_metrics_are_not_served():
    assert Signal.METRICS not in FACTORY.signals
