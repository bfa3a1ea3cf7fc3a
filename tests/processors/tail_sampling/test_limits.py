"""Policies that keep so much a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Signal
from collector.sampling.origin import Origin, Origins
from collector.sampling.trace import batch_of, traces_of
from collector.testing import ManualClock
from collector.testing.strategies import requests
from processors.tail_sampling.limits import TokenBucket, otlp_size


def rate(**options):
    return {"type": "rate_limiting", "rate_limiting": options}


async def test_twice_the_rate_passes_at_once(decider, make_trace, make_span):
    """Then it is what time brings."""
    decide, trace = decider([rate(spans_per_second=3)]), make_trace(make_span(), make_span())
    assert [True, True, True, False] == [decide(trace).sampled for _ in range(4)]
    await decide.clock.advance(0.5)
    assert not decide(trace).sampled
    await decide.clock.advance(0.2)
    assert [True, False] == [decide(trace).sampled for _ in range(2)]


async def test_a_trace_above_the_burst_never_passes(decider, make_trace, make_span):
    """It takes nothing from others either."""
    decide = decider([rate(spans_per_second=100, burst_capacity=2)])
    await decide.clock.advance(1000)
    assert not decide(make_trace(*[make_span()] * 3)).sampled
    assert decide(make_trace(*[make_span()] * 2)).sampled


@pytest.mark.parametrize("options", [{}, {"spans_per_second": 0}, {"spans_per_second": -1}])
def test_without_a_rate_nothing_passes(decider, make_trace, options):
    assert not decider([rate(**options)])(make_trace()).sampled


async def test_a_burst_without_a_rate_passes_once(decider, make_trace):
    decide = decider([rate(burst_capacity=1)])
    assert decide(make_trace()).sampled
    await decide.clock.advance(10**6)
    assert not decide(make_trace()).sampled


def test_nobody_knows_how_likely_it_was(decider, make_trace):
    assert decider([rate(spans_per_second=3)])(make_trace()).threshold is None


async def test_bytes(decider, make_trace, make_span):
    """The size is that of an OTLP request with nothing but the trace."""
    trace = make_trace(make_span({"key": "x" * 100}), resource={"service.name": "shop"})
    size = otlp_size(trace)
    exact = decider([{"type": "bytes_limiting", "bytes_limiting": {"bytes_per_second": 1, "burst_capacity": size}}])
    assert [True, False] == [exact(trace).sampled for _ in range(2)]
    await exact.clock.advance(size)
    assert exact(trace).sampled
    less = decider([{"type": "bytes_limiting", "bytes_limiting": {"bytes_per_second": 1, "burst_capacity": size - 1}}])
    assert not less(trace).sampled
    twice = decider([{"type": "bytes_limiting", "bytes_limiting": {"bytes_per_second": size}}])
    assert [True, True, False] == [twice(trace).sampled for _ in range(3)]


@given(requests(Signal.TRACES))
def test_the_size_is_that_of_the_request(request):
    for trace in traces_of(Batch(Signal.TRACES, request), Origins()).values():
        spans: dict[Origin, list[bytes]] = {}
        for raw, origin in zip(trace.raws, trace.origins, strict=True):
            spans.setdefault(origin, []).append(raw)
        assert len(batch_of(spans).payload) == otlp_size(trace)


async def test_what_time_brings_passes():
    """Although sums of fractions are not exact: 1000.3 - 1000 is less than 0.3."""
    clock = ManualClock(start=1000)
    bucket = TokenBucket(10, 3, clock)
    for _ in range(100):
        assert bucket.take(3)
        assert not bucket.take(1)
        await clock.advance(0.3)


amounts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 12)), max_size=30)


@given(per_second=st.integers(0, 10), burst=st.integers(0, 10), steps=amounts)
async def test_no_more_than_the_rate_and_the_burst(per_second, burst, steps):
    """And no less: what is refused would have been more than there was."""
    clock = ManualClock()
    bucket, tokens = TokenBucket(per_second, burst, clock), float(burst)
    for tenths, amount in steps:
        await clock.advance(tenths / 10)
        tokens = min(burst, tokens + per_second * tenths / 10)
        taken = bucket.take(amount)
        assert taken == (amount <= tokens + 1e-6) or abs(amount - tokens) < 1e-6
        tokens -= amount if taken else 0
