"""The hash FNV-1a."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.fnv import FNV1A_32, FNV1A_64

IDS = st.lists(st.binary(min_size=16, max_size=16), max_size=40)
BOTH = pytest.mark.parametrize("hashes", [FNV1A_32, FNV1A_64], ids=["32 bits", "64 bits"])


# The published vectors: http://www.isthe.com/chongo/tech/comp/fnv/
@pytest.mark.parametrize(
    ("data", "of_32_bits", "of_64_bits"),
    [
        (b"", 0x811C9DC5, 0xCBF29CE484222325),
        (b"a", 0xE40C292C, 0xAF63DC4C8601EC8C),
        (b"foobar", 0xBF9CF968, 0x85944171F73967E8),
    ],
    ids=["empty", "a", "foobar"],
)
def test_published_vectors(data, of_32_bits, of_64_bits):
    assert (of_32_bits, of_64_bits) == (FNV1A_32.of(data), FNV1A_64.of(data))


@BOTH
@given(ids=IDS, odd=st.lists(st.binary(max_size=17), max_size=1), seed=st.integers(0, 2**64 - 1))
def test_many_at_once(hashes, ids, odd, seed):
    """The same as one after the other, also where an id is not of the usual length."""
    state = seed & hashes.largest
    assert [hashes.of(trace_id, state) for trace_id in ids + odd] == list(hashes.of_ids(ids + odd, state))


@BOTH
@pytest.mark.parametrize("trace_id", [bytes(16), b"\xff" * 16], ids=["zeros", "ones"])
def test_lanes_do_not_touch(hashes, trace_id):
    for state in (0, hashes.largest):
        assert [hashes.of(trace_id, state)] * 20 == list(hashes.of_ids([trace_id] * 20, state))
