"""Policies on what every span has: its times, its status, its flags, and that it is one."""

from collections.abc import Callable, Iterator
from operator import attrgetter

from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import (
    LatencyConfig,
    SpanCountConfig,
    StatusCodeConfig,
)

_NS_PER_MS = 1_000_000
_LONGEST = 2**63 - 1  # nanoseconds
_STATUS = {"UNSET": 0, "OK": 1, "ERROR": 2}
_SAMPLED = 1  # the flag of the W3C trace context


def span_count(config: SpanCountConfig) -> Callable[[Trace], bool]:
    """Match by the number of spans."""
    fewest, most = config.min_spans, config.max_spans

    def matches(trace: Trace) -> bool:
        return fewest <= len(trace) and (most == 0 or len(trace) <= most)

    return matches


def status_code(config: StatusCodeConfig) -> Callable[[Trace], bool]:
    """Match where a span has one of some status codes."""
    codes = {_STATUS[code] for code in config.status_codes}
    if codes == {_STATUS["ERROR"]}:
        return attrgetter("has_error")

    def matches(trace: Trace) -> bool:
        return not codes.isdisjoint(trace.status_codes)

    return matches


def has_sampled_flag(trace: Trace) -> bool:
    """Return whether a span has the flag `sampled`."""
    return any(digest.flags & _SAMPLED for digest in trace.digests)


def latency(config: LatencyConfig) -> Callable[[Trace], bool]:
    """Match by the time from the earliest start to the latest end, in whole milliseconds.

    As in the collector written in Go, spans count in the order of their arrival, and a trace matches as soon as the
    spans so far do: with an upper bound, which they may exceed together, that makes a difference. A time of 0 is one
    that is not known yet.
    """
    lowest, highest = _bounds(config)

    def matches(trace: Trace) -> bool:
        if trace.start_ns:
            duration = trace.end_ns - trace.start_ns
            if duration <= highest:
                return duration >= lowest
        return any(lowest <= duration <= highest for duration in _growing(trace))

    return matches


def _bounds(config: LatencyConfig) -> tuple[int, int]:
    """Return the shortest and the longest time that matches, in nanoseconds; a part of a millisecond is cut off."""
    lowest = _above(config.threshold_ms)
    return lowest, _above(config.upper_threshold_ms) - 1 if config.upper_threshold_ms else _LONGEST


def _above(milliseconds: int) -> int:
    """Return the fewest nanoseconds that are more than so many whole milliseconds, cut off towards 0."""
    return (milliseconds + 1) * _NS_PER_MS if milliseconds >= 0 else milliseconds * _NS_PER_MS + 1


def _growing(trace: Trace) -> Iterator[int]:
    """Iterate over how long a trace was after each of its spans."""
    start = end = 0
    for digest in trace.digests:
        if start == 0 or digest.start_time_unix_nano < start:
            start = digest.start_time_unix_nano
        end = max(end, digest.end_time_unix_nano)
        yield end - start
