"""The protocol of one connection without a socket, as far as it is the same on both sides: bytes in, events and bytes out.

    events = connection.receive(data)
    socket.write(connection.take())

It speaks HTTP/2 (RFC 9113) for requests and answers that each go out as a whole. It never pushes, and ignores priorities.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from collector.net.http2 import frames
from collector.net.http2.events import Body, Broken, Failed, Pinged, Reset
from collector.net.http2.frame_reader import FrameReader, Opening
from collector.net.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    PADDED,
    SETTING,
    UINT32,
    ConnectionFailure,
    ErrorCode,
    StreamFailure,
    unpadded,
    violation,
)
from collector.net.http2.header_blocks import HeaderBlock
from collector.net.http2.heads import malformed
from collector.net.http2.limits import Limits
from collector.net.http2.outbox import Outbox, Stream
from collector.net.http2.patience import Patience

E = TypeVar("E")

# DATA frames that are smaller, and not the last, bring next to nothing.
_TINY = 16
_MAX_SETTINGS_SIZE = 1024
# Of so many streams the connection remembers how they ended.
_MAX_REMEMBERED = 256


class Connection(ABC, Generic[E]):
    """What a peer sends never raises here: a broken rule ends a stream or the connection, and an event says so.

    `draining` means that no new requests are taken, `failed` that nothing is.
    """

    def __init__(self, limits: Limits, now: Callable[[], float], opening: Opening) -> None:
        self.draining = False
        self.failed = False
        self._limits = limits
        self._now = now
        self._patience = Patience(now)
        self._reader = FrameReader(limits.frame_size, now, opening)
        self._outbox = Outbox()
        self._window = limits.connection_window
        self._streams: dict[int, Stream] = {}
        # The last stream that the peer has opened.
        self._last = 0
        # Streams that have ended; True where the peer may not have known so, and frames are still under way.
        self._closed: dict[int, bool] = {}
        self._events: list[Any] = []
        self._block: HeaderBlock | None = None
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.PRIORITY: self._on_priority,
            frames.RST_STREAM: self._on_rst_stream,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push_promise,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
            CONTINUATION: self._on_continuation,
        }

    @property
    def waiting_since(self) -> float | None:
        """Since when a frame or a header block has been waiting for the rest of it; None where nothing has."""
        return self._reader.waiting_since if self._block is None else self._block.since

    @property
    def open_streams(self) -> int:
        """How many requests have no complete answer."""
        return len(self._streams)

    def receive(self, data: bytes) -> list[E]:
        """Take in what has come; return what it means."""
        events: list[Any] = []
        self._events = events
        if self.failed:
            return events
        try:
            for kind, flags, stream_id, payload in self._reader.feed(data):
                block = self._block
                if block is not None and (kind != CONTINUATION or stream_id != block.stream_id):
                    raise violation("another frame came within a header block")
                try:
                    self._handlers.get(kind, self._on_unknown)(flags, stream_id, payload)
                except StreamFailure as failure:
                    self._break(stream_id, failure)
        except ConnectionFailure as failure:
            self.fail(failure.code, str(failure))
            self._events.append(Failed(failure.code, str(failure)))
        return events

    def reset(self, stream_id: int, code: ErrorCode) -> None:
        """End a request without an answer."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._remove(stream, expects_more=True)
            self._outbox.add(frames.rst_stream(stream_id, code))

    def ping(self, payload: bytes = bytes(8)) -> None:
        """Ask the peer whether it is there; its answer has the same payload, eight bytes."""
        self._outbox.add(frames.frame(frames.PING, 0, 0, payload))

    def fail(self, code: ErrorCode, reason: str) -> None:
        """Take nothing more and say nothing more."""
        if not self.failed:
            self.draining = self.failed = True
            self._streams.clear()
            self._outbox.add(frames.goaway(self._last, code, reason))

    # What the sides do differently

    @abstractmethod
    def _on_block(self, stream_id: int, content: bytes, *, ended: bool) -> None:
        """Take in a whole header block."""

    @abstractmethod
    def _on_sent(self, stream: Stream) -> None:
        """Note that all was sent that had to wait for room."""

    @abstractmethod
    def _is_idle(self, stream_id: int) -> bool:
        """Return whether nobody has opened a stream."""

    @abstractmethod
    def _on_goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Take in that the peer wants to end the connection."""

    # Streams

    def _remove(self, stream: Stream, *, expects_more: bool) -> None:
        del self._streams[stream.id]
        self._outbox.forget(stream)
        self._remember(stream.id, expects_more=expects_more)

    def _remember(self, stream_id: int, *, expects_more: bool) -> None:
        closed = self._closed
        closed[stream_id] = expects_more
        if len(closed) > _MAX_REMEMBERED:
            del closed[next(iter(closed))]

    def _break(self, stream_id: int, failure: StreamFailure) -> None:
        """End a stream on which the peer has broken a rule."""
        self._patience.spend()
        self._outbox.add(frames.rst_stream(stream_id, failure.code))
        stream = self._streams.get(stream_id)
        if stream is None:
            self._remember(stream_id, expects_more=True)
        else:
            self._remove(stream, expects_more=True)
        self._events.append(Broken(stream_id, failure.code, str(failure)))

    def _end(self, stream: Stream) -> None:
        """Take in the end of what the peer sends."""
        stream.ended = True
        if stream.body_left:
            raise malformed("the body is shorter than content-length says")

    # DATA

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._charge(size)
        if size < _TINY and not flags & END_STREAM:
            self._patience.spend()
        if flags & PADDED:
            payload = unpadded(payload)
        stream = self._streams.get(stream_id)
        if stream is None or stream.ended:
            self._on_stray_data(stream_id)
            return
        if not stream.began:
            raise malformed("a body came before its header block")
        stream.window -= size
        if stream.window < 0:
            raise StreamFailure(ErrorCode.FLOW_CONTROL_ERROR, "the body is larger than the stream's window")
        ended = bool(flags & END_STREAM)
        if stream.body_left is not None:
            stream.body_left -= len(payload)
            if stream.body_left < 0:
                raise malformed("the body is longer than content-length says")
        if ended:
            self._end(stream)
        elif stream.window < self._limits.stream_window // 2:
            self._outbox.add(frames.window_update(stream_id, self._limits.stream_window - stream.window))
            stream.window = self._limits.stream_window
        self._events.append(Body(stream_id, payload, ended))

    def _charge(self, size: int) -> None:
        """Take bytes from the connection's window, and open it again in large steps."""
        self._window -= size
        if self._window < self._limits.connection_window // 2:
            if self._window < 0:
                raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "the bodies are larger than the window")
            self._outbox.add(frames.window_update(0, self._limits.connection_window - self._window))
            self._window = self._limits.connection_window

    def _on_stray_data(self, stream_id: int) -> None:
        """Bear with DATA that was under way when its stream ended."""
        self._check_not_idle(stream_id)
        if not self._closed.get(stream_id):
            raise StreamFailure(ErrorCode.STREAM_CLOSED, "the stream has ended")

    # HEADERS and CONTINUATION

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if not stream_id % 2:
            raise violation("a client's streams have odd numbers")
        if flags & PADDED:
            payload = unpadded(payload)
        if flags & frames.PRIORITIZED:
            if len(payload) < 5:
                raise violation("the priority is missing", ErrorCode.FRAME_SIZE_ERROR)
            _check_priority(stream_id, payload)
            payload = payload[5:]
        if flags & END_HEADERS:
            self._on_block(stream_id, payload, ended=bool(flags & END_STREAM))
        else:
            self._block = HeaderBlock(stream_id, bool(flags & END_STREAM), self._now(), payload)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        block = self._block
        if block is None:
            raise violation("CONTINUATION without HEADERS")
        block.add(payload, self._limits.header_list_size)
        if flags & END_HEADERS:
            self._block = None
            self._on_block(stream_id, bytes(block.content), ended=block.ended)

    # The other frames

    def _on_priority(self, _flags: int, stream_id: int, payload: bytes) -> None:
        if not stream_id:
            raise violation("PRIORITY without a stream")
        if len(payload) != 5:
            raise StreamFailure(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has five bytes")
        _check_priority(stream_id, payload)
        self._patience.spend()

    def _on_rst_stream(self, _flags: int, stream_id: int, payload: bytes) -> None:
        _check_size(payload, 4)
        self._check_not_idle(stream_id)
        self._patience.spend()
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._remove(stream, expects_more=False)
            self._events.append(Reset(stream_id, UINT32.unpack(payload)[0]))

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise violation("SETTINGS are of the connection")
        if flags & ACK:
            _check_size(payload, 0)
            return
        if len(payload) % SETTING.size:
            raise violation("SETTINGS have six bytes each", ErrorCode.FRAME_SIZE_ERROR)
        if len(payload) > _MAX_SETTINGS_SIZE:
            raise violation("there are too many SETTINGS", ErrorCode.ENHANCE_YOUR_CALM)
        self._patience.spend()
        self._apply(dict(SETTING.iter_unpack(payload)))

    def _apply(self, settings: dict[int, int]) -> None:
        for stream in self._outbox.apply(settings, self._streams):
            self._on_sent(stream)

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise violation("PING is of the connection")
        _check_size(payload, 8)
        answer = bool(flags & ACK)
        if not answer:
            self._patience.spend()
            self._outbox.add(frames.frame(frames.PING, ACK, 0, payload))
        self._events.append(Pinged(answer))

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        _check_size(payload, 4)
        increment = UINT32.unpack(payload)[0] & frames.STREAM_MASK
        if not stream_id:
            if not increment:
                raise violation("a window cannot grow by nothing")
            for stream in self._outbox.widen(increment):
                self._on_sent(stream)
            return
        self._check_not_idle(stream_id)
        if not increment:
            raise StreamFailure(ErrorCode.PROTOCOL_ERROR, "a window cannot grow by nothing")
        own = self._streams.get(stream_id)
        if own is not None and self._outbox.widen_stream(own, increment):
            self._on_sent(own)

    def _on_push_promise(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        raise violation("nothing can be pushed here")

    def _on_unknown(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        # RFC 9113 section 5.5: frames of a kind that nobody knows are ignored.
        self._patience.spend()

    def _check_not_idle(self, stream_id: int) -> None:
        if not stream_id % 2 or self._is_idle(stream_id):
            raise violation("the stream was never opened")


def _check_size(payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise violation(f"the frame has {len(payload)} bytes, not {size}", ErrorCode.FRAME_SIZE_ERROR)


def _check_priority(stream_id: int, payload: bytes) -> None:
    if UINT32.unpack_from(payload)[0] & frames.STREAM_MASK == stream_id:
        raise malformed("a stream cannot depend on itself")
