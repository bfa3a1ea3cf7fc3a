"""Inflating snappy and lz4, which come as a whole: the library has no steps. Import this where it is first used."""

import mmap
from types import ModuleType

import cramjam

# How a stream of the framed format begins. The Go collector's senders once called that format snappy, too.
_STREAM_IDENTIFIER = b"\xff\x06\x00\x00sNaPpY"
# The most bytes that come out for one that goes in: snappy copies 64 bytes with 3, lz4 adds up to 255 with 1.
_SNAPPY_GROWTH, _LZ4_GROWTH = 22, 255
# The library's words for an output that is full; it has no error of its own for that.
_FULL = "failed to write whole buffer"


def inflate_snappy(data: bytes, limit: int) -> bytes:
    """Return what a block, or a stream of the framed format, holds.

    Raises:
        OverflowError: it holds more bytes than the limit.
        cramjam.DecompressionError: it is broken.

    """
    if data.startswith(_STREAM_IDENTIFIER):
        return inflate_framed_snappy(data, limit)
    if cramjam.snappy.decompress_raw_len(data) > limit:
        raise OverflowError
    return bytes(cramjam.snappy.decompress_raw(data))


def inflate_framed_snappy(data: bytes, limit: int) -> bytes:
    """Return what streams of snappy's framed format hold, raising as `inflate_snappy` does."""
    return _inflate(cramjam.snappy, data, limit, _SNAPPY_GROWTH)


def inflate_lz4(data: bytes, limit: int) -> bytes:
    """Return what frames of lz4 hold, raising as `inflate_snappy` does."""
    return _inflate(cramjam.lz4, data, limit, _LZ4_GROWTH)


def _inflate(codec: ModuleType, data: bytes, limit: int, growth: int) -> bytes:
    if len(data) * growth <= limit:
        return bytes(codec.decompress(data))
    # Where it might be a bomb, into memory of fixed size, of which no more is taken than is written to.
    with mmap.mmap(-1, limit) as output:
        try:
            return output[: codec.decompress_into(data, output)]
        except cramjam.DecompressionError as error:
            if str(error) == _FULL:
                raise OverflowError from error
            raise
