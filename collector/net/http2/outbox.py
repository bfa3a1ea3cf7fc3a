"""Sending within what the peer has room for: its windows, and its largest frame."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from collector.net.http2 import frames
from collector.net.http2.frames import DATA, END_STREAM, ConnectionFailure, ErrorCode, StreamFailure

Buffer: TypeAlias = bytes | memoryview

# HPACK's order to make the table as small as can be (RFC 7541 section 6.3).
_NO_TABLE = b"\x20"


class Stream:
    """One request and its answer.

    Of what comes: `window` is what the peer may still send, `body_left` what it has announced by content-length; `began`
    says that its header block has come, `ended` that all has. Of what goes: `send_window` is what we may send, `pending`
    what had no room, as the buffers that it lies in, `left` the size of that, and `trailers` the block behind it.
    """

    __slots__ = ("began", "body_left", "ended", "id", "left", "pending", "send_window", "trailers", "window")

    def __init__(self, stream_id: int, window: int, send_window: int) -> None:
        self.id = stream_id
        self.window = window
        self.body_left: int | None = None
        self.began = self.ended = False
        self.send_window = send_window
        self.pending: list[memoryview] = []
        self.left = 0
        self.trailers = b""

    def move(self, size: int, parts: list[Buffer]) -> None:
        """Move so many of the pending bytes to the end of a list, without copying them."""
        pending = self.pending
        self.left -= size
        while size:
            first = pending[0]
            if len(first) > size:
                parts.append(first[:size])
                pending[0] = first[size:]
                return
            parts.append(first)
            size -= len(first)
            del pending[0]


class Outbox:
    """Gathers what is to be written, in order, until somebody takes it.

    `waiting` are the streams with room of their own that wait for the connection's. Each step of sending either
    finishes a stream or uses up a window, so that a peer cannot make one update cost a walk over many streams.

    Header blocks are to be written without the dynamic table, so that a peer may make that as small as it likes.
    """

    def __init__(self) -> None:
        self._parts: list[Buffer] = []
        self._window = frames.DEFAULT_WINDOW
        self._frame_size = frames.DEFAULT_FRAME_SIZE
        self._waiting: dict[int, Stream] = {}
        self._table_size = frames.DEFAULT_TABLE_SIZE
        self._before_block = b""
        self.initial_window = frames.DEFAULT_WINDOW

    def add(self, written: bytes) -> None:
        """Add whole frames."""
        self._parts.append(written)

    def take(self) -> list[Buffer]:
        """Return all that was added since the last time."""
        parts, self._parts = self._parts, []
        return parts

    def send(self, stream: Stream, head: bytes, body: Iterable[bytes], trailers: bytes = b"") -> bool:
        """Send a header block, a body and a block of trailers; return whether nothing has to wait for room.

        Body and trailers may both be empty. The body's parts must not change any more: they are not copied.
        """
        head, self._before_block = self._before_block + head, b""
        parts = [part for part in body if part]
        size = sum(map(len, parts))
        ends = not (size or trailers)
        self._parts.append(frames.header_frames(stream.id, head, END_STREAM if ends else 0))
        if size > min(stream.send_window, self._window, self._frame_size):
            stream.pending, stream.left, stream.trailers = [memoryview(part) for part in parts], size, trailers
            return self.resume(stream)
        # As nearly always with answers, it fits into one frame.
        if size:
            self._window -= size
            stream.send_window -= size
            self._parts += (frames.frame_header(DATA, 0 if trailers else END_STREAM, stream.id, size), *parts)
        if trailers:
            self._parts.append(frames.header_frames(stream.id, trailers, END_STREAM))
        return True

    def resume(self, stream: Stream) -> bool:
        """Send what waits, as far as there is room; return whether that was all."""
        size = max(0, min(stream.left, stream.send_window, self._window))
        self._window -= size
        stream.send_window -= size
        while size:
            length = min(size, self._frame_size)
            size -= length
            ends = length == stream.left and not stream.trailers
            self._parts.append(frames.frame_header(DATA, END_STREAM if ends else 0, stream.id, length))
            stream.move(length, self._parts)
        if stream.left:
            if stream.send_window > 0:
                self._waiting[stream.id] = stream
            return False
        if stream.trailers:
            self._parts.append(frames.header_frames(stream.id, stream.trailers, END_STREAM))
        return True

    def forget(self, stream: Stream) -> None:
        """Send no more of a stream."""
        stream.pending, stream.left = [], 0
        self._waiting.pop(stream.id, None)

    def widen(self, increment: int) -> list[Stream]:
        """Take the connection's WINDOW_UPDATE; return the streams that are finished by it.

        Raises:
            ConnectionFailure: the window is too large.

        """
        self._window += increment
        if self._window > frames.MAX_WINDOW:
            raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
        finished = []
        while self._waiting and self._window > 0:
            stream = self._waiting.pop(next(iter(self._waiting)))
            if self.resume(stream):
                finished.append(stream)
        return finished

    def widen_stream(self, stream: Stream, increment: int) -> bool:
        """Take a stream's WINDOW_UPDATE; return whether the stream is finished by it.

        Raises:
            StreamFailure: the window is too large.

        """
        stream.send_window += increment
        if stream.send_window > frames.MAX_WINDOW:
            raise StreamFailure(ErrorCode.FLOW_CONTROL_ERROR, "the stream's window is too large")
        return bool(stream.left) and stream.id not in self._waiting and self.resume(stream)

    def apply(self, settings: Mapping[int, int], streams: Mapping[int, Stream]) -> list[Stream]:
        """Take the peer's settings and acknowledge them; return the streams that are finished by them.

        Raises:
            ConnectionFailure: a value is out of its bounds.

        """
        if settings.get(frames.ENABLE_PUSH, 0) > 1:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")
        frame_size = settings.get(frames.MAX_FRAME_SIZE, self._frame_size)
        if not frames.DEFAULT_FRAME_SIZE <= frame_size <= frames.LARGEST_FRAME_SIZE:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of bounds")
        self._frame_size = frame_size
        initial = settings.get(frames.INITIAL_WINDOW_SIZE, self.initial_window)
        if initial > frames.MAX_WINDOW:
            raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
        if settings.get(frames.HEADER_TABLE_SIZE, self._table_size) < self._table_size:
            # RFC 9113 section 4.3.1: the next block has to say that it goes by that. Once, for 0 is never too much.
            self._table_size, self._before_block = 0, _NO_TABLE
        # Before what they make room for: clients read up to this frame and take what follows as the new size's effect.
        self.add(frames.SETTINGS_ACK)
        grown, self.initial_window = initial - self.initial_window, initial
        return [stream for stream in streams.values() if grown and self._shift(stream, grown)]

    def _shift(self, stream: Stream, grown: int) -> bool:
        """Move a stream's window, which may become negative (RFC 9113 section 6.9.2)."""
        try:
            return self.widen_stream(stream, grown)
        except StreamFailure as error:
            raise ConnectionFailure(error.code, str(error)) from error
