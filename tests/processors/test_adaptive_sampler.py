"""`adaptive_sampler`: how the target is shared, keys, decisions, both modes, and what SDKs are told."""

import itertools
import json
import random

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import ComponentId, RetryableError, StartError
from collector.config import load
from collector.config.lint import option_warnings
from collector.data import Client, Signal, set_attribute
from collector.data.messages import ITEMS
from collector.processing.probability import parse_threshold, probability_of, threshold_of
from collector.processing.tracestate import TraceState
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of
from collector.testing import FakeHost, ManualClock, Sink, make_settings
from collector.testing.component import RecordingTelemetry
from collector.testing.samples import items_of, make_batch
from extensions.jaegerremotesampling import FACTORY as REMOTE_SAMPLING
from processors.adaptive_sampler import FACTORY, Config
from processors.adaptive_sampler.allocation import water_level
from processors.adaptive_sampler.decider import AdaptiveDecider
from processors.adaptive_sampler.keys import KeyReader

SPAN = ITEMS[Signal.TRACES]
DECIDED = "otelcol_processor_adaptive_sampler_decided_{}"


# --- sharing out a total -------------------------------------------------------------------------------------------

amounts = st.floats(0, 1e6)
ranges = st.lists(st.tuples(amounts, amounts).map(sorted).map(tuple), max_size=30)


def given_to(level, low, high):
    return min(max(level, low), high)


def shared(members, level):
    return sum(given_to(level, low, high) for low, high in members)


@given(ranges, amounts)
def test_a_total_is_shared_out(members, total):
    """All of it, or what all can use; and no more than it but where the least that each must have is more."""
    level = water_level(members, total)
    least, most = (sum(member[side] for member in members) for side in (0, 1))
    assert shared(members, level) == pytest.approx(min(max(total, least), most), rel=1e-9, abs=1e-6)


@given(ranges, amounts, amounts)
def test_more_to_share_is_less_for_nobody(members, total, more):
    assert water_level(members, total) <= water_level(members, total + more) * (1 + 1e-9)


@given(ranges, amounts, amounts)
def test_one_more_member_is_more_for_nobody(members, total, high):
    assert water_level([*members, (0.0, high)], total) <= water_level(members, total) * (1 + 1e-9)


@given(st.lists(amounts, min_size=1, max_size=30), st.floats(0.001, 1e6))
def test_shares_are_fair(demands, total):
    """Who gets less than another has all that it asked for."""
    level = water_level([(0.0, demand) for demand in demands], total)
    given_out = [given_to(level, 0.0, demand) for demand in demands]
    for mine, demand in zip(given_out, demands, strict=True):
        assert mine == demand or mine == pytest.approx(max(given_out))


# --- keys ----------------------------------------------------------------------------------------------------------


def span(trace=1, number=1, *, parent=0, name="GET /orders", error=False, state="", **attributes):
    message = SPAN(
        trace_id=trace_id(trace),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        trace_state=state,
    )
    if error:
        message.status.code = 2
    for key, value in attributes.items():
        set_attribute(message.attributes, key.replace("_", "."), value)
    return message


def trace_id(number):
    """Return an id whose randomness is spread evenly over numbers."""
    return random.Random(number).randbytes(16)


def batch_of(spans, service="shop"):
    return make_batch(Signal.TRACES, spans, {"service.name": service, "region": "north"})


def trace_of(*spans, service="shop"):
    return next(iter(traces_of(batch_of(spans, service), Origins()).values()))


@pytest.mark.parametrize(
    ("selectors", "spans", "expected"),
    [
        (["service", "operation"], [span(parent=7, name="child"), span(number=2)], ("shop", "GET /orders")),
        (["operation"], [span(parent=7, name="first"), span(number=2, parent=7)], ("first",)),
        (["status"], [span(), span(number=2, parent=1, error=True)], ("error",)),
        (["status"], [span(name="\x18\x02")], ("ok",)),
        (["region"], [span()], ("north",)),
        (["tier", "absent"], [span(), span(number=2, parent=1, tier="gold")], ("gold", "-")),
        (["tier"], [span(parent=7, tier="other"), span(number=2, tier="root")], ("root",)),
        (["region"], [span(region="of a span")], ("of a span",)),
        (["code"], [span(code=404)], ("404",)),
        (["operation"], [span(name="")], ("-",)),
        (["operation"], [span(name="x" * 100)], ("x" * 100,)),
    ],
)
def test_keys(selectors, spans, expected):
    assert expected == KeyReader(selectors)(trace_of(*spans))


def test_long_values_stay_apart():
    read = KeyReader(["operation"])
    first, second = (read(trace_of(span(name="x" * 1000 + end)))[0] for end in "ab")
    assert first != second
    assert (100, 100) == (len(first), len(second))


@pytest.mark.parametrize(
    "spans",
    [
        [span(parent=7, name="child"), SPAN(trace_id=trace_id(1), name='12345678"\x08root')],
        [span(parent=7, name="child", state="ot=th:0"), span(number=2, name='12345678"\x08root')],
    ],
)
def test_the_root_is_found_by_its_fields_and_not_by_their_places(spans):
    """A name may look like a parent, and a parent may stand behind a trace state."""
    assert ('12345678"\x08root',) == KeyReader(["operation"])(trace_of(*spans))


# --- decisions -----------------------------------------------------------------------------------------------------


class Subject:
    def __init__(self, **options):
        self.clock, self.telemetry = ManualClock(), RecordingTelemetry()
        settings = make_settings("adaptive_sampler", clock=self.clock, telemetry=self.telemetry)
        self.decider = AdaptiveDecider(Config.model_validate(options), settings)

    async def run(self, seconds, rate, make=lambda number: trace_of(span(number)), begin=0):
        """Decide about so many traces in a second, and return each with its decision."""
        decided = []
        for number in range(begin, begin + round(seconds * rate)):
            trace = make(number)
            decided.append((trace, self.decider.decide(trace)))
            await self.clock.advance(1 / rate)
        return decided

    def counted(self, what="traces"):
        values = self.telemetry[DECIDED.format(what)].values
        return {(labels["decision"], labels["reason"]): n for key, n in values.items() if (labels := dict(key))}


async def test_a_decision_says_why():
    subject = Subject(percentage=100)
    first, second = (decision for _, decision in await subject.run(0.02, 100))
    assert (True, "adaptive", "(other)", 0) == (first.sampled, first.policy, first.rule, first.threshold)
    assert "shop | GET /orders | ok" == second.rule


async def test_the_counters_add_up():
    subject = Subject(traces_per_second=10)
    decided = await subject.run(20, 100, lambda number: trace_of(*[span(number, n) for n in range(1, number % 3 + 2)]))
    kept, spans = (
        sum(subject.counted(what).get(("keep", reason), 0) for reason in ("rate", "other", "due"))
        for what in ("traces", "spans")
    )
    assert kept == sum(decision.sampled for _, decision in decided)
    assert spans == sum(len(trace) for trace, decision in decided if decision.sampled)
    assert 2000 == sum(subject.counted().values())
    assert sum(len(trace) for trace, _ in decided) == sum(subject.counted("spans").values())


async def test_decisions_are_consistent():
    """A trace that a threshold keeps is kept by all lower ones, and kept ones are above theirs."""
    decided = await Subject(traces_per_second=10).run(30, 100)
    assert len({decision.threshold for _, decision in decided}) > 10
    for trace, decision in decided:
        assert decision.sampled == (decision.threshold <= trace.randomness)


async def test_what_an_earlier_sampler_left_out_counts():
    """Traces that came through a tenth stand for ten, and are thinned as if all had come."""
    tenth = threshold_of(0.1)

    def make(number):
        return trace_of(span(number, state="ot=th:e666666666666"))

    subject = Subject(percentage=2, keys=["service"])
    passed = [number for number in range(20_000) if make(number).randomness >= tenth]
    probabilities = []
    for number in passed:
        decision = subject.decider.decide(make(number))
        probabilities.append(probability_of(decision.threshold))
        await subject.clock.advance(0.05)
    settled = probabilities[len(passed) // 2 :]
    assert 0.018 < sum(settled) / len(settled) < 0.022


@pytest.mark.parametrize("state", ["ot=th:ffffffffffffff;rv:ffffffffffffff", "ot=th:ffffffffffffff", "ot=th:x", "=,"])
async def test_a_state_that_lies_does_no_harm(state):
    """It may claim to stand for 2**56, or contradict itself."""
    subject = Subject(traces_per_second=10)
    await subject.run(1, 20, lambda number: trace_of(span(number, state=state)))
    decided = await subject.run(30, 20, begin=100)
    kept = sum(decision.sampled for _, decision in decided[-200:])
    assert 80 < kept < 120


async def test_what_an_earlier_sampler_cannot_have_kept_stands_for_nothing_more():
    subject = Subject(percentage=20)
    decided = await subject.run(
        30, 20, lambda number: trace_of(span(number, state="ot=th:ffffffffffff" * (not number % 9)))
    )
    assert 0.15 < sum(decision.sampled for _, decision in decided) / 600 < 0.25


async def test_a_key_that_is_starved_is_due():
    subject = Subject(traces_per_second=0.001, keys=["service"])
    decided = await subject.run(1200, 1)
    kept = [number for number, (_, decision) in enumerate(decided) if decision.sampled]
    due = [number for number in kept if decided[number][1].threshold == 0 and number >= 540]
    assert 0 < len(due) == subject.counted()["keep", "due"]
    assert 540 == max(later - earlier for earlier, later in itertools.pairwise(kept))


async def test_no_promise_no_trace_that_is_due():
    subject = Subject(traces_per_second=0.001, keys=["service"], keep_every_key_within="0s")
    await subject.run(1200, 1)
    assert ("keep", "due") not in subject.counted()


async def test_there_is_room_for_so_many_keys():
    subject = Subject(percentage=50, keys=["operation"], max_keys=3, keep_every_key_within="10m")
    await subject.run(10, 10, lambda number: trace_of(span(number, name=f"operation {number % 9}")))
    assert 3 == subject.telemetry["otelcol_processor_adaptive_sampler_keys"].total
    assert 60 < subject.counted()["drop", "other"] + subject.counted()["keep", "other"]
    await subject.clock.advance(61)
    await subject.run(2, 10, lambda number: trace_of(span(number, name="new")))
    assert 1 == subject.telemetry["otelcol_processor_adaptive_sampler_keys"].total


async def test_metrics_show_the_largest_keys():
    """No more than asked for, ever, as a series does not go away."""
    subject = Subject(traces_per_second=10, keys=["operation"], max_key_metrics=2)
    names = ["large"] * 6 + ["middle"] * 3 + ["small"]
    await subject.run(60, 20, lambda number: trace_of(span(number, name=names[number % 10])))
    metrics = {
        name: subject.telemetry[f"otelcol_processor_adaptive_sampler_{name}"].values
        for name in ("key_rate", "key_percentage", "target_rate", "offered_rate")
    }
    assert 2 == len(metrics["key_rate"]) == len(metrics["key_percentage"])
    assert metrics["key_rate"][("key", "large"),] == pytest.approx(12, rel=0.1)
    assert metrics["key_percentage"][("key", "large"),] == pytest.approx(100 * 4 / 12, rel=0.25)
    assert 10 == metrics["target_rate"][()]
    assert metrics["offered_rate"][()] == pytest.approx(20, rel=0.1)
    await subject.run(100, 20, lambda number: trace_of(span(number, name=f"later {number % 2}")))
    assert 2 == len(metrics["key_rate"])


# --- the modes -----------------------------------------------------------------------------------------------------


def build(sink, telemetry=None, clock=None, **options):
    settings = make_settings("adaptive_sampler", clock=clock or ManualClock(), telemetry=telemetry)
    return FACTORY.create(Config.model_validate(options), settings, sink)


async def test_head_mode_stamps_what_it_keeps():
    sink = Sink()
    processor = build(sink, mode="head", traces_per_second=20)
    client = Client("here")
    batch = batch_of([span(number) for number in range(2000)])
    await processor.consume(type(batch)(batch.signal, batch.payload, client))
    spans = [span for batch in sink.batches for span in items_of(batch)]
    assert 20 < len(spans) < 400
    assert client == sink.batches[0].client
    texts = [{pair.key: pair.value.string_value for pair in span.attributes} for span in spans]
    assert {"adaptive"} == {text["sampling.policy"] for text in texts}
    assert {"(other)", "shop | GET /orders | ok"} == {text["sampling.rule"] for text in texts}
    # Nothing is known of this traffic but by itself, and still the counts are true.
    counts = [1 / probability_of(TraceState.parse(span.trace_state).ot.threshold) for span in spans]
    assert 1000 < sum(counts) < 4000


async def test_head_mode_hands_on_nothing_of_nothing():
    sink = Sink()
    processor = build(sink, mode="head", traces_per_second=1e-9, initial_percentage=1e-9)
    await processor.consume(batch_of([span(1)]))
    assert [] == sink.batches


async def test_head_mode_tells_the_sender_what_went_wrong():
    processor = build(Sink(RetryableError("not now")), mode="head", percentage=100)
    with pytest.raises(RetryableError):
        await processor.consume(batch_of([span(1)]))


async def test_a_dry_run_keeps_everything():
    sink = Sink()
    processor = build(sink, mode="head", traces_per_second=1, dry_run=True, explain=False)
    await processor.consume(batch_of([span(number) for number in range(500)]))
    spans = [span for batch in sink.batches for span in items_of(batch)]
    assert 500 == len(spans)
    assert {"keep", "drop"} == {pair.value.string_value for span in spans for pair in span.attributes}
    assert {""} == {span.trace_state for span in spans}


async def test_tail_mode_waits_for_whole_traces():
    sink, clock = Sink(), ManualClock()
    processor = build(sink, clock=clock, traces_per_second=50, decision_wait="10s")
    await processor.start(FakeHost())
    for half in (range(1, 3), range(3, 5)):
        await processor.consume(
            batch_of([span(trace, number, parent=number - 1) for trace in range(900) for number in half])
        )
        await clock.advance(5)
    await clock.advance(10)
    await processor.shutdown()
    spans = [span for batch in sink.batches for span in items_of(batch)]
    by_trace = {}
    for item in spans:
        by_trace.setdefault(item.trace_id, []).append(item)
    assert 20 < len(by_trace) < 400
    assert {4} == {len(members) for members in by_trace.values()}
    assert {1} == {len({item.trace_state for item in members}) for members in by_trace.values()}
    assert all(parse_threshold(item.trace_state.removeprefix("ot=th:")) >= 0 for item in spans)


# --- what SDKs are told --------------------------------------------------------------------------------------------


class Sdk:
    """Samples at the source as it is told, with the legacy choice by the first bits of the last half of an id."""

    def __init__(self, extension):
        self._url = "http://{}:{}/sampling?service=shop".format(*extension.http.address)
        self.rates, self.default = {}, 1.0

    async def ask(self):
        async with aiohttp.ClientSession() as session, session.get(self._url) as answer:
            strategy = json.loads(await answer.text())
        operations = strategy.get("operationSampling", {"perOperationStrategies": []})
        self.default = strategy["probabilisticSampling"]["samplingRate"]
        self.rates = {
            entry["operation"]: entry["probabilisticSampling"]["samplingRate"]
            for entry in operations["perOperationStrategies"]
        }
        return strategy

    def sends(self, number, operation):
        return trace_id(number)[8] < 256 * self.rates.get(operation, self.default)


async def test_sdks_sample_at_the_source():
    """Until so much arrives as was asked for: what is kept, and as much again; the rare operation stays whole."""
    clock = ManualClock()
    settings = make_settings("jaegerremotesampling", clock=clock)
    options = {"source": {"adaptive": None}, "http": {"endpoint": "127.0.0.1:0"}, "grpc": {"enabled": False}}
    extension = REMOTE_SAMPLING.create(REMOTE_SAMPLING.config.model_validate(options), settings)
    host = FakeHost({ComponentId("jaegerremotesampling"): extension})
    await extension.start(host)
    sink = Sink()
    processor = build(
        sink, clock=clock, mode="head", traces_per_second=4, remote_sampling={"interval": "30s", "headroom": 2}
    )
    await processor.start(host)
    try:
        sdk = Sdk(extension)
        assert {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 1.0}} == await sdk.ask()
        arrived = 0
        for number in range(6000):
            operation = "rare" if number % 50 == 0 else "GET /orders"
            if sdk.sends(number, operation):
                arrived += number >= 4000
                await processor.consume(batch_of([span(number, name=operation)]))
            await clock.advance(1 / 20)
            if number % 300 == 0:
                strategy = await sdk.ask()
    finally:
        await processor.shutdown()
        await extension.shutdown()
    assert 1.0 == sdk.rates["rare"]
    assert 0.25 < sdk.rates["GET /orders"] < 0.55
    assert 6 < arrived / 100 < 11
    assert 1 / 60 == strategy["operationSampling"]["defaultLowerBoundTracesPerSecond"]
    assert 350 < sum(batch.count for batch in sink.batches[-400:]) <= 400


async def test_an_sdk_that_does_as_it_likes():
    """It is told less each time, a tenth at the most, and never less than the minimum."""
    subject = Subject(traces_per_second=0.01, remote_sampling={"interval": "30s", "min_percentage": 2})
    rates = subject.decider.rates
    assert rates.rates_of("shop") is None
    await subject.run(33, 10)
    assert (0.1, {"GET /orders": 0.1}) == (rates.rates_of("shop").default, rates.rates_of("shop").operations)
    await subject.run(60, 10, begin=1000)
    assert (0.02, {"GET /orders": 0.02}) == (rates.rates_of("shop").default, rates.rates_of("shop").operations)


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ({}, "no extension jaegerremotesampling is running: declare it"),
        ({ComponentId("jaegerremotesampling"): Sink()}, "tells SDKs nothing: name one of type jaegerremotesampling"),
    ],
)
async def test_an_extension_that_cannot_tell_them(extensions, message):
    processor = build(Sink(), percentage=5, remote_sampling={})
    with pytest.raises(StartError, match=message):
        await processor.start(FakeHost(extensions))
    await processor.shutdown()


async def test_an_extension_that_serves_something_else(tmp_path):
    (tmp_path / "file").write_text("{}")
    options = {"source": {"file": str(tmp_path / "file")}}
    extension = REMOTE_SAMPLING.create(
        REMOTE_SAMPLING.config.model_validate(options), make_settings("jaegerremotesampling")
    )
    processor = build(Sink(), percentage=5, remote_sampling={})
    with pytest.raises(StartError, match="serves strategies of a file or another server"):
        await processor.start(FakeHost({ComponentId("jaegerremotesampling"): extension}))


# --- configurations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one target, none is there: traces_per_second"),
        ({"percentage": 5, "spans_per_second": 1}, "give one target, not spans_per_second and percentage"),
        ({"traces_per_second": 0}, "greater than 0"),
        ({"percentage": 101}, "less than or equal to 100"),
        ({"percentage": 5, "keys": []}, "name at least one key"),
        ({"percentage": 5, "keys": ["service", "service"]}, "none twice"),
        ({"percentage": 5, "min_percentage": 6, "max_percentage": 5}, r"min_percentage \(6\) is above"),
        ({"percentage": 5, "interval": "10ms"}, "greater than or equal to 1"),
        ({"percentage": 5, "keys": ["tier"], "remote_sampling": {}}, "add service to keys"),
        ({"percentage": 5, "remote_sampling": {"extension": "a/"}}, "is not a component id"),
    ],
)
def test_configurations_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Config.model_validate(options)


def test_percentages_may_have_their_sign():
    config = Config.model_validate({"percentage": "5%", "min_percentage": "0.5 %", "max_percentage": 50})
    assert (5, 0.5, 50, 0.05) == (config.percentage, config.min_percentage, config.max_percentage, config.target)


@pytest.mark.parametrize(
    ("keys", "doubted"),
    [
        (["service", "operation", "status"], []),
        (["service.name", "http.status", "customer.tier"], []),
        (["services", "operatoin"], ["service", "operation"]),
    ],
)
def test_a_key_that_looks_like_a_slip_is_doubted(keys, doubted):
    node = load([f"yaml:{json.dumps({'keys': keys})}"]).root
    found = [warning.message for warning in option_warnings(Config, node, ())]
    assert [f'did you mean "{name}"?' for name in doubted] == [message.split(": ")[1] for message in found]
