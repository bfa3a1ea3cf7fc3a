"""The 64-bit FNV-1a hash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.tail_sampling.hashing import fnv1a, fnv1a_of_ids

IDS = st.lists(st.binary(min_size=16, max_size=16), max_size=40)


# The published vectors: http://www.isthe.com/chongo/tech/comp/fnv/
@pytest.mark.parametrize(
    ("data", "expected"), [(b"", 0xCBF29CE484222325), (b"a", 0xAF63DC4C8601EC8C), (b"foobar", 0x85944171F73967E8)]
)
def test_published_vectors(data, expected):
    assert expected == fnv1a(data)


@given(ids=IDS, odd=st.lists(st.binary(max_size=17), max_size=1), state=st.integers(0, 2**64 - 1))
def test_many_at_once(ids, odd, state):
    """The same as one after the other, also where an id is not of the usual length."""
    assert [fnv1a(trace_id, state) for trace_id in ids + odd] == list(fnv1a_of_ids(ids + odd, state))
