"""Files of batches, as the OpenTelemetry Collector's file exporter writes them.

- `json` without compression: each batch is a line of OTLP/JSON.
- Everything else: each batch is a record of four bytes, its length in big-endian order, and so many bytes: an OTLP
  request or OTLP/JSON, each compressed by itself where the file is compressed with zstd.

A record does not tell its signal. OTLP/JSON shows it; for OTLP requests whoever reads must know.
"""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from collector.data import otlp_json
from collector.data.batch import Batch
from collector.data.messages import REQUESTS, DecodeError
from collector.data.signal import Signal

Format = Literal["json", "proto"]

_LENGTH = struct.Struct(">I")
_SIGNAL_KEY = re.compile(rb'\s*\{\s*"resource(Spans|Metrics|Logs)"')
_SIGNALS = {b"Spans": Signal.TRACES, b"Metrics": Signal.METRICS, b"Logs": Signal.LOGS}


@dataclass(frozen=True, slots=True)
class Framing:
    """How batches are written to a file. `level` is that of zstd, for files that are compressed."""

    format: Format = "json"
    compressed: bool = False
    level: int = 3

    @property
    def in_lines(self) -> bool:
        """Whether each batch is a line of text."""
        return self.format == "json" and not self.compressed

    def record(self, signal: Signal, payload: bytes) -> bytes:
        """Return the record of a serialized export request.

        Raises:
            ValueError: the payload is no request of this signal, or too large for a record.

        """
        content = otlp_json.encode(signal, payload) if self.format == "json" else payload
        if self.in_lines:
            return content + b"\n"
        if self.compressed:
            content = _zstd().compress(content, self.level)
        if len(content) > 2**32 - 1:
            raise ValueError(f"a record of {len(content)} bytes is too large for its file format")
        return _LENGTH.pack(len(content)) + content

    def batches(self, file: BinaryIO, signal: Signal | None = None) -> Iterator[Batch]:
        """Yield the batches of a file; what a crash cut off at its end is left out.

        Raises:
            ValueError: a record is damaged, or does not tell its signal and `signal` is not given; the message counts
                records from 1.

        """
        for number, content in enumerate(self._contents(file), 1):
            try:
                batch = self._batch(content, signal)
            except ValueError as error:
                raise ValueError(f"record {number}: {error}") from error
            if batch is not None:
                yield batch

    def ends_whole(self, file: BinaryIO) -> bool:
        """Return whether a file that can seek ends with a whole record, so that more can be added to it."""
        size = file.seek(0, os.SEEK_END)
        if self.in_lines:
            file.seek(max(0, size - 1))
            return size == 0 or file.read(1) == b"\n"
        position = 0
        while position < size:
            file.seek(position)
            header = file.read(_LENGTH.size)
            if len(header) < _LENGTH.size:
                return False
            position += _LENGTH.size + _LENGTH.unpack(header)[0]
        return position == size

    def _contents(self, file: BinaryIO) -> Iterator[bytes]:
        if self.in_lines:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                yield line
            return
        while len(header := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(header)
            content = file.read(length)
            if len(content) < length:
                return
            yield content

    def _batch(self, content: bytes, signal: Signal | None) -> Batch | None:
        if self.compressed:
            content = _decompress(content)
        if self.format == "json":
            return _from_json(content, signal)
        if signal is None:
            raise ValueError("an OTLP request does not tell its signal: say which one it is")
        try:
            REQUESTS[signal].FromString(content)
        except DecodeError as error:
            raise ValueError(f"not an OTLP export request: {error}") from error
        return Batch(signal, content)


def _from_json(text: bytes, signal: Signal | None) -> Batch | None:
    if found := _SIGNAL_KEY.match(text):
        own = _SIGNALS[found[1]]
        return None if signal not in (None, own) else Batch(own, otlp_json.decode(own, text))
    if text.strip() in (b"", b"{}"):
        return None
    raise ValueError("not an OTLP/JSON export request: it does not begin with resourceSpans or one of its siblings")


def _decompress(content: bytes) -> bytes:
    zstd = _zstd()
    try:
        decompressed: bytes = zstd.decompress(content)
    except zstd.ZstdError as error:
        raise ValueError(f"not compressed with zstd: {error}") from error
    return decompressed


def _zstd() -> Any:
    # Where it is needed and not before: few files are compressed.
    from collector.data.zstandard import zstd  # noqa: PLC0415

    return zstd
