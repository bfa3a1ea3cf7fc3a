"""Inflating within limits."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import PermanentError, StatusCode
from collector.data.zstandard import zstd
from collector.net.compression import Inflater, inflate

COMPRESS = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "zlib": zlib.compress, "zstd": zstd.compress}
COMPRESSED = [encoding for encoding in COMPRESS if encoding]


@given(data=st.binary(max_size=2000), encoding=st.sampled_from(list(COMPRESS)), size=st.integers(1, 300))
def test_chunks_of_any_size_give_the_body_back(data, encoding, size):
    compressed = COMPRESS[encoding](data)
    inflater = Inflater(encoding, 10_000)
    grown = sum(inflater.feed(compressed[start : start + size]) for start in range(0, len(compressed), size))
    assert data == inflater.finish()
    assert len(data) == grown


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_concatenated_streams_are_one_body(encoding):
    compress = COMPRESS[encoding]
    assert b"onetwo" == inflate(encoding, compress(b"one") + compress(b"two"), 100)


@pytest.mark.parametrize("encoding", list(COMPRESS))
def test_the_limit_is_the_last_size_that_fits(encoding):
    body = bytes(5000)
    assert body == inflate(encoding, COMPRESS[encoding](body), 5000)
    with pytest.raises(PermanentError, match="limit of 4999 bytes") as caught:
        inflate(encoding, COMPRESS[encoding](body), 4999)
    assert ("too_large", StatusCode.RESOURCE_EXHAUSTED) == (caught.value.reason, caught.value.code)


def test_the_limit_holds_for_the_compressed_size():
    with pytest.raises(PermanentError, match="limit of 3 bytes"):
        inflate("gzip", gzip.compress(b"abc"), 3)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_bomb_costs_no_more_memory_than_the_limit(encoding):
    bomb = COMPRESS[encoding](bytes(64 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(PermanentError, match="larger than the limit"):
            inflate(encoding, bomb, 2**20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The result, the buffer that it grew in, and the window.
    assert peak < 12 * 2**20


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_what_is_cut_or_broken_is_malformed(encoding):
    compressed = COMPRESS[encoding](b"some text that is long enough")
    for broken in (compressed[:-1], b"plain text", compressed + b"garbage"):
        with pytest.raises(PermanentError, match=f"not valid {encoding}") as caught:
            inflate(encoding, broken, 1000)
        assert ("malformed", StatusCode.INVALID_ARGUMENT) == (caught.value.reason, caught.value.code)


def test_many_tiny_streams_are_refused_before_they_cost_time():
    with pytest.raises(PermanentError, match="more than 100 streams"):
        inflate("gzip", gzip.compress(b"") * 10_000, 2**20)


def test_an_empty_body_is_empty_in_any_encoding():
    assert b"" == inflate("gzip", b"", 10)
