"""Policies on the times, the status, the flags and the number of spans."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.data.messages import Span
from collector.sampling.trace import Trace
from processors.tail_sampling.basics import latency
from processors.tail_sampling.policy_options import LatencyConfig

MS = 1_000_000


@pytest.mark.parametrize(
    ("codes", "span_codes", "kept"),
    [
        (["ERROR"], [0, 2], True),
        (["ERROR"], [0, 1], False),
        (["OK"], [0, 1], True),
        (["OK"], [0, 2], False),
        (["UNSET"], [1, 0], True),
        (["UNSET"], [1, 2], False),
        (["UNSET", "ERROR"], [1, 2], True),
    ],
)
def test_status_code(keeps, codes, span_codes, kept):
    """One span with one of the codes is enough."""
    policy = {"type": "status_code", "status_code": {"status_codes": codes}}
    assert kept == keeps(policy, [{"code": code} for code in span_codes])


@pytest.mark.parametrize(("flags", "kept"), [([0, 0], False), ([0, 1], True), ([0x301], True), ([0x302], False)])
def test_trace_flags(keeps, flags, kept):
    """The flag `sampled` is the lowest bit; above the eight of the W3C there are others."""
    assert kept == keeps({"type": "trace_flags"}, [{"flags": value} for value in flags])


@pytest.mark.parametrize(
    ("bounds", "spans", "kept"),
    [
        ((2, 0), 1, False),
        ((2, 0), 2, True),
        ((2, 0), 9, True),
        ((2, 3), 3, True),
        ((2, 3), 4, False),
        ((0, 3), 1, True),
    ],
)
def test_span_count(keeps, bounds, spans, kept):
    """Both bounds are inclusive; an upper bound of 0 is none."""
    fewest, most = bounds
    assert kept == keeps({"type": "span_count", "span_count": {"min_spans": fewest, "max_spans": most}}, [{}] * spans)


@pytest.mark.parametrize(
    ("thresholds", "nanoseconds", "kept"),
    [
        ((100, 0), 100 * MS, False),
        ((100, 0), 101 * MS - 1, False),  # a part of a millisecond is cut off
        ((100, 0), 101 * MS, True),
        ((0, 0), 1 * MS - 1, False),
        ((0, 0), 1 * MS, True),
        ((100, 200), 201 * MS - 1, True),
        ((100, 200), 201 * MS, False),
        ((-2, 0), -2 * MS, False),
        ((-2, 0), -2 * MS + 1, True),
        ((-1, 0), 0, True),
        ((-5, -2), -2 * MS, True),
        ((-5, -2), -2 * MS + 1, False),
    ],
)
def test_latency_bounds(keeps, thresholds, nanoseconds, kept):
    """A trace is kept above the threshold, up to the upper one, in whole milliseconds."""
    options = dict(zip(("threshold_ms", "upper_threshold_ms"), thresholds, strict=True))
    span = {"start_time_unix_nano": 10**18, "end_time_unix_nano": 10**18 + nanoseconds}
    assert kept == keeps({"type": "latency", "latency": options}, [span])


def go_latency(threshold: int, upper: int, times: list[tuple[int, int]]) -> bool:
    """Say what the collector written in Go does, span by span."""
    first = last = 0
    for start, end in times:
        if first == 0 or start < first:
            first = start
        if last == 0 or end > last:
            last = end
        milliseconds = abs(last - first) // MS * (1 if last >= first else -1)
        if milliseconds > threshold and (upper == 0 or milliseconds <= upper):
            return True
    return False


times = st.integers(0, 5) | st.integers(0, 5_000 * MS)


@example(threshold=2500, upper=0, spans=[(0, 0), (2000 * MS, 4000 * MS)])
@given(
    threshold=st.integers(-3, 3000),
    upper=st.just(0) | st.integers(1, 4000) | st.integers(-3, 0),
    spans=st.lists(st.tuples(times, times), min_size=1, max_size=5),
)
def test_latency_is_that_of_go(threshold, upper, spans):
    """In the order of arrival, with times that are missing, and with clocks that disagree."""
    raws = [Span(start_time_unix_nano=start, end_time_unix_nano=end).SerializeToString() for start, end in spans]
    matches = latency(LatencyConfig(threshold_ms=threshold, upper_threshold_ms=upper))
    assert go_latency(threshold, upper, spans) == matches(Trace(b"", raws, []))
