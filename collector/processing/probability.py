"""Consistent probability sampling: the arithmetic on 56 bits.

Two numbers decide whether an item is kept: its *randomness* R, and the sampler's *rejection threshold* T, both of 56
bits. The item is kept where `T <= R`. A sampler of probability p has `T = (1 - p) * 2**56`, so an item that passed it
stands for `2**56 / (2**56 - T)` items. As R belongs to the trace, every sampler anywhere decides consistently: what a
lower probability keeps, a higher one keeps too.

Thresholds and randomness are plain integers here, from 0 to `2**56`. On the wire they are hex digits: T as `th` without
its trailing zeros, R as `rv` with all 14 digits.

Specification: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/ (OTEP 235), and for the
randomness of trace ids https://www.w3.org/TR/trace-context-2/#random-trace-id-flag.
"""

import math
import re

HEX_DIGITS = 14
_SCALE = 1 << 4 * HEX_DIGITS

ALWAYS = 0
"""The threshold that keeps everything."""
NEVER = _SCALE
"""The threshold that keeps nothing; it cannot be written as `th`."""
MAX_RANDOMNESS = _SCALE - 1
MIN_PROBABILITY = 1 / _SCALE

_HEX = re.compile(r"[0-9a-fA-F]+")


def randomness_of(trace_id: bytes) -> int:
    """Return the randomness of a 16-byte trace id: its last 7 bytes."""
    return int.from_bytes(trace_id[-7:], "big")


def threshold_of(probability: float, precision: int = HEX_DIGITS) -> int:
    """Return the rejection threshold of a probability, rounded to so many significant hex digits.

    Leading digits of 0 and of f say only how near the probability is to 1 and to 0: they do not count as significant.

    Raises:
        ValueError: the probability is not within `2**-56` and 1.

    """
    if not MIN_PROBABILITY <= probability <= 1:
        raise ValueError(f"a sampling probability is from 2**-56 to 1, not {probability}")
    kept = probability * _SCALE
    # Half goes up, as in the collector written in Go; Python's own `round` would go to the even side.
    threshold = _SCALE - math.floor(kept) - (kept % 1 >= 0.5)
    leading = max(_leading_zeros(probability), _leading_zeros(1 - probability))
    dropped_bits = 4 * (HEX_DIGITS - min(HEX_DIGITS, precision + leading))
    if dropped_bits:
        threshold = (threshold + (1 << (dropped_bits - 1))) >> dropped_bits << dropped_bits
    return threshold


def _leading_zeros(fraction: float) -> int:
    """Return how many hex digits after the point are 0."""
    return -math.frexp(fraction)[1] // 4


def probability_of(threshold: int) -> float:
    """Return the probability with which a threshold keeps an item."""
    return (_SCALE - threshold) / _SCALE


def adjusted_count(threshold: int) -> float:
    """Return how many items one that passed this threshold stands for.

    Raises:
        ZeroDivisionError: the threshold is `NEVER`, which nothing passes.

    """
    return _SCALE / (_SCALE - threshold)


def format_threshold(threshold: int) -> str:
    """Return a threshold as `th` has it."""
    return f"{threshold:014x}".rstrip("0") or "0"


def parse_threshold(text: str) -> int:
    """Return the threshold that a `th` spells.

    Raises:
        ValueError: the text is not 1 to 14 hex digits.

    """
    if len(text) > HEX_DIGITS:
        raise ValueError(f"t-value exceeds {HEX_DIGITS} hex digits: {text}")
    if not _HEX.fullmatch(text):
        raise ValueError(f"t-value has invalid syntax: {text!r}")
    return int(text.ljust(HEX_DIGITS, "0"), 16)


def format_randomness(randomness: int) -> str:
    """Return randomness as `rv` has it."""
    return f"{randomness:014x}"


def parse_randomness(text: str) -> int:
    """Return the randomness that an `rv` spells.

    Raises:
        ValueError: the text is not 14 hex digits.

    """
    if len(text) != HEX_DIGITS:
        raise ValueError(f"r-value must have {HEX_DIGITS} hex digits: {text}")
    if not _HEX.fullmatch(text):
        raise ValueError(f"r-value has invalid syntax: {text!r}")
    return int(text, 16)
