"""Compressing the bodies of requests, over HTTP and over gRPC."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from collector.api import ComponentConfig, option
from collector.net.offload import offload

Compression = Literal["gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4", "none", ""]
GrpcCompression = Literal["gzip", "snappy", "zstd", "none", ""]

_Compress = Callable[[bytes], bytes]

_ZLIB = ("gzip", "deflate", "zlib")
# Levels of gzip, deflate and zlib that the fast library has, and its own for them. As in Go, -2 is the fastest (Huffman
# codes alone, there); the default, 0 or -1, is fast here.
_FAST_LEVELS = {-2: 1, -1: 2, 0: 2, 1: 1, 2: 2, 3: 3}
# From this level on zstd takes its time.
_THOROUGH_ZSTD = 8
# The level of lz4 that is the library's own default; that of cramjam takes four times as long.
_FAST_LZ4 = 1
# How many times longer a byte takes where compression is thorough.
_THOROUGH_TIME = 16


class CompressionParams(ComponentConfig):
    """How hard to compress."""

    level: int = option(
        0,
        "Level of gzip, deflate and zlib: 1 to 9, 0 and -1 for the default, which is fast; of zstd: 1 to 22, 0 for its "
        "own default.",
    )


def check_level(name: Compression, level: int) -> None:
    """Check a level against the compression that it is for.

    Raises:
        ValueError: they do not go together.

    """
    if name in _ZLIB:
        if not min(_FAST_LEVELS) <= level <= zlib.Z_BEST_COMPRESSION:
            raise ValueError(f"compression_params: level {level} is not one of {name}: use 1 to 9")
    elif name != "zstd" and level:
        raise ValueError(f'compression_params: compression "{name}" has no level: remove it')


@dataclass(frozen=True, slots=True)
class Compressor:
    """Compresses bodies, as whose header Content-Encoding or grpc-encoding has `coding`."""

    coding: str
    compress: _Compress
    thorough: bool = False

    def __call__(self, body: bytes) -> bytes:
        """Compress a body here and now."""
        return self.compress(body)

    async def offloaded(self, body: bytes) -> bytes:
        """Compress a body, in a thread where it would take long."""
        return await offload(len(body) * (_THOROUGH_TIME if self.thorough else 1), self.compress, body)


def compressor(name: Compression, level: int = 0) -> Compressor | None:
    """Return what compresses bodies over HTTP, or None where they are sent as they are.

    `deflate` is zlib's format, as in RFC 9110, and `snappy` the block format.
    """
    if name in ("", "none"):
        return None
    if name in _ZLIB:
        return Compressor(name, _deflate(name, level), thorough=level not in _FAST_LEVELS)
    if name == "zstd":
        return Compressor(name, _zstd(level), thorough=level >= _THOROUGH_ZSTD)
    return Compressor(name, _snappy_or_lz4(name))


def grpc_compressor(name: GrpcCompression) -> Compressor | None:
    """Return what compresses messages over gRPC, where `snappy` means its framed format; None for no compression."""
    return Compressor(name, _snappy_or_lz4("x-snappy-framed")) if name == "snappy" else compressor(name)


# The libraries are imported where they are asked for: they are not small.


def _deflate(name: Compression, level: int) -> _Compress:
    from collector.net.deflate import fast, thorough  # noqa: PLC0415

    window = zlib.MAX_WBITS + (16 if name == "gzip" else 0)
    if level in _FAST_LEVELS:
        return lambda body: fast.compress(body, _FAST_LEVELS[level], window)
    return lambda body: thorough.compress(body, level, window)


def _zstd(level: int) -> _Compress:
    from collector.data.zstandard import zstd  # noqa: PLC0415

    _, highest = zstd.CompressionParameter.compression_level.bounds()
    return lambda body: zstd.compress(body, min(level, highest) or None)


def _snappy_or_lz4(name: Compression) -> _Compress:
    import cramjam  # noqa: PLC0415

    if name == "lz4":
        return lambda body: bytes(cramjam.lz4.compress(body, _FAST_LZ4))
    if name == "snappy":
        return lambda body: bytes(cramjam.snappy.compress_raw(body))
    return lambda body: bytes(cramjam.snappy.compress(body))
