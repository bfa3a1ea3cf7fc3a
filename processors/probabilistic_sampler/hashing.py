"""Randomness from a hash, for mode `hash_seed`.

The hash is FNV-1a of 32 bits over the seed and the data. Its low 14 bits decide; the randomness that is written as `rv`
is arranged so that a sampler by the specification, which compares it with the threshold, decides the same.
"""

from collections.abc import Sequence
from functools import lru_cache

from collector.processing.fnv import FNV1A_32

BUCKET_BITS = 14
_BUCKETS = 1 << BUCKET_BITS
_LOW_14 = _BUCKETS - 1
# Bytes; a sender could fill the memory with long attributes.
_LONGEST_REMEMBERED = 256


def seeded(seed: int) -> int:
    """Return the state of the hash once it has read a seed, as 4 bytes in little-endian order."""
    return FNV1A_32.of(seed.to_bytes(4, "little"))


def randomness_of_data(data: bytes, state: int) -> int:
    """Return the 56-bit randomness of any bytes. What repeats (a trace, a service) is not hashed again."""
    return _recall(data, state) if len(data) <= _LONGEST_REMEMBERED else _randomness(data, state)


def _randomness(data: bytes, state: int) -> int:
    return _arrange(FNV1A_32.of(data, state), 1)


_recall = lru_cache(4096)(_randomness)


def randomness_of_ids(ids: Sequence[bytes], state: int) -> Sequence[int]:
    """Return the 56-bit randomness of each 16-byte id."""
    lanes = FNV1A_32.in_lanes(ids, state)
    if lanes is None:
        return [randomness_of_data(trace_id, state) for trace_id in ids]
    return FNV1A_32.split(_arrange(lanes.numbers, lanes.ones), len(ids))


def _arrange(hashes: int, ones: int) -> int:
    """Return the randomness of one hash, or of many in lanes of 64 bits; `ones` has a 1 in each lane.

    From the top: 14 bits that decide, inverted because a *low* bucket is sampled; 28 bits that mix the upper 14 of the
    hash; and the bucket itself.
    """
    bucket = hashes & (ones * _LOW_14)
    upper = (hashes >> 18) & (ones * _LOW_14)
    mixed = upper ^ (upper << 10)
    return ((ones * _LOW_14 - bucket) << 42) | (mixed << 14) | bucket
