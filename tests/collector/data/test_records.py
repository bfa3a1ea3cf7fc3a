"""Friendly records: what they read, what they change, and what they know about it."""

import pytest

from collector.data import get_attribute
from collector.data.messages import ITEMS, LogRecord, Metric, Span
from collector.data.records import RECORDS
from collector.testing import make_batch


def record_of(item, resource=None):
    signal = next(signal for signal, item_type in ITEMS.items() if isinstance(item, item_type))
    opened = make_batch(signal, [item], resource).open()
    open_resource, scope = next(opened.scopes())
    return RECORDS[signal](scope.message(0), open_resource, scope)


@pytest.fixture
def span():
    span = Span(
        name="GET /orders",
        kind="SPAN_KIND_SERVER",
        trace_id=b"\xab" * 16,
        span_id=b"\xcd" * 8,
        trace_state="a=b",
        start_time_unix_nano=1_000_000,
        end_time_unix_nano=3_500_000,
    )
    span.attributes.add(key="http.route").value.string_value = "/orders"
    span.events.add(name="exception", time_unix_nano=7).attributes.add(key="type").value.string_value = "OSError"
    span.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
    span.status.message = "late"
    return record_of(span, {"service.name": "shop"})


def test_a_span_reads_as_its_names_say(span):
    assert ("GET /orders", "server", "a=b") == (span.name, span.kind, span.trace_state)
    assert ("ab" * 16, "cd" * 8, "") == (span.trace_id, span.span_id, span.parent_span_id)
    assert (1_000_000, 3_500_000, 2.5) == (span.start_ns, span.end_ns, span.duration_ms)
    assert ("unset", "late") == (span.status.code, span.status.message)
    assert [("exception", 7, "OSError")] == [(event.name, event.time_ns, event["type"]) for event in span.events]
    assert [("01" * 16, "02" * 8)] == [(link.trace_id, link.span_id) for link in span.links]
    assert ("shop", "collector.testing") == (span.resource["service.name"], span.scope.name)
    assert not span.changed


def test_attributes_are_a_mapping(span):
    assert "/orders" == span["http.route"] == span.attributes["http.route"] == span.get("http.route")
    assert (None, 7) == (span.get("missing"), span.attributes.get("missing", 7))
    assert "http.route" in span
    assert "missing" not in span.attributes
    assert {"http.route": "/orders"} == dict(span.attributes)
    assert 1 == len(span.attributes)
    assert not span.changed
    with pytest.raises(KeyError, match="missing"):
        span["missing"]


def test_attributes_can_be_changed(span):
    span["list"] = [1, "two", {"three": 3.0}]
    span["http.route"] = True
    span.attributes.setdefault("new", b"bytes")
    assert {"http.route": True, "list": [1, "two", {"three": 3.0}], "new": b"bytes"} == dict(span.attributes)
    del span["list"]
    assert True is span.attributes.pop("http.route")
    assert ["new"] == list(span.attributes)
    assert span.changed


@pytest.mark.parametrize("change", [lambda s: s.__delitem__("missing"), lambda s: s.__setitem__("x", object())])
def test_a_change_that_cannot_be_made_leaves_no_trace(span, change):
    with pytest.raises((KeyError, TypeError)):
        change(span)
    assert (False, ["http.route"]) == (span.changed, list(span.attributes))


@pytest.mark.parametrize(
    "change",
    [
        lambda span: setattr(span, "name", "x"),
        lambda span: setattr(span, "kind", "client"),
        lambda span: setattr(span, "end_ns", 1),
        lambda span: setattr(span.status, "code", "error"),
        lambda span: setattr(span.events[0], "name", "x"),
        lambda span: span.events[0].__setitem__("x", 1),
        lambda span: span.links[0].attributes.update(x=1),
        lambda span: (span.touch(), span.proto.ClearField("events")),
    ],
)
def test_every_change_is_noticed_and_can_be_undone(span, change):
    before = span.proto.SerializeToString()
    change(span)
    assert span.changed
    assert before != span.proto.SerializeToString()
    span.undo()
    assert not span.changed
    assert before == span.proto.SerializeToString()


def test_a_word_that_does_not_exist_is_refused(span):
    with pytest.raises(ValueError, match="use one of unspecified, internal, server"):
        span.kind = "sever"
    assert not span.changed


def test_a_number_without_a_word_reads_as_the_number():
    assert "17" == record_of(Span(kind=17)).kind


@pytest.mark.parametrize("name", ["nmae", "trace_id", "duration_ms", "resource"])
def test_what_cannot_be_set_says_so(span, name):
    with pytest.raises(AttributeError):
        setattr(span, name, "x")


def test_the_resource_is_read_only(span):
    with pytest.raises(TypeError):
        span.resource["service.name"] = "other"


def test_a_log_record_reads_and_changes():
    record = record_of(LogRecord(severity_text="INFO", severity_number=9, time_unix_nano=5, span_id=b"\1" * 8))
    record.body = {"order": 5}
    record["x"] = 1
    record.severity_number += 4
    assert ({"order": 5}, "INFO", 13, 5) == (record.body, record.severity_text, record.severity_number, record.time_ns)
    assert 1 == get_attribute(record.proto.attributes, "x")
    record.undo()
    assert (None, 9) == (record.body, record.severity_number)


def test_a_metric_shows_its_points():
    metric = Metric(name="orders", unit="1")
    metric.sum.data_points.add(as_int=5, time_unix_nano=7).attributes.add(key="region").value.string_value = "north"
    metric.sum.data_points.add(as_double=1.5)
    record = record_of(metric)
    assert ("orders", "1", "sum") == (record.name, record.unit, record.type)
    assert [5, 1.5] == [point.value for point in record.points]
    assert "north" == record.points[0]["region"]
    assert not record.changed
    record.points[0].value = 6
    record.points[1].value = 2.5
    assert record.changed
    assert (6, 2.5) == (record.proto.sum.data_points[0].as_int, record.proto.sum.data_points[1].as_double)


@pytest.mark.parametrize("kind", ["histogram", "exponential_histogram", "summary"])
def test_points_of_other_metrics_have_no_single_value(kind):
    metric = Metric()
    getattr(metric, kind).data_points.add(count=3)
    assert [None] == [point.value for point in record_of(metric).points]


def test_a_metric_without_data_has_no_points():
    assert ("", []) == (record_of(Metric()).type, record_of(Metric()).points)
