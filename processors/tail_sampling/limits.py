"""Policies that keep so much a second."""

from collections.abc import Callable

from collector.api import Clock
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import BytesLimitingConfig, RateLimitingConfig
from processors.tail_sampling.voting import UNKNOWN, Evaluate, Keep

_NANOSECOND = 1e-9


class TokenBucket:
    """Lets through `rate` a second in the long run, and at most `burst` at once. It starts full."""

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled_at = clock.monotonic()

    def take(self, amount: int) -> bool:
        """Return whether so much may pass now, and count it."""
        now = self._clock.monotonic()
        tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate) - amount
        # What is missing for less than a nanosecond is not missing: sums of fractions are not exact.
        if tokens < 0 and -tokens >= _NANOSECOND * self._rate:
            return False
        self._tokens, self._filled_at = tokens, now
        return True


def rate_limiting(config: RateLimitingConfig, clock: Clock) -> Evaluate:
    """Keep so many spans a second."""
    return _limiting(config.spans_per_second, config.burst_capacity, clock, len)


def bytes_limiting(config: BytesLimitingConfig, clock: Clock) -> Evaluate:
    """Keep so many bytes a second."""
    return _limiting(config.bytes_per_second, config.burst_capacity, clock, otlp_size)


def _limiting(rate: int, burst: int, clock: Clock, size_of: Callable[[Trace], int]) -> Evaluate:
    bucket = TokenBucket(rate, burst if burst > 0 else 2 * rate, clock)

    def evaluate(trace: Trace) -> Keep | None:
        return UNKNOWN if bucket.take(size_of(trace)) else None

    return evaluate


def otlp_size(trace: Trace) -> int:
    """Return how many bytes a trace takes as an OTLP request of its own."""
    scopes: dict[Origin, int] = {}
    for origin, raw in zip(trace.origins, trace.raws, strict=True):
        scopes[origin] = scopes.get(origin, 0) + _field_size(len(raw))
    resources: dict[bytes, int] = {}
    for origin, spans in scopes.items():
        head = origin.resource_head
        resources[head] = resources.get(head, len(head)) + _field_size(len(origin.scope_head) + spans)
    return sum(map(_field_size, resources.values()))


def _field_size(content: int) -> int:
    """Return the size of a field with so many bytes of content: its tag, its length as a varint, and the content."""
    return 1 + max(1, (content.bit_length() + 6) // 7) + content
