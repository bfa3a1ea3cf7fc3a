import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.api import StartError
from collector.data import Batch, Signal, get_attribute, set_attribute, set_value, value_of
from collector.data.messages import LogRecord, Metric, Span
from collector.testing import FakeHost, RecordingTelemetry, Sink, items_of, make_batch, make_settings
from collector.testing.conformance import check
from collector.testing.decoded import canonical, decoded, items
from collector.testing.strategies import requests
from processors.redaction import FACTORY
from processors.redaction.config import Config
from processors.redaction.processor import RedactionProcessor

CARD = "6000123412341234"
CARDS = "6[0-9]{15}"
SIGNALS = {Span: Signal.TRACES, LogRecord: Signal.LOGS, Metric: Signal.METRICS}


def processor(telemetry=None, **options):
    config = Config.model_validate({"allow_all_keys": True, **options})
    return RedactionProcessor(config, make_settings("redaction", telemetry=telemetry))


def redacted(item, telemetry=None, **options):
    signal = SIGNALS[type(item)]
    [result] = items_of(processor(telemetry, **options)(make_batch(signal, [item])))
    return result


def scrubbed(attributes, **options):
    """Return what becomes of attributes, with both ways of reading them."""
    span = Span()
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    return attributes_of(redacted(span, **options))


def attributes_of(owner):
    return {pair.key: value_of(pair.value) for pair in owner.attributes}


def body_after(body, **options):
    """Return a log body and the attributes of its record after the processor."""
    record = LogRecord()
    set_value(record.body, body)
    result = redacted(record, **options)
    return value_of(result.body), attributes_of(result)


async def test_it_conforms():
    await check(FACTORY, {"allow_all_keys": True, "blocked_values": [CARDS], "summary": "debug"})


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ({"allow_all_keys": False}, {"a": 1, "b": "x"}, {}),
        ({"allow_all_keys": False, "allowed_keys": ["a"]}, {"a": 1, "b": "x"}, {"a": 1}),
        ({"allow_all_keys": False, "ignored_keys": ["b"], "blocked_values": ["x"]}, {"b": "x"}, {"b": "x"}),
        ({"allow_all_keys": False, "ignored_key_patterns": ["^b"]}, {"a": 1, "bb": "x"}, {"bb": "x"}),
        ({"blocked_values": ["[0-9]+", "x"]}, {"a": "1x2", "n": 12}, {"a": "********" + "****", "n": 12}),
        ({"blocked_values": ["[0-9]+"], "redact_all_types": True}, {"n": 12, "b": True}, {"n": "****", "b": True}),
        ({"blocked_values": ["1"], "redact_all_types": True}, {"l": [1, "a"]}, {"l": '[****,"a"]'}),
        ({"blocked_values": ["^secret$"]}, {"a": "secret", "b": "a secret"}, {"a": "****", "b": "a secret"}),
        ({"blocked_values": ["secret"], "allowed_values": ["@here"]}, {"a": "secret@here"}, {"a": "secret@here"}),
        (
            {"blocked_key_patterns": ["token"]},
            {"api_token": "a\nb", "n_token": 5},
            {"api_token": "****", "n_token": "****"},
        ),
        ({"blocked_key_patterns": ["token"], "allowed_values": ["^ok$"]}, {"token": "ok"}, {"token": "ok"}),
        ({"blocked_values": [".*"]}, {"a": "", "n": 1}, {"a": "****", "n": "****"}),
    ],
)
@pytest.mark.parametrize("summary", ["", "silent"])
def test_rules(options, before, after, summary):
    assert scrubbed(before, summary=summary, **options) == after


def test_hashes_take_the_place_of_what_matched():
    digest = hashlib.sha1(CARD.encode()).hexdigest()
    after = scrubbed({"a": f"card {CARD}!"}, blocked_values=[CARDS], hash_function="sha1")
    assert after == {"a": f"card {digest}!"}


def test_the_summary_counts_and_names():
    options = {
        "allow_all_keys": False,
        "allowed_keys": ["b", "a", "ok"],
        "ignored_keys": ["pass"],
        "blocked_values": [CARDS],
        "allowed_values": ["fine"],
    }
    before = {"b": CARD, "a": CARD, "ok": "fine", "pass": CARD, "gone": 1}
    counts = {
        f"redaction.{kind}.count": count
        for kind, count in {"redacted": 1, "masked": 2, "allowed": 1, "ignored": 1}.items()
    }
    rest = {"b": "****", "a": "****", "ok": "fine", "pass": CARD}
    assert scrubbed(before, summary="info", **options) == rest | counts
    keys = {"redaction.redacted.keys": "gone", "redaction.masked.keys": "a,b", "redaction.allowed.keys": "ok"}
    assert scrubbed(before, summary="debug", **options) == rest | counts | keys


@pytest.mark.parametrize("options", [{"ignored_keys": ["a"]}, {"ignored_key_patterns": ["a"]}])
def test_what_is_only_ignored_is_counted(options):
    assert scrubbed({"a": "x"}, summary="info", **options) == {"a": "x", "redaction.ignored.count": 1}


def test_what_is_only_allowed_is_counted():
    options = {"allowed_values": ["x"], "blocked_values": ["never"]}
    assert scrubbed({"a": "x"}, summary="info", **options) == {"a": "x", "redaction.allowed.count": 1}


def test_a_second_processor_adds_to_the_summary():
    span = Span()
    for key in ("card", "note", "gone"):
        set_attribute(span.attributes, key, CARD)
    batch = make_batch(Signal.TRACES, [span])
    batch = processor(allow_all_keys=False, allowed_keys=["card", "note"], summary="debug")(batch)
    batch = processor(allow_all_keys=False, allowed_keys=["card"], blocked_values=[CARDS], summary="debug")(batch)
    [result] = items_of(batch)
    assert attributes_of(result) == {
        "card": "****",
        "redaction.redacted.keys": "gone,note",
        "redaction.redacted.count": 2,
        "redaction.masked.keys": "card",
        "redaction.masked.count": 1,
    }


def test_everything_with_attributes_is_redacted():
    span = Span()
    set_attribute(span.events.add().attributes, "card", CARD)
    opened = make_batch(Signal.TRACES, [span], {"card": CARD}).open()
    [(_, scope)] = opened.scopes()
    message = scope.scope
    set_attribute(message.attributes, "card", CARD)
    scope.set_scope(message)
    result = processor(blocked_values=[CARDS])(Batch.of_opened(opened))
    assert CARD.encode() not in result.payload
    [group] = decoded(result).resource_spans
    owners = (group.resource, group.scope_spans[0].scope, group.scope_spans[0].spans[0].events[0])
    assert [{"card": "****"}] * 3 == [attributes_of(owner) for owner in owners]


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_data_points_of_every_kind(kind):
    metric = Metric()
    for _ in range(2):
        set_attribute(getattr(metric, kind).data_points.add().attributes, "card", CARD)
    points = getattr(redacted(metric, blocked_values=[CARDS]), kind).data_points
    assert [{"card": "****"}] * 2 == [attributes_of(point) for point in points]


@pytest.mark.parametrize(
    ("body", "after"),
    [
        (f"paid by {CARD}", "paid by ****"),
        (int(CARD), "****"),
        ({"card": int(CARD), "n": 1}, {"card": "****", "n": 1}),
        ({"a": {"b": [{"card": CARD}, "x"]}}, {"a": {"b": [{"card": "****"}, "x"]}}),
        ([CARD, {"c": CARD}], ["****", {"c": "****"}]),
        ("harmless", "harmless"),
        (None, None),
    ],
)
def test_bodies(body, after):
    assert body_after(body, blocked_values=[CARDS]) == (after, {})


def test_keys_inside_bodies_follow_the_rules():
    body = {"keep": {"gone": 1, "token": "x", "pass": CARD, "keep": "fine"}, "gone": 1, "token": 7}
    result, summary = body_after(
        body,
        allow_all_keys=False,
        allowed_keys=["keep", "token"],
        ignored_keys=["pass"],
        allowed_values=["fine"],
        blocked_key_patterns=["token"],
        summary="debug",
    )
    assert result == {"keep": {"token": "****", "pass": CARD, "keep": "fine"}, "token": "****"}
    assert summary == {
        "redaction.body.redacted.keys": "gone,keep.gone",
        "redaction.body.redacted.count": 2,
        "redaction.body.masked.keys": "keep.token,token",
        "redaction.body.masked.count": 2,
        "redaction.body.allowed.keys": "keep.keep",
        "redaction.body.allowed.count": 1,
        "redaction.body.ignored.count": 1,
    }


def test_paths_in_bodies_name_positions():
    _, summary = body_after({"a": [{"b": CARD}], "c": CARD}, blocked_values=[CARDS], summary="debug")
    assert summary["redaction.body.masked.keys"] == "a.[0].b,c"
    _, summary = body_after(CARD, blocked_values=[CARDS], summary="debug")
    assert summary["redaction.body.masked.keys"] == "body"


URLS = {"url_sanitizer": {"enabled": True, "attributes": ["http.url"]}}


def test_urls_lose_what_varies():
    before = {"http.url": "/users/123?x=1", "other": "/users/123"}
    assert scrubbed(before, **URLS) == {"http.url": "/users/*", "other": "/users/123"}


@pytest.mark.parametrize(
    ("name", "kind", "attributes", "expected"),
    [
        ("GET /users/123", Span.SPAN_KIND_SERVER, {}, "GET /users/*"),
        ("/users/123", Span.SPAN_KIND_CLIENT, {}, "/users/*"),
        ("/users/123", Span.SPAN_KIND_INTERNAL, {}, "/users/123"),
        ("user123", Span.SPAN_KIND_SERVER, {}, "user123"),
        ("users?id=7", Span.SPAN_KIND_SERVER, {"http.method": "GET"}, "users"),
        ("/123", Span.SPAN_KIND_SERVER, {}, "/123"),
        ("/allowed/123", Span.SPAN_KIND_SERVER, {}, "/allowed/123"),
    ],
)
def test_names_of_http_spans_lose_what_varies(name, kind, attributes, expected):
    span = Span(name=name, kind=kind)
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    assert redacted(span, allowed_values=["^/allowed"], **URLS).name == expected


def test_names_and_bodies_keep_their_urls_where_the_options_say_so():
    options = {"url_sanitizer": {"enabled": True, "sanitize_span_name": False, "sanitize_log_body": False}}
    assert redacted(Span(name="/users/123", kind=Span.SPAN_KIND_SERVER), **options).name == "/users/123"
    assert body_after("/users/123", **options) == ("/users/123", {})
    assert body_after("/users/123", **URLS) == ("/users/*", {})


def test_changes_are_counted():
    telemetry = RecordingTelemetry()
    span = Span()
    for key in ("card", "gone", "gone too"):
        set_attribute(span.attributes, key, CARD)
    redacted(span, telemetry, allow_all_keys=False, allowed_keys=["card"], blocked_values=[CARDS])
    counted = telemetry["otelcol_processor_redaction_attributes"].values
    assert counted == {(("change", "masked"),): 1, (("change", "redacted"),): 2}


def test_a_key_that_a_sender_repeats_is_not_overlooked():
    span = Span()
    for _ in range(2):
        span.attributes.add(key="card").value.string_value = CARD
    assert CARD.encode() not in redacted(span, blocked_values=[CARDS]).SerializeToString()
    assert not redacted(span, allow_all_keys=False).attributes


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("summary", ["silent", "debug"])
@settings(max_examples=30)  # one for each signal
@given(data=st.data())
def test_what_is_left_undecoded_needed_no_redaction(signal, summary, data):
    """Looking at the bytes first changes no outcome, and what needs no redaction leaves byte for byte."""
    batch = Batch(signal, data.draw(requests(signal)))
    options = {
        "blocked_values": data.draw(st.lists(st.sampled_from(["[0-9]", "é", "(?i)[a-f]{2}", "Ā|x"]), max_size=2)),
        "blocked_key_patterns": data.draw(st.lists(st.sampled_from(["k", "[^a-z]{3}"]), max_size=1)),
        "ignored_keys": data.draw(st.lists(st.text(min_size=1, max_size=2), max_size=2)),
        "summary": summary,
    }
    quick, thorough = processor(**options), processor(**options)
    assert quick._telltale is not None
    thorough._telltale = None
    result = quick(batch)
    expected = [canonical(item) for item in items(thorough(batch))]
    assert expected == [canonical(item) for item in items(result)]
    assert quick(Batch(signal, batch.payload)).payload == result.payload


@pytest.mark.parametrize("signal", Signal)
@settings(max_examples=30)  # one for each signal
@given(data=st.data())
def test_what_nothing_is_blocked_in_leaves_as_it_came(signal, data):
    batch = Batch(signal, data.draw(requests(signal)))
    process = processor(blocked_values=["^never seen anywhere$"], summary="debug")
    assert process._telltale is None
    assert process(batch).payload == batch.payload


def test_keys_that_senders_make_up_are_not_remembered_without_bound(monkeypatch):
    monkeypatch.setattr("processors.redaction.rules._REMEMBERED_KEYS", 2)
    process = processor(blocked_key_patterns=["token"])
    for index in range(5):
        span = Span()
        set_attribute(span.attributes, f"token{index}", "x")
        [result] = items_of(process(make_batch(Signal.TRACES, [span])))
        assert get_attribute(result.attributes, f"token{index}") == "****"
        assert len(process._rules._verdicts) <= 2


def test_only_harmless_values_are_remembered_and_not_without_bound(monkeypatch):
    monkeypatch.setattr("processors.redaction.rules._REMEMBERED_VALUES", 3)
    process = processor(blocked_values=["secret"], allowed_values=["fine"], url_sanitizer=URLS["url_sanitizer"])
    for index in range(5):
        span = Span()
        values = {"a": f"a secret {index}", "b": "fine", "c": f"plain {index}", "d": "x" * 1000, "http.url": "/1"}
        for key, value in values.items():
            set_attribute(span.attributes, key, value)
        for _ in range(2):
            [result] = items_of(process(make_batch(Signal.TRACES, [span])))
            assert attributes_of(result) == values | {"a": f"a **** {index}", "http.url": "/*"}
        assert process._rules._harmless <= {f"plain {number}" for number in range(5)}
        assert len(process._rules._harmless) <= 3


def test_a_value_that_is_harmless_elsewhere_is_still_a_url():
    assert scrubbed({"other": "/users/1", "http.url": "/users/1"}, **URLS) == {
        "other": "/users/1",
        "http.url": "/users/*",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hash_function": "crc"}, "'hmac-sha512'"),
        ({"hash_function": "hmac-sha256"}, "hmac_key must not be empty"),
        ({"hash_function": "hmac-sha256", "hmac_key": "short"}, "hmac_key must be at least 32 bytes long"),
        ({"hash_function": "hmac-sha512", "hmac_key": "k" * 63}, "hmac_key must be at least 64 bytes long"),
        ({"summary": "loud"}, "'debug'"),
        ({"blocked_values": [r"(a)\1"]}, "no backreferences"),
        ({"ignored_key_patterns": ["a(?!b)"]}, "no look-around"),
    ],
)
def test_what_is_wrong_with_the_options_is_said(options, message):
    with pytest.raises(ValidationError) as error:
        Config.model_validate(options)
    assert message in str(error.value)


def test_the_key_of_the_hash_stays_secret():
    config = Config(hash_function="hmac-sha256", hmac_key="k" * 32)
    assert "kkk" not in repr(config)
    assert "kkk" not in config.model_dump_json()


async def test_what_is_not_built_keeps_the_collector_from_starting():
    """The options are valid, but nothing may pass as redacted that is not."""
    config = Config.model_validate({"db_sanitizer": {"sql": {"enabled": True}, "redis": {"enabled": True}}})
    redaction = FACTORY.create(config, make_settings("redaction"), Sink())
    with pytest.raises(StartError, match="db_sanitizer: sql, redis: not built yet"):
        await redaction.start(FakeHost())
    await FACTORY.create(Config(), make_settings("redaction"), Sink()).start(FakeHost())


def test_options_of_what_is_not_built_are_taken_where_it_is_off():
    Config.model_validate({"db_sanitizer": {"redis": {"enabled": False, "attributes": ["db.statement"]}, "sql": None}})
