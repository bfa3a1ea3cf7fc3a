import gzip
import threading
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.net.compression import inflate
from collector.net.compressor import check_level, compressor, grpc_compressor
from collector.net.offload import LARGE

BODY = b"spans and more spans " * 500
NAMES = ["gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4"]


@given(body=st.binary(max_size=1000), copies=st.integers(0, 100), name=st.sampled_from(NAMES))
def test_what_is_compressed_can_be_inflated(body, copies, name):
    whole = body * copies
    compress = compressor(name)

    assert name == compress.coding
    assert whole == inflate(name, compress(whole), len(whole) + 100)


@pytest.mark.parametrize("name", NAMES)
def test_what_repeats_becomes_smaller(name):
    assert len(compressor(name)(BODY)) < len(BODY) / 4


@pytest.mark.parametrize("level", [-2, -1, *range(10)])
@pytest.mark.parametrize(
    ("name", "decompress"), [("gzip", gzip.decompress), ("zlib", zlib.decompress), ("deflate", zlib.decompress)]
)
def test_zlib_family(name, decompress, level):
    """Each level of each format can be read by the standard library."""
    compressed = compressor(name, level)(BODY)

    assert BODY == decompress(compressed)
    assert len(compressed) < len(BODY) / 4


@pytest.mark.parametrize("level", [0, 3, 22, 100])
def test_zstd(level):
    """A level beyond the highest is the highest."""
    compressed = compressor("zstd", level)(BODY)

    assert BODY == inflate("zstd", compressed, len(BODY))
    assert len(compressed) < len(BODY)


def test_the_level_reaches_the_compressor():
    """Two levels have two results."""
    varied = b"".join(str(number * number).encode() for number in range(5000))

    for name in ("gzip", "zlib", "zstd"):
        assert compressor(name, 9)(varied) != compressor(name, 1)(varied)


def test_the_default_level_is_as_good_as_the_second():
    assert len(compressor("gzip")(BODY)) == len(compressor("gzip", 2)(BODY)) == len(compressor("gzip", -1)(BODY))


@pytest.mark.parametrize("name", ["", "none"])
def test_none(name):
    """Without compression there is no compressor."""
    assert compressor(name) is None
    assert grpc_compressor(name) is None


@pytest.mark.parametrize("name", ["gzip", "zstd", "snappy"])
def test_over_grpc(name):
    compress = grpc_compressor(name)

    assert name == compress.coding
    assert BODY == inflate("x-snappy-framed" if name == "snappy" else name, compress(BODY), len(BODY))


@pytest.mark.parametrize(
    ("name", "level", "size", "here"),
    [
        ("gzip", 0, LARGE - 1, True),
        ("gzip", 0, LARGE, False),
        ("gzip", 3, LARGE // 16, True),
        ("gzip", 4, LARGE // 16, False),
        ("zstd", 0, LARGE // 16, True),
        ("zstd", 19, LARGE // 16, False),
    ],
)
async def test_what_takes_long_is_done_in_a_thread(name, level, size, here):
    """A thorough level takes long for a small body."""
    compress = replace(compressor(name, level), compress=lambda _: threading.current_thread())

    assert here == (await compress.offloaded(bytes(size)) is threading.main_thread())


@pytest.mark.parametrize(
    ("name", "level", "message"), [("gzip", 10, "use 1 to 9"), ("zlib", -3, "use 1 to 9"), ("none", 1, "has no level")]
)
def test_levels_must_fit(name, level, message):
    """A level that the format does not have is refused."""
    with pytest.raises(ValueError, match=message):
        check_level(name, level)
