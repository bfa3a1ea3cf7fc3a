"""Whatever comes in whatever order: no trace is split, nothing is lost or doubled, and the counters add up."""

import asyncio
import random
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.sampling.decision import Decision
from collector.testing.traces import make_span, numbers_of

KEEP, DROP = Decision(True, "wanted"), Decision(False, "unwanted")

_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "num_traces": st.integers(1, 12),
        "max_trace_spans": st.integers(1, 6),
        "decision_wait_after_root_received": st.sampled_from(["1s", "3s"]),
        "dry_run": st.booleans(),
        "drop_pending_traces_on_shutdown": st.booleans(),
    },
)


def _alternately():
    """Return what decides each time otherwise: a trace that is decided about twice would be split."""
    turns = count()
    return lambda _: DROP if next(turns) % 2 else KEEP


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.integers(1, 15), min_size=1, max_size=60),
    seed=st.integers(0, 2**32),
    size=st.integers(1, 9),
    options=_OPTIONS,
)
def test_no_trace_is_split_and_every_span_is_accounted_for(new_bench, spans, seed, size, options):
    source = random.Random(seed)
    numbered = [
        make_span(trace, number, parent_span_id=b"" if source.random() < 0.2 else b"parentid")
        for number, trace in enumerate(spans, 1)
    ]
    asyncio.run(_check(new_bench, numbered, source, size, options))


async def _check(new_bench, spans, source, size, options):
    bench = new_bench(_alternately(), decision_wait="4s", **options)
    await bench.start()
    for begin in range(0, len(spans), size):
        await bench.consume(*spans[begin : begin + size])
        bench.assert_adds_up()
        assert len(bench.sampler._buffer) <= options.get("num_traces", 50_000)
        await bench.advance(source.choice([0, 0, 1, 2]))
        bench.assert_adds_up()
    await bench.sampler.shutdown()

    came, kept = numbers_of_spans(spans), numbers_of(bench.sink.batches)
    assert 0 == bench.held
    assert len(came) == bench.count("spans_received")
    assert len(kept) == bench.count("spans_kept")
    assert len(came) - len(kept) == bench.count("spans_dropped")
    assert len(kept) == len(set(kept))
    if not options.get("drop_pending_traces_on_shutdown"):
        traces = {trace for trace, _ in kept}
        assert kept == [one for one in came if one[0] in traces]


def numbers_of_spans(spans):
    return sorted((int.from_bytes(span.trace_id, "big"), int.from_bytes(span.span_id, "big")) for span in spans)
