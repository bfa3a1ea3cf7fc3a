"""Cuts the bytes of a connection into its beginning and frames."""

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

# Says how many bytes a connection begins with in front of its first frame; None where too few have come to tell.
Opening: TypeAlias = Callable[[bytes], int | None]

_MAX_REQUEST_LINE = 8192
_REQUEST_LINE_SO_FAR = re.compile(rb"[A-Z]+( [^\r\n]*)?\r?")
_HTTP_1 = b"HTTP/1."
# The record of TLS that has an alert, and the first byte of its version.
_TLS_ALERT = b"\x15\x03"


class FrameReader:
    """Takes bytes however they are cut, and keeps only the start of a frame that has not come whole.

    A DATA frame is handed on as its bytes come, as several DATA frames: that says the same and needs no memory.
    Padded ones are not, for the padding is at their end.
    """

    def __init__(self, max_size: int, now: Callable[[], float], opening: Opening) -> None:
        self._max_size = max_size
        self._opening = opening
        self._now = now
        self.greeted = False
        self._buffer = b""
        # What is left of a DATA frame: how much, its flags and its stream.
        self._left = 0
        self._flags = 0
        self._stream_id = 0
        # Since when a frame or the beginning has been waiting for the rest of it; None where nothing has.
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
        skipped = self._opening(data)
        if skipped is None:
            self._buffer = data
            return ()
        self.greeted = True
        return self._frames(data[skipped:])

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


def opening_of_client(data: bytes) -> int | None:
    """Return the size of a client's preface, once it has come with the header of its SETTINGS.

    Raises:
        ConnectionFailure: it will not come; HTTP_1_1_REQUIRED where this is HTTP/1.

    """
    if not PREFACE.startswith(data[: len(PREFACE)]):
        _check_request_line(data)
        return None
    if len(data) < len(PREFACE) + HEADER_SIZE:
        return None
    if data[len(PREFACE) + 3] != SETTINGS:
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "the first frame must be SETTINGS")
    return len(PREFACE)


def opening_of_server(data: bytes) -> int | None:
    """Return 0 once the header of a server's SETTINGS has come, with which it begins.

    Raises:
        ConnectionFailure: it will not come; HTTP_1_1_REQUIRED where this is HTTP/1.

    """
    if data.startswith(_HTTP_1):
        line = data.partition(b"\r")[0][:100].decode("latin-1")
        raise ConnectionFailure(ErrorCode.HTTP_1_1_REQUIRED, f"an http1.x server: it answered {line!r}")
    if data.startswith(_TLS_ALERT):
        raise ConnectionFailure(
            ErrorCode.PROTOCOL_ERROR, "it answered in TLS: does it expect TLS? Set tls.insecure: false"
        )
    if len(data) < HEADER_SIZE:
        return None
    if data[3] != SETTINGS:
        raise ConnectionFailure(
            ErrorCode.PROTOCOL_ERROR, "it does not speak HTTP/2: is this the port of a gRPC server?"
        )
    return 0


def _check_request_line(data: bytes) -> None:
    """Raise for what is not HTTP/2, told apart from HTTP/1, of which the first line may not have come whole."""
    line, newline, _ = data.partition(b"\n")
    if newline and b" HTTP/1." in line:
        raise ConnectionFailure(ErrorCode.HTTP_1_1_REQUIRED, "this is HTTP/1")
    if newline or len(line) > _MAX_REQUEST_LINE or not _REQUEST_LINE_SO_FAR.fullmatch(line):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2")
