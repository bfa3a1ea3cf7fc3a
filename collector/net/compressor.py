"""Compressing the bodies of HTTP requests."""

import sys
import zlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from collector.api import ComponentConfig, option

_ABSENT = ("snappy", "x-snappy-framed", "lz4")
_ZLIB = ("gzip", "deflate", "zlib")
_HUFFMAN_ONLY = -2


def _refuse_absent(value: Any) -> Any:
    if value in _ABSENT:
        raise ValueError(f'compression "{value}" is not available: use gzip, zstd, zlib, deflate or none')
    return value


Compression = Annotated[Literal["gzip", "deflate", "zlib", "zstd", "none", ""], BeforeValidator(_refuse_absent)]


class CompressionParams(ComponentConfig):
    """How hard to compress."""

    level: int = option(0, "gzip, deflate and zlib: 1 to 9, 0 and -1 for the default; zstd: 1 to 22, 0 for its own.")


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


def compressor(name: Compression, level: int) -> Callable[[bytes], bytes] | None:
    """Return what compresses a body, or None where it is sent as it is; `deflate` is zlib's format, as in RFC 9110."""
    if name in ("", "none"):
        return None
    if name == "zstd":
        return _zstd(level)
    window = zlib.MAX_WBITS | (16 if name == "gzip" else 0)
    strategy = zlib.Z_HUFFMAN_ONLY if level == _HUFFMAN_ONLY else zlib.Z_DEFAULT_STRATEGY

    def compress(body: bytes) -> bytes:
        stream = zlib.compressobj(max(level, 0) or -1, zlib.DEFLATED, window, zlib.DEF_MEM_LEVEL, strategy)
        return stream.compress(body) + stream.flush()

    return compress


def _zstd(level: int) -> Callable[[bytes], bytes]:
    # Imported where it is asked for: the module is not small.
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415
    _, highest = zstd.CompressionParameter.compression_level.bounds()
    return lambda body: zstd.compress(body, min(level, highest) or None)
