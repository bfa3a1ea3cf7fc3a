"""Which traces rules keep: each condition and operator, both modes, priorities and flags, probabilities, counters."""

import math
import random

import pytest
import structlog

from collector.data import Client, Signal, merge, set_attribute
from collector.data.messages import Span
from collector.processing.probability import adjusted_count, probability_of, randomness_of
from collector.processing.tracestate import TraceState
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, Sink, items_of, make_batch, make_settings
from processors.priority_sampler import FACTORY

SECOND = 1_000_000_000
NOON = 1_750_000_000 * SECOND
TRACE_ID = bytes(range(16))
PREFIX = "otelcol_processor_priority_sampler"


def make_span(attributes=None, *, parent=b"", took=0.0, status=0, trace_id=TRACE_ID, **fields):
    """Return a span that took some seconds."""
    span = Span(
        trace_id=trace_id,
        span_id=bytes(7) + b"\1",
        parent_span_id=parent,
        start_time_unix_nano=NOON,
        end_time_unix_nano=NOON + round(took * SECOND),
        **fields,
    )
    span.status.code = status
    for key, value in (attributes or {}).items():
        set_attribute(span.attributes, key, value)
    return span


def batch_of(*spans, resource=None):
    return make_batch(Signal.TRACES, spans, resource)


def make(rules, sink=None, telemetry=None, **options):
    """Return a sampler in mode head and what it hands on to."""
    sink = sink or Sink()
    settings = make_settings("priority_sampler", telemetry=telemetry)
    config = FACTORY.config.model_validate({"mode": "head", "rules": rules, **options})
    return FACTORY.create(config, settings, sink), sink


async def kept_of(batch, rules, **options):
    """Return the spans of a batch that rules keep."""
    sampler, sink = make(rules, **options)
    await sampler.consume(batch)
    return [span for batch in sink.batches for span in items_of(batch)]


async def matches(when, batch, match="same_span"):
    """Return whether conditions hold of the one trace in a batch."""
    rules = [{"name": "it", "when": when, "match": match, "keep": 100}, {"name": "rest", "keep": 0}]
    return bool(await kept_of(batch, rules))


def attributes_of(span):
    return {pair.key: pair.value.string_value for pair in span.attributes}


FIELDS = [
    ({"service": "shop"}, True),
    ({"service": "cart"}, False),
    ({"service": ["cart", "shop"]}, True),
    ({"service": {"not": "cart"}}, True),
    ({"service": {"not": ["cart", "shop"]}}, False),
    ({"service": {"matches": "^sh"}}, True),
    ({"service": {"not_matches": "^sh"}}, False),
    ({"name": "GET /a"}, True),
    ({"name": "GET"}, False),
    ({"name": ["x", "GET /a"]}, True),
    ({"name": {"matches": "/"}}, True),
    ({"name": {"matches": "^/"}}, False),
    ({"name": {"not_matches": "^/", "not": "x"}}, True),
    ({"name": {"matches": "/", "not": "GET /a"}}, False),
    ({"kind": "server"}, True),
    ({"kind": "client"}, False),
    ({"kind": ["client", "server"]}, True),
    ({"status": "error"}, True),
    ({"status": ["ok", "unset"]}, False),
    ({"duration": {"above": "1s"}}, True),
    ({"duration": {"above": "1500ms"}}, False),
    ({"duration": {"at_least": "1500ms"}}, True),
    ({"duration": {"at_least": "1501ms"}}, False),
    ({"duration": {"below": "1501ms"}}, True),
    ({"duration": {"below": "1500ms"}}, False),
    ({"duration": {"at_most": "1500ms"}}, True),
    ({"duration": {"at_most": "1499ms"}}, False),
    ({"duration": {"above": "1s", "below": "2s"}}, True),
    ({"duration": {"above": "1s", "below": "1100ms"}}, False),
    ({"sampled": True}, True),
    ({"sampled": False}, False),
    ({"root": {"name": "GET /a"}}, True),
    ({"root": {"name": "x"}}, False),
    ({"trace": {"has_root": True}}, True),
    ({"trace": {"has_root": False}}, False),
    ({"trace": {"spans": {"at_most": 1}}}, True),
    ({"trace": {"spans": {"above": 1}}}, False),
    ({"trace": {"duration": {"above": "1s"}}}, True),
    ({"trace": {"duration": {"below": "1s"}}}, False),
    ({"status": "error", "service": "shop", "trace": {"has_root": True}}, True),
    ({"status": "error", "service": "cart"}, False),
    ({"status": "error", "trace": {"has_root": False}}, False),
    ({"status": "error", "root": {"service": "cart"}}, False),
]


@pytest.mark.parametrize(("when", "expected"), FIELDS)
async def test_conditions_on_a_span(when, expected):
    span = make_span(name="GET /a", kind=Span.SPAN_KIND_SERVER, status=2, took=1.5, flags=0x101)
    assert expected is await matches(when, batch_of(span, resource={"service.name": "shop"}))


ATTRIBUTES = [
    # what the span has, what is wanted, whether it matches
    ("gold", "gold", True),
    ("gold", "Gold", False),
    ("gold", ["silver", "gold"], True),
    ("gold", ["silver", "bronze"], False),
    ("gold", {"not": "silver"}, True),
    ("gold", {"not": ["silver", "gold"]}, False),
    ("gold", {"exists": True}, True),
    ("gold", {"exists": False}, False),
    ("gold", {"matches": "^g.ld$"}, True),
    ("gold", {"matches": "^old"}, False),
    ("gold", {"not_matches": "^old"}, True),
    ("gold", {"above": 1}, False),
    ("", {"exists": True}, True),
    (500, 500, True),
    (500, 500.0, True),
    (500, "500", True),
    (500, 404, False),
    (500, {"above": 499}, True),
    (500, {"above": 500}, False),
    (500, {"at_least": 500}, True),
    (500, {"at_least": 501}, False),
    (500, {"below": 501}, True),
    (500, {"below": 500}, False),
    (500, {"at_most": 500}, True),
    (500, {"at_most": 499.5}, False),
    (500, {"at_least": 500, "below": 600}, True),
    (404, {"at_least": 500, "below": 600}, False),
    (500, {"matches": "^5"}, True),
    (500, {"not": 500.0}, False),
    (2**62 + 1, 2**62, False),
    (2**62 + 1, {"above": 2**62}, True),
    (str(2**62 + 1), {"above": 2**62}, True),
    (0.5, {"below": 1}, True),
    (5.0, 5, True),
    (5.0, "5", True),
    ("500", 500, True),
    ("5.00", 5, True),
    ("500", {"above": 499}, True),
    ("many", {"below": 499}, False),
    (True, True, True),
    (True, "true", True),
    (True, False, False),
    (True, 1, False),
    ("true", True, True),
    (1, True, False),
    (True, {"above": 0}, False),
    (True, {"not": False}, True),
    (["a", "b"], "b", True),
    (["a", "b"], "c", False),
    (["a", "b"], {"not": "b"}, False),
    (["a", "b"], {"not": "c"}, True),
    (["a", "b"], {"matches": "^b"}, True),
    (["a", "b"], {"not_matches": "^b"}, False),
    ([1, 9], {"above": 8}, True),
    ({"in": 1}, {"matches": '"in":1'}, True),
    (b"\x01", "AQ==", True),
    (None, "", True),
]


@pytest.mark.parametrize("place", ["span", "resource"])
@pytest.mark.parametrize(("value", "wanted", "expected"), ATTRIBUTES)
async def test_conditions_on_an_attribute(value, wanted, expected, place):
    """An attribute of the resource counts like one of the span."""
    on_span, on_resource = ({"tier": value}, {"a": 1}) if place == "span" else ({"a": 1}, {"tier": value})
    batch = batch_of(make_span(on_span), resource=on_resource)
    assert expected is await matches({"attributes": {"tier": wanted}}, batch)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("gold", False),
        ({"not": "gold"}, False),
        ({"not_matches": "g"}, False),
        ({"exists": True}, False),
        ({"exists": False}, True),
        ({"below": 5}, False),
    ],
)
async def test_conditions_on_an_attribute_that_is_missing(wanted, expected):
    """Only `exists: false` holds, also where the key occurs as part of another, in a value or in an event."""
    span = make_span({"customer.tier": "x", "b": "tier"})
    set_attribute(span.events.add(name="tier").attributes, "tier", "gold")
    assert expected is await matches({"attributes": {"tier": wanted}}, batch_of(span))


async def test_an_event_with_the_same_attribute_does_not_hide_that_of_the_span():
    """Where the key occurs twice, the bytes do not tell, and the span is decoded."""
    span = make_span({"tier": "gold"})
    set_attribute(span.events.add().attributes, "tier", "silver")
    assert await matches({"attributes": {"tier": "gold"}}, batch_of(span))
    assert not await matches({"attributes": {"tier": "silver"}}, batch_of(span))


async def test_an_attribute_of_the_span_hides_that_of_the_resource():
    batch = batch_of(make_span({"tier": "gold"}), resource={"tier": "silver"})
    assert not await matches({"attributes": {"tier": "silver"}}, batch)
    assert not await matches({"attributes": {"tier": {"exists": False}}}, batch)


@pytest.mark.parametrize(
    ("flags", "expected"), [(0, (False, False)), (1, (True, False)), (0x100, (False, True)), (0x301, (True, False))]
)
async def test_the_sampled_flag_as_a_condition(flags, expected):
    """Flags that are all 0 tell nothing: the sender may not fill them in."""
    batch = batch_of(make_span(flags=flags))
    assert expected == (await matches({"sampled": True}, batch), await matches({"sampled": False}, batch))


def two_services(slow="cart", failed="shop"):
    """Return a trace of a root span of `shop` and a child of `cart`."""
    root = make_span({"tier": "gold"}, name="GET /", took=2 * (slow == "shop"), status=2 * (failed == "shop"))
    child = make_span(name="query", parent=b"12345678", took=2 * (slow == "cart"), status=2 * (failed == "cart"))
    return merge(
        [batch_of(root, resource={"service.name": "shop"}), batch_of(child, resource={"service.name": "cart"})]
    )


@pytest.mark.parametrize(
    ("when", "same_span", "any_span"),
    [
        ({"service": "shop", "status": "error"}, True, True),
        ({"service": "cart", "status": "error"}, False, True),
        ({"service": "cart", "duration": {"above": "1s"}}, True, True),
        ({"status": "error", "duration": {"above": "1s"}}, False, True),
        ({"name": "query", "attributes": {"tier": "gold"}}, False, True),
        ({"name": "query", "attributes": {"tier": "gold"}, "status": "ok"}, False, False),
        ({"name": "query", "root": {"attributes": {"tier": "gold"}}}, True, True),
        ({"root": {"name": "GET /", "duration": {"above": "1s"}}}, False, False),
        ({"root": {"service": "shop", "status": "error"}}, True, True),
        ({"root": {"service": "cart"}}, False, False),
        ({"trace": {"spans": {"at_least": 2}, "duration": {"above": "1s"}}}, True, True),
    ],
)
async def test_several_conditions_hold_on_one_span_unless_any_span_is_asked_for(when, same_span, any_span):
    batch = two_services()
    assert (same_span, any_span) == (await matches(when, batch), await matches(when, batch, "any_span"))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"trace": {"duration": {"above": "1s"}}}, {1}),
        ({"trace": {"spans": {"above": 1}}}, {0, 2}),
        ({"trace": {"has_root": False}}, {2}),
        ({"root": {"name": "a"}}, {0}),
        ({"status": "error"}, {2}),
        ({"attributes": {"tier": "gold"}}, {0}),
    ],
)
async def test_each_trace_of_a_batch_is_judged_by_its_own_spans(when, expected):
    ids = [bytes([number]) * 16 for number in range(3)]
    batch = batch_of(
        make_span({"tier": "gold"}, trace_id=ids[0], name="a"),
        make_span(trace_id=ids[2], parent=b"12345678", name="a"),
        make_span(trace_id=ids[1], took=2),
        make_span(trace_id=ids[0], parent=b"12345678"),
        make_span(trace_id=ids[2], parent=b"12345678", status=2),
    )
    rules = [{"name": "it", "when": when, "keep": 100}, {"name": "rest", "keep": 0}]
    assert expected == {span.trace_id[0] for span in await kept_of(batch, rules)}


async def test_a_span_may_be_shorter_than_its_trace():
    batch = batch_of(make_span(took=2), make_span(took=5))
    assert await matches({"duration": {"at_least": "1s", "below": "3s"}}, batch)
    assert await matches({"duration": {"below": "3s"}}, batch)
    assert not await matches({"duration": {"above": "2s", "below": "5s"}}, batch)


async def test_of_several_roots_the_first_counts():
    batch = batch_of(make_span(name="first"), make_span(name="second"))
    assert await matches({"root": {"name": "first"}}, batch)
    assert not await matches({"root": {"name": "second"}}, batch)


async def test_conditions_on_the_root_do_not_hold_where_it_is_missing():
    batch = batch_of(make_span(name="a", parent=b"12345678"))
    assert not await matches({"root": {"name": "a"}}, batch)
    assert not await matches({"root": {"attributes": {"x": {"exists": False}}}}, batch)
    assert await matches({"trace": {"has_root": False}}, batch)


async def test_the_first_rule_that_matches_decides():
    rules = [
        {"name": "health", "when": {"name": "GET /healthz"}, "keep": 0},
        {"name": "errors", "when": {"status": "error"}, "keep": 100},
        {"name": "rest", "keep": 0},
    ]
    assert [] == await kept_of(batch_of(make_span(name="GET /healthz", status=2)), rules)
    (kept,) = await kept_of(batch_of(make_span(name="GET /", status=2)), rules)
    assert {"sampling.policy": "priority_sampler", "sampling.rule": "errors"} == attributes_of(kept)


ALL_OR_NONE = [{"name": "errors", "when": {"status": "error"}, "keep": 100}, {"name": "rest", "keep": 0}]


@pytest.mark.parametrize(
    ("priority", "status", "rule"),
    [
        (1, 0, "sampling.priority"),
        (5.5, 0, "sampling.priority"),
        ("1", 0, "sampling.priority"),
        (0, 2, None),
        (0.0, 2, None),
        ("0", 2, None),
        (-1, 2, "errors"),
        (-1, 0, None),
        (True, 0, None),
        (False, 2, "errors"),
        ("high", 0, None),
    ],
)
async def test_sampling_priority_decides_before_the_rules(priority, status, rule):
    batch = batch_of(make_span({"sampling.priority": priority}, status=status))
    kept = await kept_of(batch, ALL_OR_NONE)
    assert [rule] * (rule is not None) == [attributes_of(span)["sampling.rule"] for span in kept]


async def test_sampling_priority_on_any_span_is_for_the_trace_and_keeping_wins():
    dropped, plain, wanted = (make_span(at) for at in ({"sampling.priority": 0}, {}, {"sampling.priority": 1}))
    assert 3 == len(await kept_of(batch_of(dropped, plain, wanted), ALL_OR_NONE))
    everything = [{"name": "rest", "keep": 100}]
    assert [] == await kept_of(batch_of(dropped, plain), everything)
    assert 2 == len(await kept_of(batch_of(dropped, plain), everything, honor_sampling_priority=False))


async def test_sampling_priority_elsewhere_is_none():
    """In a value or in an event it demands nothing."""
    span = make_span({"note": "sampling.priority"})
    set_attribute(span.events.add().attributes, "sampling.priority", 1)
    assert [] == await kept_of(batch_of(span), ALL_OR_NONE)


async def test_sampling_priority_of_a_resource_is_that_of_its_spans():
    resource = {"sampling.priority": 1}
    assert 1 == len(await kept_of(batch_of(make_span(), resource=resource), ALL_OR_NONE))
    assert [] == await kept_of(batch_of(make_span({"sampling.priority": 0}), resource=resource), ALL_OR_NONE)


@pytest.mark.parametrize(("flags", "kept"), [(0x101, True), (1, True), (0x100, False), (0, False), (2, False)])
async def test_the_sampled_flag_keeps_a_trace_where_it_is_honoured(flags, kept):
    batch = batch_of(make_span(), make_span(flags=flags))
    assert [] == await kept_of(batch, ALL_OR_NONE)
    rules = [
        attributes_of(span)["sampling.rule"] for span in await kept_of(batch, ALL_OR_NONE, honor_sampled_flag=True)
    ]
    assert ["sampled_flag"] * 2 * kept == rules


async def test_sampling_priority_counts_more_than_the_sampled_flag():
    batch = batch_of(make_span({"sampling.priority": 0}, flags=1))
    assert [] == await kept_of(batch, ALL_OR_NONE, honor_sampled_flag=True)


def many(count, seed, **fields):
    """Return a batch of traces of one span each."""
    source = random.Random(seed)
    return batch_of(*(make_span(trace_id=source.randbytes(16), **fields) for _ in range(count)))


def threshold_in(span):
    return TraceState.parse(span.trace_state).ot.threshold


async def test_what_is_kept_follows_from_the_trace_id():
    """Every instance decides alike, and a trace that one percentage keeps a higher one keeps as well."""
    batch = many(2000, seed=1)
    ids = {}
    for keep in (5, 20, 80):
        rules = [{"name": "rest", "keep": keep}]
        first, second = await kept_of(batch, rules), await kept_of(batch, rules)
        assert first == second
        assert {(100 - keep) / 100} == {round(1 - probability_of(threshold_in(span)), 9) for span in first}
        assert all(randomness_of(span.trace_id) >= threshold_in(span) for span in first)
        ids[keep] = {span.trace_id for span in first}
    assert ids[5] < ids[20] < ids[80]


async def test_randomness_that_a_trace_brings_counts():
    rules = [{"name": "rest", "keep": 50}]
    low, high = b"\0" * 16, b"\xff" * 16
    assert [] == await kept_of(batch_of(make_span(trace_id=high, trace_state="ot=rv:00000000000001")), rules)
    (kept,) = await kept_of(batch_of(make_span(trace_id=low, trace_state="ot=rv:f0000000000001")), rules)
    assert "ot=rv:f0000000000001;th:8" == kept.trace_state


@pytest.mark.parametrize(
    ("brought", "keep", "written"),
    [("8", 100, "8"), ("8", 50, "8"), ("8", 25, "c"), ("c", 50, "c"), ("0", 50, "8"), ("f", 100, "f")],
)
async def test_thresholds_combine_by_the_higher_one(brought, keep, written):
    span = make_span(trace_id=b"\xff" * 16, trace_state=f"ot=th:{brought}")
    (kept,) = await kept_of(batch_of(span), [{"name": "rest", "keep": keep}])
    assert f"ot=th:{written}" == kept.trace_state


async def test_a_threshold_that_cannot_be_true_is_taken_out():
    """A trace that arrives although its threshold would have dropped it stands for nobody knows how many."""
    span = make_span(trace_id=b"\x10" * 16, trace_state="ot=th:8,other=1")
    (kept,) = await kept_of(batch_of(span), [{"name": "rest", "keep": 100}])
    assert "other=1" == kept.trace_state


@pytest.mark.parametrize("seed", range(3))
async def test_adjusted_counts_are_unbiased_over_stages(seed):
    """Half of the traffic upstream, then rules of 100 %, 20 % and 5 %: what is left stands for all that there was."""
    count = 10_000
    errors, slow, rest = (
        many(count, seed, name="errors", status=2),
        many(count, seed + 100, name="slow", took=2),
        many(count, seed + 200, name="rest"),
    )
    half, at_half = make([{"name": "half", "keep": 50}])
    rules = [
        {"name": "errors", "when": {"status": "error"}, "keep": 100},
        {"name": "slow", "when": {"duration": {"above": "1s"}}, "keep": 20},
        {"name": "rest", "keep": 5},
    ]
    sampler, sink = make(rules)
    for batch in (errors, slow, rest):
        await half.consume(batch)
    for batch in at_half.batches:
        await sampler.consume(batch)
    kept = [span for batch in sink.batches for span in items_of(batch)]
    for name, share in (("errors", 0.5), ("slow", 0.2), ("rest", 0.05)):
        spans = [span for span in kept if span.name == name]
        deviation = math.sqrt(count * share * (1 - share))
        assert count * share == pytest.approx(len(spans), abs=4 * deviation)
        adjusted = sum(adjusted_count(threshold_in(span)) for span in spans)
        assert count == pytest.approx(adjusted, abs=4 * deviation / share)


async def test_head_mode_judges_what_a_batch_shows():
    """A trace whose error comes in another batch is judged twice; both follow from the same randomness."""
    rules = [{"name": "errors", "when": {"status": "error"}, "keep": 100}, {"name": "rest", "keep": 50}]
    sampler, sink = make(rules)
    for trace_id in (b"\x10" * 16, b"\xf0" * 16):
        await sampler.consume(batch_of(make_span(trace_id=trace_id, name="early")))
        await sampler.consume(batch_of(make_span(trace_id=trace_id, name="late", status=2)))
    kept = [(span.trace_id[0], span.name) for batch in sink.batches for span in items_of(batch)]
    assert [(0x10, "late"), (0xF0, "early"), (0xF0, "late")] == kept


async def test_head_mode_hands_on_the_client_and_all_that_belongs_to_a_span():
    """Resources and scopes stay with their spans, also where only some of a scope are kept."""
    sampler, sink = make(ALL_OR_NONE, explain=False)
    ids = [bytes([number]) * 16 for number in range(4)]
    parts = [
        batch_of(
            *(
                make_span(trace_id=ids[number], name=f"{service}-{number}", status=2 * (number % 2))
                for number in range(4)
            ),
            resource={"service.name": service},
        )
        for service in ("shop", "cart")
    ]
    client = Client("10.0.0.1", "grpc", {"x": ("1",)})
    await sampler.consume(merge(parts, client))
    (batch,) = sink.batches
    assert client == batch.client
    assert 4 == batch.count
    found = [
        (resource.resource.attributes[0].value.string_value, scope.scope.name, scope.message(index).name)
        for resource, scope in batch.open().scopes()
        for index in range(len(scope))
    ]
    assert [(name[:4], "collector.testing", name) for name in ("shop-1", "shop-3", "cart-1", "cart-3")] == found


async def test_head_mode_hands_on_nothing_where_nothing_is_kept():
    sampler, sink = make([{"name": "rest", "keep": 0}])
    await sampler.consume(many(3, seed=1))
    await sampler.consume(batch_of())
    assert [] == sink.batches


async def test_head_mode_tells_the_sender_what_the_next_one_says():
    sampler, _ = make([{"name": "rest", "keep": 100}], Sink(OSError("no")))
    with pytest.raises(OSError, match="no"):
        await sampler.consume(many(1, seed=1))


@pytest.mark.parametrize("mode", ["head", "tail"])
async def test_a_dry_run_keeps_everything_and_says_what_it_would_have_done(mode):
    batch = merge([batch_of(make_span(status=2, name="a")), batch_of(make_span(trace_id=b"1" * 16, name="b"))])
    sampler, sink = make(ALL_OR_NONE, mode=mode, dry_run=True)
    await sampler.consume(batch)
    await sampler.shutdown()
    kept = {span.name: attributes_of(span) for batch in sink.batches for span in items_of(batch)}
    assert {"a": ("errors", "keep"), "b": ("rest", "drop")} == {
        name: (found["sampling.rule"], found["sampling.dry_run"]) for name, found in kept.items()
    }


@pytest.mark.parametrize("mode", ["head", "tail"])
async def test_explanations_can_be_left_out(mode):
    sampler, sink = make(ALL_OR_NONE, mode=mode, explain=False)
    await sampler.consume(batch_of(make_span(status=2)))
    await sampler.shutdown()
    assert [{}] == [attributes_of(span) for batch in sink.batches for span in items_of(batch)]


@pytest.mark.parametrize("mode", ["head", "tail"])
async def test_what_came_in_is_what_was_kept_and_dropped_by_rule(mode):
    telemetry = RecordingTelemetry()
    sampler, sink = make(ALL_OR_NONE, telemetry=telemetry, mode=mode)
    await sampler.consume(
        batch_of(
            *(make_span(trace_id=b"a" * 16, status=status) for status in (0, 2, 0)),
            *(make_span(trace_id=b"b" * 16) for _ in range(4)),
            make_span({"sampling.priority": 1}, trace_id=b"c" * 16),
            make_span({"sampling.priority": 0}, trace_id=b"d" * 16),
        )
    )
    await sampler.shutdown()

    def by_rule(name):
        return {tuple(dict(labels).values())[::-1]: count for labels, count in telemetry[name].values.items()}

    assert {
        ("errors", "keep"): 3,
        ("rest", "drop"): 4,
        ("sampling.priority", "keep"): 1,
        ("sampling.priority", "drop"): 1,
    } == by_rule(f"{PREFIX}_decided_spans")
    assert dict.fromkeys(by_rule(f"{PREFIX}_decided_spans"), 1) == by_rule(f"{PREFIX}_decided_traces")
    assert 4 == sink.count


async def test_tail_mode_waits_for_the_whole_trace():
    """What no batch shows by itself decides once the wait is over: an error that comes late keeps what came early."""
    clock, sink = ManualClock(), Sink()
    config = FACTORY.config.model_validate({"rules": ALL_OR_NONE, "decision_wait": "10s"})
    sampler = FACTORY.create(config, make_settings("priority_sampler", clock=clock), sink)
    await sampler.start(FakeHost())
    await clock.wait_for_sleepers()
    await sampler.consume(batch_of(make_span(name="early"), make_span(trace_id=b"1" * 16, name="fine")))
    await clock.advance(5)
    await sampler.consume(batch_of(make_span(name="late", status=2)))
    assert [] == sink.batches
    await clock.advance(10)
    await sink.wait_for(2)
    kept = [span for batch in sink.batches for span in items_of(batch)]
    assert ["early", "late"] == [span.name for span in kept]
    assert {"errors"} == {attributes_of(span)["sampling.rule"] for span in kept}
    await sampler.shutdown()


async def test_the_rules_are_told_when_it_is_built():
    with structlog.testing.capture_logs() as lines:
        make(ALL_OR_NONE)
    assert ["errors: 100%", "rest: 0%"] == lines[0]["rules"]
