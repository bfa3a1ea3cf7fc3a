"""Randomness from a hash, for mode `hash_seed`.

The hash is FNV-1a of 32 bits over the seed and the data. Its low 14 bits decide; the randomness that is written as `rv`
is arranged so that a sampler by the specification, which compares it with the threshold, decides the same.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache

BUCKET_BITS = 14
_BUCKETS = 1 << BUCKET_BITS
_LOW_14 = _BUCKETS - 1
_LOW_32 = 0xFFFFFFFF
_OFFSET_BASIS = 0x811C9DC5
_PRIME = 0x01000193
_ID_BYTES = 16
# Below so many ids the big integers cost more than they save (measured: about equal at 8).
_FEW = 8
# Bytes; a sender could fill the memory with long attributes.
_LONGEST_REMEMBERED = 256


def fnv1a(data: bytes, state: int = _OFFSET_BASIS) -> int:
    """Return the 32-bit FNV-1a hash of the data, after a state that earlier data led to."""
    for byte in data:
        state = ((state ^ byte) * _PRIME) & _LOW_32
    return state


def seeded(seed: int) -> int:
    """Return the state of the hash once it has read a seed, as 4 bytes in little-endian order."""
    return fnv1a(seed.to_bytes(4, "little"))


def randomness_of_data(data: bytes, state: int) -> int:
    """Return the 56-bit randomness of any bytes. What repeats (a trace, a service) is not hashed again."""
    return _recall(data, state) if len(data) <= _LONGEST_REMEMBERED else _randomness(data, state)


def _randomness(data: bytes, state: int) -> int:
    return _arrange(fnv1a(data, state), 1)


_recall = lru_cache(4096)(_randomness)


def randomness_of_ids(ids: Sequence[bytes], state: int) -> Sequence[int]:
    """Return the 56-bit randomness of each 16-byte id.

    The hash takes a step per byte, which Python would do for each id. Here each id has a lane of 64 bits in one big
    integer, so a step is done for all of them at once: a product of 32 and 25 bits does not leave its lane. It costs a
    seventh of the plain loop for some hundred ids.
    """
    if len(ids) < _FEW:
        return [randomness_of_data(trace_id, state) for trace_id in ids]
    joined = b"".join(ids)
    lanes = bytearray(8 * len(ids))
    lanes[::8] = b"\x01" * len(ids)
    ones = int.from_bytes(lanes, "little")
    mask = ones * _LOW_32
    hashes = ones * state
    for position in range(_ID_BYTES):
        lanes[::8] = joined[position::_ID_BYTES]
        hashes = ((hashes ^ int.from_bytes(lanes, "little")) * _PRIME) & mask
    return struct.unpack(f"<{len(ids)}Q", _arrange(hashes, ones).to_bytes(len(lanes), "little"))


def _arrange(hashes: int, ones: int) -> int:
    """Return the randomness of one hash, or of many in lanes of 64 bits; `ones` has a 1 in each lane.

    From the top: 14 bits that decide, inverted because a *low* bucket is sampled; 28 bits that mix the upper 14 of the
    hash; and the bucket itself.
    """
    bucket = hashes & (ones * _LOW_14)
    upper = (hashes >> 18) & (ones * _LOW_14)
    mixed = upper ^ (upper << 10)
    return ((ones * _LOW_14 - bucket) << 42) | (mixed << 14) | bucket
