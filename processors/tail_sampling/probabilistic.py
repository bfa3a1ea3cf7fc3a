"""The policy `probabilistic`: a share of traces by a hash of their ids, bit for bit as the collector written in Go.

A trace is kept where the 64-bit FNV-1a hash of salt and trace id is at most the border that the percentage makes. A
sampler behind this one compares another way: `rv` with `th`. So a kept trace gets an `rv` made of the hash, turned
around because a *low* hash is kept, and the `th` of the percentage.

A trace that has an `ot=rv` or `ot=th` already was sampled consistently before. It is decided about by that randomness,
as the collector written in Go does with its feature gate `processor.tailsamplingprocessor.usetracestate`.
"""

from collections.abc import Sequence
from fractions import Fraction

from collector.processing.fnv import FNV1A_64
from collector.processing.probability import MIN_PROBABILITY, NEVER, threshold_of
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import ProbabilisticConfig
from processors.tail_sampling.voting import CERTAIN, Keep

_DEFAULT_SALT = "default-hash-seed"
_HASH_BITS = 64
_SPARE_BITS = 8  # of a hash, which randomness has not


def highest_hash(ratio: float) -> int:
    """Return the border of a share: the largest hash that is kept.

    It is the product of the largest hash and the share, rounded to 64 significant bits, then cut off.
    """
    product = Fraction(ratio) * FNV1A_64.largest
    if product < 1:
        return 0
    fraction_bits = max(0, _HASH_BITS - int(product).bit_length())
    return min(round(product * (1 << fraction_bits)) >> fraction_bits, FNV1A_64.largest)


class Probabilistic:
    """Keeps a share of traces."""

    def __init__(self, config: ProbabilisticConfig) -> None:
        ratio = config.sampling_percentage / 100
        self._keeps_all = ratio >= 1
        self._keeps_none = ratio < MIN_PROBABILITY
        self._threshold = threshold_of(min(ratio, 1)) if ratio >= MIN_PROBABILITY else NEVER
        self._plain = Keep(self._threshold)
        self._border = highest_hash(ratio)
        self._salted = FNV1A_64.of((config.hash_salt or _DEFAULT_SALT).encode())

    def __call__(self, trace: Trace) -> Keep | None:
        """Return the vote about a trace."""
        return self.together([trace])[0]

    def together(self, traces: Sequence[Trace]) -> list[Keep | None]:
        """Return the vote about each trace."""
        if self._keeps_none or self._keeps_all:
            return [CERTAIN if self._keeps_all else None] * len(traces)
        border, hashes = self._border, FNV1A_64.of_ids([trace.trace_id for trace in traces], self._salted)
        votes: list[Keep | None] = []
        for trace, hashed in zip(traces, hashes, strict=True):
            if trace.has_trace_state and _was_sampled(trace):
                votes.append(self._plain if self._threshold <= trace.randomness else None)
            else:
                votes.append(None if hashed > border else self._kept(hashed))
        return votes

    def _kept(self, hashed: int) -> Keep:
        # At the border, the rounding of threshold and hash may differ in the last bit.
        return Keep(self._threshold, max(self._threshold, (FNV1A_64.largest - hashed) >> _SPARE_BITS))


def _was_sampled(trace: Trace) -> bool:
    return trace.ot.randomness is not None or trace.ot.threshold is not None
