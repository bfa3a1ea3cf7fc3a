"""Sending within what the client has room for: its windows, and its largest frame."""

from collections.abc import Mapping

from collector.net.http2 import frames
from collector.net.http2.frames import DATA, END_STREAM, ConnectionFailure, ErrorCode, StreamFailure


class Stream:
    """One request and its answer.

    `window` is what the client may still send, `body_left` what it has announced by content-length; `ended` says that it
    has sent all. `send_window` is what we may send, `pending` what had no room, and `trailers` the block behind that.
    """

    __slots__ = ("body_left", "ended", "id", "pending", "send_window", "trailers", "window")

    def __init__(self, stream_id: int, window: int, send_window: int, body_left: int | None) -> None:
        self.id = stream_id
        self.window = window
        self.body_left = body_left
        self.ended = False
        self.send_window = send_window
        self.pending = memoryview(b"")
        self.trailers = b""


class Outbox:
    """Gathers what is to be written, in order, until somebody takes it.

    `waiting` are the streams with room of their own that wait for the connection's. Each step of sending either
    finishes a stream or uses up a window, so that a client cannot make one update cost a walk over many streams.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._window = frames.DEFAULT_WINDOW
        self._frame_size = frames.DEFAULT_FRAME_SIZE
        self._waiting: dict[int, Stream] = {}
        self.initial_window = frames.DEFAULT_WINDOW

    def add(self, written: bytes) -> None:
        """Add whole frames."""
        self._parts.append(written)

    def take(self) -> bytes:
        """Return all that was added since the last time."""
        parts = self._parts
        if not parts:
            return b""
        self._parts = []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def answer(self, stream: Stream, head: bytes, body: bytes, trailers: bytes) -> bool:
        """Send a header block, a body and a block of trailers; return whether nothing has to wait for room.

        Body and trailers may both be empty.
        """
        if not body and not trailers:
            self._parts.append(frames.header_frames(stream.id, head, END_STREAM))
            return True
        self._parts.append(frames.header_frames(stream.id, head))
        stream.pending, stream.trailers = memoryview(body), trailers
        return self.resume(stream)

    def resume(self, stream: Stream) -> bool:
        """Send what waits, as far as there is room; return whether that was all."""
        pending, room = stream.pending, min(stream.send_window, self._window)
        size = max(0, min(len(pending), room))
        self._window -= size
        stream.send_window -= size
        last = 0 if stream.trailers else END_STREAM
        for start in range(0, size, self._frame_size):
            part = pending[start : min(start + self._frame_size, size)]
            flags = last if start + len(part) == len(pending) else 0
            self._parts.append(frames.frame(DATA, flags, stream.id, bytes(part)))
        stream.pending = pending[size:]
        if stream.pending:
            if stream.send_window > 0:
                self._waiting[stream.id] = stream
            return False
        if stream.trailers:
            self._parts.append(frames.header_frames(stream.id, stream.trailers, END_STREAM))
        return True

    def forget(self, stream: Stream) -> None:
        """Send no more of a stream."""
        stream.pending = memoryview(b"")
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
        return bool(stream.pending) and stream.id not in self._waiting and self.resume(stream)

    def apply(self, settings: Mapping[int, int], streams: Mapping[int, Stream]) -> list[Stream]:
        """Take the client's settings and acknowledge them; return the streams that are finished by them.

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
