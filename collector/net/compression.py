"""Inflating what strangers send: never beyond a limit."""

import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Literal, Protocol, get_args

from collector.api import PermanentError, StatusCode

Encoding = Literal["", "gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

# What can be inflated in steps, as it comes. The other encodings are inflated when all has come.
_IN_STEPS = frozenset({"gzip", "deflate", "zlib", "zstd"})
# Concatenated streams are legal, but each costs time however little it holds.
_MAX_STREAMS = 100
# RFC 9659: what a decoder of zstd as a content coding has to bear, 8 MiB.
_ZSTD_WINDOW_LOG = 23


class _Stream(Protocol):
    """One stream of compressed bytes, as zlib and zstd both have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# The libraries are imported at their first use: few senders have them all.


@cache
def _opener(encoding: Encoding) -> Callable[[], _Stream]:
    """Return what begins a stream of an encoding that is inflated in steps."""
    if encoding == "zstd":
        from collector.data.zstandard import zstd  # noqa: PLC0415

        return partial(zstd.ZstdDecompressor, options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})
    from collector.net.deflate import thorough  # noqa: PLC0415

    # HTTP calls the zlib format deflate, and everybody means that.
    return partial(thorough.decompressobj, zlib.MAX_WBITS + 16 if encoding == "gzip" else zlib.MAX_WBITS)


@cache
def _inflate_whole(encoding: Encoding) -> Callable[[bytes, int], bytes]:
    """Return what inflates a body of another encoding, to a limit."""
    from collector.net import snappy_lz4  # noqa: PLC0415

    if encoding == "lz4":
        return snappy_lz4.inflate_lz4
    return snappy_lz4.inflate_snappy if encoding == "snappy" else snappy_lz4.inflate_framed_snappy


class Inflater:
    """Takes a body in chunks and holds it, `limit` bytes at most; both sides of the compression count.

    `size` is what it holds: the body inflated, but for snappy and lz4, which only `finish` inflates.

    Its errors are `PermanentError`: RESOURCE_EXHAUSTED beyond the limit, INVALID_ARGUMENT for broken input.
    """

    def __init__(self, encoding: Encoding, limit: int) -> None:
        self._encoding = encoding
        self._limit = limit
        self._parts: list[bytes] = []
        self._taken = 0
        self._streams = 0
        self._stream: _Stream | None = None
        self.size = 0

    def expect(self, length: int) -> None:
        """Refuse at once what is announced to be too large."""
        if length > self._limit:
            raise self._too_large()

    def feed(self, chunk: bytes) -> int:
        """Take a chunk; return by how many bytes `size` has grown."""
        self._taken += len(chunk)
        self.expect(self._taken)
        before = self.size
        if self._encoding in _IN_STEPS:
            self._inflate(chunk)
        else:
            self._add(chunk)
        return self.size - before

    def finish(self) -> bytes:
        """Return the body, of which nothing may be missing."""
        if self._encoding in _IN_STEPS and self._taken and not (self._stream and self._stream.eof):
            raise self._malformed("it ends too early")
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if not body or not self._encoding or self._encoding in _IN_STEPS:
            return body
        self._parts.clear()
        try:
            return _inflate_whole(self._encoding)(body, self._limit)
        except OverflowError:
            raise self._too_large() from None
        except Exception as error:  # the libraries have no common error
            raise self._malformed(str(error)) from error

    def _inflate(self, data: bytes) -> None:
        while data:
            if self._stream is None or self._stream.eof:
                self._stream = self._next_stream()
            try:
                # One byte beyond the limit at most, so all that fits comes out at once.
                output = self._stream.decompress(data, self._limit - self.size + 1)
            except Exception as error:  # the libraries have no common error
                raise self._malformed(str(error)) from error
            self._add(output)
            data = self._stream.unused_data

    def _next_stream(self) -> _Stream:
        self._streams += 1
        if self._streams > _MAX_STREAMS:
            raise self._malformed(f"it has more than {_MAX_STREAMS} streams")
        return _opener(self._encoding)()

    def _add(self, output: bytes) -> None:
        if output:
            self._parts.append(output)
            self.size += len(output)
            self.expect(self.size)

    def _too_large(self) -> PermanentError:
        return PermanentError(
            f"the request is larger than the limit of {self._limit} bytes: send fewer items at once",
            reason="too_large",
            code=StatusCode.RESOURCE_EXHAUSTED,
        )

    def _malformed(self, detail: str) -> PermanentError:
        return PermanentError(
            f"the request is not valid {self._encoding}: {detail}",
            reason="malformed",
            code=StatusCode.INVALID_ARGUMENT,
        )


def inflate(encoding: Encoding, data: bytes, limit: int) -> bytes:
    """Return a whole body inflated, raising as `Inflater` does."""
    inflater = Inflater(encoding, limit)
    inflater.feed(data)
    return inflater.finish()
