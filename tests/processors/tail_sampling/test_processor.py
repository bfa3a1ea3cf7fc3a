"""The processor, from batches to batches."""

import random

import pytest

from collector.data import Batch, Signal, get_attribute, merge
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, Sink, items_of, make_settings
from collector.testing.conformance import check
from processors.tail_sampling import FACTORY, Config

NOON = 1_750_000_000_000_000_000
PREFIX = "otelcol_processor_tail_sampling_"
ERRORS = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
SLOW = {"name": "slow", "type": "latency", "latency": {"threshold_ms": 1000}}
PROBES = {
    "name": "probes",
    "type": "drop",
    "drop": {
        "drop_sub_policy": [
            {"name": "probe", "type": "ottl_condition", "ottl_condition": {"span": ['name == "probe"']}}
        ]
    },
}


class Running:
    """A processor with what stands around it."""

    def __init__(self, policies, **options):
        self.sink, self.clock, self.telemetry = Sink(), ManualClock(), RecordingTelemetry()
        self._processor = FACTORY.create(
            Config.model_validate({"decision_wait": "10s", "policies": policies, **options}),
            make_settings("tail_sampling", clock=self.clock, telemetry=self.telemetry),
            self.sink,
        )

    async def __aenter__(self):
        await self._processor.start(FakeHost())
        await self.clock.wait_for_sleepers()
        return self

    async def __aexit__(self, *_):
        await self._processor.shutdown()

    async def consume(self, *spans):
        """Send spans in a request."""
        request = REQUESTS[Signal.TRACES]()
        request.resource_spans.add().scope_spans.add().spans.extend(spans)
        await self._processor.consume(Batch(Signal.TRACES, request.SerializeToString()))

    @property
    def kept(self):
        """The names of the spans that came out, in the order of their names."""
        return sorted(span.name for span in self.spans)

    @property
    def spans(self):
        """The spans that came out."""
        return items_of(merge(self.sink.batches)) if self.sink.batches else []

    def counted(self, name):
        return dict(self.telemetry[f"{PREFIX}{name}"].values)


@pytest.fixture
def span(make_span):
    """Return a span of the trace of a number."""

    def make(number, name, **fields):
        made = make_span(name=name, **fields)
        made.trace_id = random.Random(number).randbytes(16)
        return made

    return make


def test_it_is_for_traces_only():
    assert {Signal.TRACES} == FACTORY.signals


async def test_it_conforms():
    await check(FACTORY, {"policies": [{"name": "all", "type": "always_sample"}]})


async def test_whole_traces_are_kept_or_dropped(span):
    """Whichever of their spans, in whichever request, is what a policy looks for."""
    async with Running([ERRORS, SLOW, PROBES]) as running:
        await running.consume(span(1, "a"), span(2, "b"), span(3, "c"), span(4, "d", code=2))
        await running.consume(span(1, "e", code=2), span(2, "f"), span(4, "probe"))
        await running.consume(span(3, "g", end_time_unix_nano=NOON + 2 * 10**9))
        await running.clock.advance(12)
        assert ["a", "c", "e", "g"] == running.kept


async def test_kept_spans_say_why(span):
    """And how likely that was."""
    async with Running([ERRORS, SLOW]) as running:
        await running.consume(span(1, "a", code=2, trace_state="vendor=1"), span(2, "b"))
        await running.clock.advance(12)
        (kept,) = running.spans
        assert "errors" == get_attribute(kept.attributes, "sampling.policy")
        assert "ot=th:0,vendor=1" == kept.trace_state


async def test_what_was_counted_adds_up(span):
    """By policy under the names of the collector written in Go, and over all."""
    async with Running([ERRORS, SLOW]) as running:
        await running.consume(span(1, "a", code=2), span(2, "b"), span(2, "c"))
        await running.clock.advance(12)
        yes = (("decision", "sampled"), ("policy", "errors"), ("sampled", "true"))
        no = (("decision", "not_sampled"), ("policy", "errors"), ("sampled", "false"))
        assert (1, 1) == (running.counted("count_traces_sampled")[yes], running.counted("count_traces_sampled")[no])
        assert (1, 2) == (running.counted("count_spans_sampled")[yes], running.counted("count_spans_sampled")[no])
        assert {True: 1, False: 1} == {
            ("sampled", "true") in labels: count
            for labels, count in running.counted("global_count_traces_sampled").items()
        }


async def test_a_trace_above_the_size_is_dropped(span):
    """Before its time, and what comes later of it, too."""
    async with Running([{"name": "all", "type": "always_sample"}], maximum_trace_size_bytes=300) as running:
        await running.consume(span(1, "a"), span(2, "b", attributes={"key": "v" * 300}))
        await running.consume(span(2, "c"))
        await running.clock.advance(12)
        assert ["a"] == running.kept
        assert {(): 1} == running.counted("traces_dropped_too_large")


async def test_a_probabilistic_trace_stays_consistent(span):
    """Its late spans get the same randomness and threshold."""
    half = {"name": "half", "type": "probabilistic", "probabilistic": {"sampling_percentage": 50}}
    async with Running([half]) as running:
        for number in range(1, 200):
            await running.consume(span(number, f"{number}"))
        await running.clock.advance(12)
        early = {span.trace_id: span.trace_state for span in running.spans}
        assert 60 < len(early) < 140
        running.sink.batches.clear()
        for number in range(1, 200):
            await running.consume(span(number, f"{number}"))
        await running.clock.advance(2)
        assert early == {span.trace_id: span.trace_state for span in running.spans}


async def test_span_ingest_keeps_at_once(span):
    """What waits already, what has just come and what comes later; what nobody wants is dropped when its time is up."""
    async with Running([ERRORS], sampling_strategy="span-ingest") as running:
        await running.consume(span(1, "a"), span(2, "b"))
        assert [] == running.kept
        await running.consume(span(1, "c", code=2), span(1, "d"))
        await running.consume(span(1, "e"))
        await running.clock.advance(1)
        assert ["a", "c", "d", "e"] == running.kept
        await running.clock.advance(12)
        await running.consume(span(2, "f", code=2))
        await running.clock.advance(12)
        assert ["a", "c", "d", "e"] == running.kept
        assert {"sampled", "not_sampled"} == {
            dict(labels)["decision"] for labels in running.counted("global_count_traces_sampled")
        }
