"""Cuts the bytes of a connection into its preface and frames."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from collector.net.http2.frames import (
    DATA,
    END_STREAM,
    HEADER,
    HEADER_SIZE,
    PADDED,
    PREFACE,
    SETTINGS,
    STREAM_MASK,
    ConnectionFailure,
    ErrorCode,
)

# Type, flags, stream, payload.
Frame: TypeAlias = tuple[int, int, int, bytes]

_MAX_REQUEST_LINE = 8192
_REQUEST_LINE_SO_FAR = re.compile(rb"[A-Z]+( [^\r\n]*)?\r?")


class FrameReader:
    """Takes bytes however they are cut, and keeps only the start of a frame that has not come whole.

    A DATA frame is handed on as its bytes come, as several DATA frames: that says the same and needs no memory.
    Padded ones are not, for the padding is at their end.
    """

    def __init__(self, max_size: int, now: Callable[[], float]) -> None:
        self._max_size = max_size
        self._now = now
        self.greeted = False
        self._buffer = b""
        # What is left of a DATA frame: how much, its flags and its stream.
        self._left = 0
        self._flags = 0
        self._stream_id = 0
        # Since when a frame or the preface has been waiting for the rest of it; None where nothing has.
        self.waiting_since: float | None = now()

    def feed(self, data: bytes) -> Iterable[Frame]:
        """Return the frames that have come, to be taken one by one before anything more is fed.

        Raises:
            ConnectionFailure: here or with the next frame: this is not HTTP/2, or a frame is too large.

        """
        if self._buffer:
            data = self._buffer + data
        if self.greeted:
            return self._frames(data)
        if not _has_preface(data):
            self._buffer = data
            return ()
        self.greeted = True
        return self._frames(data[len(PREFACE) :])

    def _frames(self, data: bytes) -> Iterator[Frame]:
        position, end = 0, len(data)
        while True:
            if self._left:
                stop = position + self._left
                if stop <= end:
                    self._left = 0
                    yield DATA, self._flags, self._stream_id, data[position:stop]
                elif position < end:
                    self._left = stop - end
                    yield DATA, self._flags & ~END_STREAM, self._stream_id, data[position:]
                position = min(stop, end)
            start = position + HEADER_SIZE
            if start > end:
                break
            high, low, kind, flags, stream_id = HEADER.unpack_from(data, position)
            length = high << 8 | low
            if length > self._max_size:
                raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, f"a frame is larger than {self._max_size} bytes")
            if kind == DATA and length and not flags & PADDED:
                self._left, self._flags, self._stream_id = length, flags, stream_id & STREAM_MASK
                position = start
                continue
            if start + length > end:
                break
            position = start + length
            yield kind, flags, stream_id & STREAM_MASK, data[start:position]
        self._keep(data, position)

    def _keep(self, data: bytes, position: int) -> None:
        if position == len(data):
            self.waiting_since = None
        elif position or not self._buffer:
            # Something was complete: this is the start of another.
            self.waiting_since = self._now()
        self._buffer = data[position:]


def _has_preface(data: bytes) -> bool:
    """Return whether the preface has come, with the header of its SETTINGS; raise where it will not."""
    if not PREFACE.startswith(data[: len(PREFACE)]):
        _check_request_line(data)
        return False
    if len(data) < len(PREFACE) + HEADER_SIZE:
        return False
    if data[len(PREFACE) + 3] != SETTINGS:
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "the first frame must be SETTINGS")
    return True


def _check_request_line(data: bytes) -> None:
    """Raise for what is not HTTP/2, told apart from HTTP/1, of which the first line may not have come whole."""
    line, newline, _ = data.partition(b"\n")
    if newline and b" HTTP/1." in line:
        raise ConnectionFailure(ErrorCode.HTTP_1_1_REQUIRED, "this is HTTP/1")
    if newline or len(line) > _MAX_REQUEST_LINE or not _REQUEST_LINE_SO_FAR.fullmatch(line):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2")
