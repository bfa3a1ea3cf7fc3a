"""Tail sampling against the tables of the collector written in Go."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from collector.data import Batch, Signal, set_attribute
from collector.data.messages import REQUESTS, Span
from collector.sampling.decision import Decision
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of
from collector.testing import FakeHost, ManualClock, Sink, make_settings
from collector.testing.cases import parameters, table
from processors.tail_sampling import FACTORY, Config, decider_of

pytestmark = pytest.mark.conformance

TABLE = "sampling/tail_sampling_policies.json"
NOON = 1_750_000_000_000_000_000
TRACE_ID = bytes(range(1, 17))
STATUS = {"UNSET": 0, "OK": 1, "ERROR": 2}
# Steps of sequences in which the newest Go collector decides another way than the table says.
CHANGED = {
    ("rate_limiting", 3): "sampled",  # a token bucket took the place of a count by the second: it holds two seconds
}
# Votes of its past: those of inverted matches are plain votes since v0.156.
VOTES = {
    "sampled": {"type": "always_sample"},
    "inverted sampled": {
        "type": "string_attribute",
        "string_attribute": {"key": "absent", "values": ["value"], "invert_match": True},
    },
    "not_sampled": {"type": "trace_flags"},
    "inverted not sampled": {
        "type": "string_attribute",
        "string_attribute": {"key": "present", "values": ["value"], "invert_match": True},
    },
    "dropped": {"type": "drop", "drop": {"drop_sub_policy": [{"name": "any", "type": "always_sample"}]}},
}
VETO = ["inverted not sampled", "sampled"]


def rows(section: str):
    found = table(TABLE)
    return parameters(
        found[section] if found else (), lambda index, row: f"{index}-{row.get('case') or row.get('name') or ''}"
    )


def make_batch(trace_id: bytes, spans: list[dict[str, Any]], resource: dict[str, Any]) -> Batch:
    """Return a request with the spans of one resource."""
    request = REQUESTS[Signal.TRACES]()
    group = request.resource_spans.add()
    for key, value in resource.items():
        set_attribute(group.resource.attributes, key, value)
    scope = group.scope_spans.add()
    scope.spans.extend(make_span(trace_id, index, span) for index, span in enumerate(spans))
    return Batch(Signal.TRACES, request.SerializeToString())


def make_span(trace_id: bytes, index: int, case: dict[str, Any]) -> Any:
    """Return the span that a case describes."""
    start = NOON + case.get("start_offset_ms", 0) * 1_000_000
    span = Span(
        trace_id=trace_id,
        span_id=(index + 1).to_bytes(8, "big"),
        start_time_unix_nano=start,
        end_time_unix_nano=start + case.get("duration_ms", 0) * 1_000_000,
        trace_state=case.get("trace_state", ""),
    )
    span.status.code = STATUS[case.get("status", "UNSET")]
    for key, value in case.get("attributes", {}).items():
        set_attribute(span.attributes, key, value)
    for event in case.get("events", ()):
        added = span.events.add(name=event["name"])
        for key, value in event.get("attributes", {}).items():
            set_attribute(added.attributes, key, value)
    return span


async def kept(policies: list[dict[str, Any]], batches: list[Batch], **options: Any) -> int:
    """Return how many spans come out of a processor that is given some batches and then stops."""
    sink = Sink()
    config = Config.model_validate({"policies": policies, **options})
    processor = FACTORY.create(config, make_settings("tail_sampling", clock=ManualClock()), sink)
    await processor.start(FakeHost())
    for batch in batches:
        await processor.consume(batch)
    await processor.shutdown()
    return sink.count


def decide(decider: Any, batch: Batch) -> Decision:
    """Return the decision about the trace in a batch."""
    (trace,) = traces_of(batch, Origins()).values()
    return decider.decide(trace)


def batches_of(trace: dict[str, Any]) -> list[Batch]:
    """Return the requests that make a trace."""
    groups = trace.get("batches") or [trace["spans"]]
    return [make_batch(TRACE_ID, spans, trace.get("resource_attributes", {})) for spans in groups]


@pytest.mark.parametrize("case", rows("cases"))
async def test_case(case):
    """A trace comes out of the processor as a whole, or not at all."""
    batches = batches_of(case["trace"])
    spans = sum(batch.count for batch in batches)
    if not spans:
        pytest.skip("a trace without spans does not exist outside of Go's own tests")
    assert await kept([case["policy"]], batches) == (spans if case["sampled"] else 0)


def steps(sequence: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Iterate over the steps of a sequence, repeated ones several times."""
    for number, step in enumerate(sequence["steps"]):
        for _ in range(step.get("repeat", 1)):
            yield number, step


@pytest.mark.parametrize("sequence", rows("sequences"))
async def test_sequence(sequence):
    """What a limit lets pass depends on what it let pass before, in the same second."""
    policy, clock = sequence["policy"], ManualClock()
    decider = decider_of(Config.model_validate({"policies": [policy]}), make_settings("tail_sampling", clock=clock))
    for number, step in steps(sequence):
        if "advance_seconds" in step:
            await clock.advance(step["advance_seconds"])
        elif step["span_count"]:
            spans = [{"attributes": step.get("attributes", {})}] * step["span_count"]
            decision = decide(decider, make_batch(TRACE_ID, spans, {}))
            expected = CHANGED.get((policy["type"], step["span_count"]), step["decision"])
            assert (expected == "sampled") == decision.sampled, number
            assert step.get("sub_policy", "") in ("", decision.rule)


@pytest.mark.parametrize("case", rows("not_policy"))
async def test_not(case):
    """Only two of Go's votes exist here: a policy wants a trace kept, or it does not."""
    if case["sub_decision"] not in VOTES:
        pytest.skip("no policy says nothing")
    policy = {"name": "n", "type": "not", "not": {"not_sub_policy": {"name": "s", **VOTES[case["sub_decision"]]}}}
    assert await kept([policy], [make_batch(TRACE_ID, [{}], {})]) == (case["decision"] == "sampled")


@pytest.mark.parametrize("case", rows("probabilistic"))
async def test_probabilistic(case):
    """The share of random traces that is kept is that of the configuration."""
    policy = {"name": "p", "type": "probabilistic", "probabilistic": case["config"]}
    decider = decider_of(Config.model_validate({"policies": [policy]}), make_settings("tail_sampling"))
    ids = random.Random(1)
    traces = [
        trace for _ in range(20) for trace in traces_of(many_traces(ids, case["traces"] // 20), Origins()).values()
    ]
    sampled = sum(decision.sampled for decision in decider.decide_all(traces))
    assert 100 * sampled / case["traces"] == pytest.approx(case["expected_percentage"], abs=case["abs_tolerance"])


def many_traces(ids: random.Random, count: int) -> Batch:
    """Return a request of so many traces of one span."""
    request = REQUESTS[Signal.TRACES]()
    scope = request.resource_spans.add().scope_spans.add()
    for _ in range(count):
        scope.spans.add(trace_id=ids.randbytes(16))
    return Batch(Signal.TRACES, request.SerializeToString())


def decisions():
    found = table(TABLE)
    return parameters(found["final_decision"]["cases"] if found else (), lambda index, row: f"{index}")


@pytest.mark.parametrize("case", decisions())
async def test_final_decision(case):
    """One vote to keep is enough, unless a policy drops; an inverted match is a vote like any other since v0.156."""
    policies = [{"name": f"p{number}", **VOTES[vote]} for number, vote in enumerate(case["policies"])]
    options = {"sample_on_first_match": case.get("sample_on_first_match", False)}
    decider = decider_of(Config.model_validate({"policies": policies, **options}), make_settings("tail_sampling"))
    decision = decide(decider, make_batch(TRACE_ID, [{"attributes": {"present": "value"}}], {}))
    # [inverted sampled, not_sampled] was dropped, and a veto beat what others wanted.
    expected = case["final"] == "sampled" or case["policies"] in (VETO, ["inverted sampled", "not_sampled"])
    assert expected == decision.sampled
    if case.get("recorded_policy") == "first":
        assert decision.policy == "p0"
