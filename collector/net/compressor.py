"""Compressing the bodies of HTTP requests."""

import zlib
from collections.abc import Callable
from typing import Annotated, Literal

from collector.api import Caveat, ComponentConfig, option

# What the Go collector has besides; Python would need more libraries for it.
ABSENT = ("snappy", "x-snappy-framed", "lz4")
_ZLIB = ("gzip", "deflate", "zlib")
_HUFFMAN_ONLY = -2


Compression = Annotated[
    Literal["gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4", "none", ""],
    Caveat({name: f"{name} is not available here: gzip is used instead" for name in ABSENT}.get),
]


class CompressionParams(ComponentConfig):
    """How hard to compress."""

    level: int = option(
        0, "Level of gzip, deflate and zlib: 1 to 9, 0 and -1 for the default; of zstd: 1 to 22, 0 for its own default."
    )


def check_level(name: Compression, level: int) -> None:
    """Check a level against the compression that it is for.

    Raises:
        ValueError: they do not go together.

    """
    if name in _ZLIB:
        if not _HUFFMAN_ONLY <= level <= zlib.Z_BEST_COMPRESSION:
            raise ValueError(f"compression_params: level {level} is not one of {name}: use 1 to 9")
    elif name != "zstd" and level:
        raise ValueError(f'compression_params: compression "{name}" has no level: remove it')


def content_coding(name: Compression) -> str:
    """Return what bodies are compressed with, as in the header Content-Encoding; empty where they are not."""
    if name in ABSENT:
        return "gzip"
    return "" if name == "none" else name


def compressor(name: Compression, level: int) -> Callable[[bytes], bytes] | None:
    """Return what compresses a body, or None where it is sent as it is; `deflate` is zlib's format, as in RFC 9110."""
    coding = content_coding(name)
    if not coding:
        return None
    if coding == "zstd":
        return _zstd(level)
    window = zlib.MAX_WBITS | (16 if coding == "gzip" else 0)
    strategy = zlib.Z_HUFFMAN_ONLY if level == _HUFFMAN_ONLY else zlib.Z_DEFAULT_STRATEGY

    def compress(body: bytes) -> bytes:
        stream = zlib.compressobj(max(level, 0) or -1, zlib.DEFLATED, window, zlib.DEF_MEM_LEVEL, strategy)
        return stream.compress(body) + stream.flush()

    return compress


def _zstd(level: int) -> Callable[[bytes], bytes]:
    # Imported where it is asked for: the module is not small.
    from collector.data.zstandard import zstd  # noqa: PLC0415

    _, highest = zstd.CompressionParameter.compression_level.bounds()
    return lambda body: zstd.compress(body, min(level, highest) or None)
