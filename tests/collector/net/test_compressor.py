import gzip
import zlib

import pytest

from collector.net.compression import inflate
from collector.net.compressor import check_level, compressor

BODY = b"spans and more spans " * 500


@pytest.mark.parametrize("level", [0, -1, -2, 1, 9])
@pytest.mark.parametrize(
    ("name", "decompress"), [("gzip", gzip.decompress), ("zlib", zlib.decompress), ("deflate", zlib.decompress)]
)
def test_zlib_family(name, decompress, level):
    """Each level of each format can be read by the standard library."""
    compressed = compressor(name, level)(BODY)

    assert BODY == decompress(compressed)
    assert len(compressed) < len(BODY)


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


@pytest.mark.parametrize("name", ["", "none"])
def test_none(name):
    """Without compression there is no compressor."""
    assert compressor(name, 0) is None


@pytest.mark.parametrize(
    ("name", "level", "message"), [("gzip", 10, "use 1 to 9"), ("zlib", -3, "use 1 to 9"), ("none", 1, "has no level")]
)
def test_levels_must_fit(name, level, message):
    """A level that the format does not have is refused."""
    with pytest.raises(ValueError, match=message):
        check_level(name, level)
