"""What the processor does to batches."""

import hashlib
import hmac
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_suspects import spans

from collector.data import Batch, Client, Signal, get_attribute, set_attribute, set_value, value_of
from collector.data.messages import LogRecord, Metric, Span
from collector.net.offload import LARGE
from collector.testing import RecordingTelemetry, Sink, items_of, make_batch, make_settings
from collector.testing.conformance import check
from collector.testing.decoded import decoded
from collector.testing.strategies import requests
from processors.scrub import FACTORY
from processors.scrub.config import Config
from processors.scrub.processor import Scrubber
from processors.scrub.rules import Rules
from processors.scrub.walk import Walk

MAIL = "ann@example.com"
MASKED = "****@****"
KEY = "k" * 32
SIGNALS = {Span: Signal.TRACES, LogRecord: Signal.LOGS, Metric: Signal.METRICS}


def scrubber(**options):
    return Scrubber(Config.model_validate(options))


def after(batch, **options):
    return scrubber(**options).scrub(batch)[0]


def scrubbed(item, **options):
    [result] = items_of(after(make_batch(SIGNALS[type(item)], [item]), **options))
    return result


def attributes_after(attributes, **options):
    span = Span()
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    return attributes_of(scrubbed(span, **options))


def attributes_of(owner):
    return {pair.key: value_of(pair.value) for pair in owner.attributes}


def body_after(body, **options):
    record = LogRecord()
    set_value(record.body, body)
    return value_of(scrubbed(record, **options).body)


async def test_it_conforms():
    await check(FACTORY, {"custom_kinds": [{"name": "orders", "pattern": "orders?"}]})


def test_everything_that_holds_text_is_scrubbed():
    span = Span(name=f"mail {MAIL}")
    set_attribute(span.attributes, "deep", {"list": [MAIL, {"map": MAIL}, MAIL.encode()], "number": 5})
    span.status.message = f"no {MAIL}"
    set_attribute(span.events.add(name=MAIL).attributes, "to", MAIL)
    set_attribute(span.links.add().attributes, "to", MAIL)
    opened = make_batch(Signal.TRACES, [span], {"owner": MAIL}).open()
    [(_, scope)] = opened.scopes()
    message = scope.scope
    set_attribute(message.attributes, "owner", MAIL)
    scope.set_scope(message)
    result, findings = scrubber().scrub(Batch.of_opened(opened))
    assert MAIL.encode() not in result.payload
    [group] = decoded(result).resource_spans
    [result] = group.scope_spans[0].spans
    deep = {"list": [MASKED, {"map": MASKED}, MASKED.encode()], "number": 5}
    assert ({"deep": deep}, f"mail {MASKED}", f"no {MASKED}") == (
        attributes_of(result),
        result.name,
        result.status.message,
    )
    assert {("email", "attribute"): 7, ("email", "name"): 2, ("email", "status"): 1} == Counter(findings)


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_data_points_are_scrubbed_with_their_exemplars(kind):
    metric = Metric(name="m")
    point = getattr(metric, kind).data_points.add()
    set_attribute(point.attributes, "to", MAIL)
    if kind != "summary":
        set_attribute_of = point.exemplars.add().filtered_attributes
        set_attribute(set_attribute_of, "to", MAIL)
    for result in items_of(after(make_batch(Signal.METRICS, [metric] * 2), report_attribute="found")):
        assert MAIL.encode() not in result.SerializeToString()
        assert {"to": MASKED, "found": ["email"]} == attributes_of(getattr(result, kind).data_points[0])


def test_log_records_are_scrubbed():
    record = LogRecord(event_name=MAIL)
    record.body.string_value = f"to {MAIL}"
    set_attribute(record.attributes, "to", MAIL)
    result = scrubbed(record)
    assert (MASKED, f"to {MASKED}", MASKED) == (
        result.event_name,
        result.body.string_value,
        get_attribute(result.attributes, "to"),
    )


def test_bodies_of_other_types_are_scrubbed():
    assert {"user": {"password": "****", "tries": 3}} == body_after({"user": {"password": "hunter2", "tries": 3}})
    assert ["x", MASKED] == body_after(["x", MAIL])
    assert 5 == body_after(5)


def test_what_holds_nothing_keeps_its_bytes():
    """Also those of neighbours of what was changed."""
    spans = [Span(name="a"), Span(name=MAIL), Span(name="c" + MAIL.upper())]
    batch = make_batch(Signal.TRACES, spans[:1])
    assert batch is after(batch)
    assert ["a", MASKED, MASKED] == [span.name for span in items_of(after(make_batch(Signal.TRACES, spans)))]


def test_what_repeats_is_scrubbed_and_counted_each_time():
    spans = [Span(name=MAIL), Span(name=MAIL)]
    result, findings = scrubber().scrub(make_batch(Signal.TRACES, spans, {"to": MAIL}))
    assert [MASKED, MASKED] == [span.name for span in items_of(result)]
    assert {("email", "name"): 2, ("email", "attribute"): 1} == Counter(findings)


@pytest.mark.parametrize("size", [1, LARGE])
async def test_findings_are_counted_and_the_rest_is_handed_on(size):
    """The same from a thread, where large batches are worked on."""
    telemetry, sink = RecordingTelemetry(), Sink()
    client = Client("192.0.2.1")
    batch = make_batch(Signal.TRACES, [Span(name=f"{MAIL} {'x' * size}")])
    scrub = FACTORY.create(Config(), make_settings("scrub", telemetry=telemetry), sink)
    await scrub.consume(Batch(batch.signal, batch.payload, client))
    [result] = sink.batches
    assert client is result.client
    assert [f"{MASKED} {'x' * size}"] == [span.name for span in items_of(result)]
    [(labels, count)] = telemetry["otelcol_processor_scrub_findings"].values.items()
    assert ({"kind": "email", "where": "name"}, 1) == (dict(labels), count)


def digest(text):
    return hmac.digest(KEY.encode(), text.encode(), hashlib.sha256).hex()


@pytest.mark.parametrize(
    ("options", "before", "expected"),
    [
        ({}, {"a": f"x {MAIL}"}, {"a": f"x {MASKED}"}),
        ({"reveal": True}, {"a": MAIL}, {"a": "****@example.com"}),
        ({"action": "hash", "hash_key": KEY}, {"a": f"x {MAIL}"}, {"a": f"x {digest(MAIL)}"}),
        ({"action": "drop"}, {"a": f"x {MAIL}", "b": "y"}, {"b": "y"}),
        ({"action": "drop"}, {"a": {"b": [MAIL, "y", MAIL], "c": MAIL}}, {"a": {"b": ["y"]}}),
        ({"kinds": {"email": "keep"}}, {"a": MAIL}, {"a": MAIL}),
        ({"action": "keep", "kinds": {"email": "mask"}}, {"a": MAIL, "b": "203.0.113.7"}, {"a": MASKED, "b": "203.0.113.7"}),
        ({"kinds": {"email": "drop"}}, {"a": f"{MAIL} 203.0.113.7", "b": "203.0.113.7"}, {"b": "*.*.*.*"}),
        ({"allowed_keys": ["a", "x.*", "*.z"]}, {"a": MAIL, "x.y": MAIL, "b.z": MAIL, "ab": MAIL},
         {"a": MAIL, "x.y": MAIL, "b.z": MAIL, "ab": MASKED}),
        ({"allowed_keys": ["in"]}, {"map": {"in": [MAIL], "out": MAIL}}, {"map": {"in": [MAIL], "out": MASKED}}),
        ({}, {"db.query.text": "SELECT 'x', 1", "other": "SELECT 'x', 1"}, {"db.query.text": "SELECT ?, ?", "other": "SELECT 'x', 1"}),
        ({}, {"db.query.text": f"SELECT 1 -- for {MAIL}"}, {"db.query.text": f"SELECT ? -- for {MASKED}"}),
        ({"sql_keys": ["sql"]}, {"db.statement": "SELECT 1", "sql": "SELECT 1"}, {"db.statement": "SELECT 1", "sql": "SELECT ?"}),
        ({"kinds": {"sql": "drop"}}, {"db.statement": "SELECT 1", "db.query.text": "SELECT a"}, {"db.query.text": "SELECT a"}),
        ({"kinds": {"sql": "keep"}}, {"db.statement": "SELECT 1"}, {"db.statement": "SELECT 1"}),
        ({"kinds": {"sql": "hash"}, "hash_key": KEY}, {"db.statement": "SELECT 'x'"}, {"db.statement": f"SELECT '{digest(chr(39) + 'x' + chr(39))}'"}),
        ({}, {"db.password": "x y z", "list.token": ["abc", "def"], "n.token": 5}, {"db.password": "****", "list.token": ["****"] * 2, "n.token": 5}),
        ({"kinds": {"secret": "keep"}}, {"db.password": "x y z"}, {"db.password": "x y z"}),
        ({}, {"ip": "10.1.2.3"}, {"ip": "10.1.2.3"}),
        ({"ip_addresses": "all"}, {"ip": "10.1.2.3"}, {"ip": "*.*.*.*"}),
        ({"custom_kinds": [{"name": "staff", "pattern": r"\bE-[0-9]{3}\b"}]}, {"a": "E-123 XE-123"}, {"a": "**** XE-123"}),
        ({"custom_kinds": [{"name": "staff", "pattern": "(?i)e-[0-9]{3}", "action": "drop"}]}, {"a": "E-123", "b": MAIL}, {"b": MASKED}),
        ({"custom_kinds": [{"name": "edge", "pattern": r"\b"}]}, {"a": "x y"}, {"a": "x y"}),
        ({}, {"a": b"\xff " + MAIL.encode() + b"\xfe"}, {"a": b"\xff " + MASKED.encode() + b"\xfe"}),
        ({"report_attribute": "found"}, {"a": MAIL, "b": "203.0.113.7"}, {"a": MASKED, "b": "*.*.*.*", "found": ["email", "ip"]}),
        ({"report_attribute": "found"}, {"a": MAIL, "found": ["jwt", 5]}, {"a": MASKED, "found": ["email", "jwt"]}),
    ],
)  # fmt: skip
def test_options(options, before, expected):
    assert expected == attributes_after(before, **options)


def test_each_report_is_of_one_item():
    spans = [Span(name=MAIL), Span(name="x"), Span(name="203.0.113.7")]
    results = items_of(after(make_batch(Signal.TRACES, spans), report_attribute="found"))
    assert [{"found": ["email"]}, {}, {"found": ["ip"]}] == [attributes_of(result) for result in results]


def test_a_name_or_body_that_cannot_be_dropped_is_masked():
    assert "****" == scrubbed(Span(name=MAIL), action="drop").name
    assert "****" == body_after(f"x {MAIL}", action="drop")
    assert {"b": 1} == body_after({"a": MAIL, "b": 1}, action="drop")


def test_a_harmless_text_under_one_key_is_looked_at_under_another():
    scrub = scrubber()
    for key, expected in (("app.version", "8.8.8.8"), ("client.address", "*.*.*.*"), ("password", "****")):
        span = Span()
        set_attribute(span.attributes, key, "8.8.8.8")
        [result] = items_of(scrub.scrub(make_batch(Signal.TRACES, [span]))[0])
        assert expected == get_attribute(result.attributes, key)


def test_after_another_edit_it_still_finds_everything():
    opened = make_batch(Signal.TRACES, [Span(name="x")]).open()
    opened.resources[0].scopes[0].message(0).name = MAIL
    opened.resources[0].scopes[0].touch(0)
    [result] = items_of(after(Batch.of_opened(opened)))
    assert MASKED == result.name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "hash"}, "hash_key must be at least 32 bytes long for the action hash, but has 0"),
        ({"kinds": {"ip": "hash"}, "hash_key": "short"}, "has 5"),
        ({"kinds": {"mail": "mask"}}, "Extra inputs"),
        ({"action": "off"}, "'mask', 'hash', 'drop' or 'keep'"),
        ({"custom_kinds": [{"name": "email", "pattern": "x"}]}, "choose another name"),
        ({"custom_kinds": [{"name": "a", "pattern": "x"}, {"name": "a", "pattern": "y"}]}, "choose another name"),
        ({"custom_kinds": [{"name": "Bad Name", "pattern": "x"}]}, "pattern"),
        ({"custom_kinds": [{"name": "a", "pattern": "(?=x)"}]}, "not a valid RE2 pattern"),
        ({"custom_kinds": [{"name": "a", "pattern": "x*"}]}, "matches the empty text"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)


def test_the_key_of_hashes_is_not_shown():
    assert KEY not in repr(Config.model_validate({"action": "hash", "hash_key": KEY}))


def test_values_are_scrubbed_as_deep_as_they_can_be():
    value = MAIL
    for _ in range(30):
        value = {"m": value}
    result = attributes_after({"a": value})["a"]
    for _ in range(30):
        result = result["m"]
    assert MASKED == result


def test_a_long_value_is_scrubbed():
    """Ten million bytes without anything, with one finding at the end, and with what each finding has."""
    size = 10_000_000
    assert f"{'x' * size} {MASKED}" == attributes_after({"a": f"{'x' * size} {MAIL}"})["a"]
    for part in ("1", "ü"):
        text = part * (size // len(part.encode()))
        assert {"a": text} == attributes_after({"a": text})


@given(st.sampled_from(Signal).flatmap(lambda signal: st.tuples(st.just(signal), requests(signal))))
def test_whatever_is_valid_is_taken(drawn):
    """Any request comes through, the same items in it; with one pass or several."""
    signal, payload = drawn
    batch = Batch(signal, payload)
    once = Batch(signal, after(batch).payload)
    assert batch.count == once.count
    assert once.payload == after(once).payload


GROUP = b"\xfb\x01\x4a\x03a@b\xfc\x01"  # an unknown field, in which something has the number of attributes


@pytest.mark.parametrize("options", [{}, {"ip_addresses": "all"}, {"kinds": {"email": "drop", "ip": "drop"}}])
@given(drawn=st.lists(spans(), max_size=4), front=st.sampled_from([b"", GROUP]))
def test_it_finds_what_a_full_scan_finds(options, drawn, front):
    """One that decodes everything, and searches every text with every detector."""
    raws = [front + span.SerializeToString() for span in drawn] * 2
    opened = make_batch(Signal.TRACES, [Span()]).open()
    opened.resources[0].scopes[0].replace_all(raws)
    result, findings = scrubber(**options).scrub(Batch.of_opened(opened))
    expected = [Span.FromString(raw) for raw in raws]
    walk = Walk(Rules(Config.model_validate(options)), "")
    for span in expected:
        scan(span, walk)
    assert expected == items_of(result)
    assert Counter(walk.findings) == Counter(findings)


def scan(span, walk):
    span.name = walk.name(span.name)
    walk.status(span.status)
    for owner in (span, *span.links):
        walk.attributes(owner)
    for event in span.events:
        walk.event(event)
