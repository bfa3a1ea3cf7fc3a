import sys

import pytest
from pydantic import ValidationError

from collector.api import SystemClock
from collector.data import Signal, get_attribute
from collector.data.messages import Span
from collector.testing import ManualClock, RecordingTelemetry, items_of, make_batch, make_settings
from processors.span_name import Config, NameGuard, SpanName

RENAMED = "otelcol_processor_span_name_renamed_spans"
COLLAPSED = "otelcol_processor_span_name_collapsed_spans"


def processor(*, clock=None, telemetry=None, **options):
    settings = make_settings("span_name", clock=clock, telemetry=telemetry)
    return SpanName(Config.model_validate(options), settings)


def batch_of(*names, service="shop"):
    return make_batch(Signal.TRACES, [Span(name=name, trace_id=b"t" * 16) for name in names], {"service.name": service})


def renamed(process, *names, service="shop"):
    """Return the names that spans come out with."""
    return [span.name for span in items_of(process(batch_of(*names, service=service)))]


def test_ids_become_templates():
    names = ["GET /orders/1", "GET /v1/orders", "GET /orders/2?x=1"]
    assert ["GET /orders/{number}", "GET /v1/orders", "GET /orders/{number}"] == renamed(processor(), *names)


def test_spans_keep_everything_else():
    span = Span(name="/orders/1", trace_id=b"t" * 16, end_time_unix_nano=5)
    out = items_of(processor()(make_batch(Signal.TRACES, [span])))[0]
    span.name = "/orders/{number}"
    assert span == out


def test_a_batch_without_ids_leaves_as_it_came():
    batch = batch_of("GET /orders", "checkout")
    assert batch.payload == processor()(batch).payload


def test_rules_come_first_and_in_order():
    rules = [
        {"pattern": r"^/static/.*", "replace": "/static/{file}"},
        {"pattern": r"/(?P<kind>[a-z]+)-no-(\d+)", "replace": r"/\2/\g<kind>"},
        {"pattern": "{file}", "replace": "{asset}"},
    ]
    process = processor(rules=rules)
    assert ["/static/{asset}", "/é/{number}/order"] == renamed(process, "/static/a/12.js", "/é/order-no-12")


def test_templates_can_be_left_to_the_rules():
    process = processor(templates=False, rules=[{"pattern": "a+", "replace": ""}])
    assert ["/12b"] == renamed(process, "/12baaa")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"pattern": "(", "replace": ""}, "not a valid RE2 pattern"),
        ({"pattern": "a(?=b)", "replace": ""}, "look-around"),
        ({"pattern": "a", "replace": r"\1"}, r"no such group"),
        ({"pattern": "(a)", "replace": r"\g<x>"}, r"no such group"),
    ],
)
def test_a_wrong_rule_is_refused(rule, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"rules": [rule]})


def test_names_beyond_the_cap_become_the_other_name():
    telemetry = RecordingTelemetry()
    process = processor(max_names=2, telemetry=telemetry)
    assert ["a", "b", "{other}", "a", "{other}"] == renamed(process, "a", "b", "c", "a", "d")
    assert (2, 2) == (telemetry[COLLAPSED].total, telemetry[RENAMED].total)


def test_names_that_share_a_template_are_one_name():
    process = processor(max_names=1)
    assert ["/{number}"] * 3 == renamed(process, "/1", "/2", "/3")


def test_services_are_counted_apart():
    process = processor(max_names=1, other_name="many")
    assert ["a", "many"] == renamed(process, "a", "b", service="one")
    assert ["b", "many"] == renamed(process, "b", "a", service="two")


async def test_names_are_counted_anew_in_each_window():
    clock = ManualClock()
    process = processor(max_names=1, window="10s", clock=clock)
    assert ["a", "{other}"] == renamed(process, "a", "b")
    await clock.advance(9)
    assert ["{other}"] == renamed(process, "b")
    await clock.advance(1)
    assert ["b", "{other}"] == renamed(process, "b", "a")


def test_zero_names_are_no_cap():
    names = [f"name {letter}" for letter in "abcdef"]
    assert names == renamed(processor(max_names=0), *names)


def test_the_number_of_services_counted_is_bounded(monkeypatch):
    """The service heard of longest ago makes room."""
    monkeypatch.setattr("processors.span_name._MAX_SERVICES", 2)
    guard = NameGuard(1, 60.0, SystemClock())
    for service in ("one", "two", "one", "three"):
        guard.admits(guard.names_of(service), "name")
    assert {"name"} == guard.names_of("one")
    assert set() == guard.names_of("two")


def test_the_original_name_is_kept_on_request():
    first, second = items_of(processor(keep_original=True)(batch_of("/orders/1", "/orders")))
    assert "/orders/1" == get_attribute(first.attributes, "span_name.original")
    assert None is get_attribute(second.attributes, "span_name.original")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"services": ["shop"]}, "/{number}"),
        ({"services": ["bank"]}, "/1"),
        ({"exclude_services": ["shop"]}, "/1"),
        ({"services": ["shop"], "exclude_services": ["shop"]}, "/1"),
    ],
)
def test_services_can_be_chosen(options, expected):
    assert [expected] == renamed(processor(**options), "/1")


def test_long_names_are_told_apart_but_not_kept():
    """A sender of long names gets as many as one of short ones, and fills no memory with them."""
    process = processor(max_names=2)
    long = "x/" * 50_000
    assert [f"{long}a", f"{long}b", "{other}", f"{long}a"] == renamed(
        process, f"{long}a", f"{long}b", f"{long}c", f"{long}a"
    )
    assert all(sys.getsizeof(name) < 1000 for name in process._guard.names_of("shop"))
