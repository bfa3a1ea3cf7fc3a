"""The protocol of one connection, the server's side, without a socket: bytes in, events and bytes out.

    events = connection.receive(data)
    socket.write(connection.take())

It speaks HTTP/2 (RFC 9113) for requests that are answered as a whole. It never pushes, and ignores priorities.
"""

from collections.abc import Callable
from typing import Generic

from collector.net.http2 import frames
from collector.net.http2.events import Body, Broken, Event, Failed, H, Opened, Pinged, Reset
from collector.net.http2.frame_reader import FrameReader
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
from collector.net.http2.header_blocks import Fields, HeaderBlock, HeaderReader
from collector.net.http2.heads import check_trailers, malformed
from collector.net.http2.limits import Limits
from collector.net.http2.outbox import Outbox, Stream
from collector.net.http2.patience import Patience

# DATA frames that are smaller, and not the last, bring next to nothing.
_TINY = 16
_MAX_SETTINGS_SIZE = 1024
# Of so many streams the connection remembers how they ended.
_MAX_REMEMBERED = 256


class Connection(Generic[H]):
    """`read_head` makes of the fields of a request what `Opened` hands on; fields that repeat are read once.

    Nothing that a client sends raises here: a broken rule ends a stream or the connection, and an event says so.
    `draining` means that no new requests are taken, `failed` that nothing is.
    """

    def __init__(self, limits: Limits, now: Callable[[], float], read_head: Callable[[Fields], H]) -> None:
        self.draining = False
        self.failed = False
        self._limits = limits
        self._now = now
        self._patience = Patience(now)
        self._reader = FrameReader(limits.frame_size, now)
        self._headers = HeaderReader(limits.header_list_size, read_head)
        self._outbox = Outbox()
        self._window = limits.connection_window
        self._streams: dict[int, Stream] = {}
        # Streams whose answer waits for room, and since when.
        self._unsent: dict[int, float] = {}
        self._last = 0
        # Streams that have ended; True where the client may not have known so, and frames are still under way.
        self._closed: dict[int, bool] = {}
        self._events: list[Event[H]] = []
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
        self._outbox.add(limits.greeting())

    @property
    def waiting_since(self) -> float | None:
        """Since when a frame or a header block has been waiting for the rest of it; None where nothing has."""
        return self._reader.waiting_since if self._block is None else self._block.since

    @property
    def open_streams(self) -> int:
        """How many requests have no complete answer."""
        return len(self._streams)

    def receive(self, data: bytes) -> list[Event[H]]:
        """Take in what has come; return what it means."""
        events: list[Event[H]] = []
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
                    self._break(stream_id, failure.code)
        except ConnectionFailure as failure:
            self.fail(failure.code, str(failure))
            events.append(Failed(failure.code, str(failure)))
        return events

    def take(self) -> bytes:
        """Return what is to be sent now."""
        # Whoever does not speak HTTP/2 is spared ours.
        return self._outbox.take() if self._reader.greeted or self.failed else b""

    def answer(self, stream_id: int, head: bytes, body: bytes = b"", trailers: bytes = b"") -> None:
        """Answer a request by header blocks around a body, whether or not all of the request has come."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if self._outbox.answer(stream, head, body, trailers):
            self._finish(stream)
        else:
            self._unsent[stream_id] = self._now()

    def reset(self, stream_id: int, code: ErrorCode) -> None:
        """End a request without an answer."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._remove(stream, expects_more=True)
            self._outbox.add(frames.rst_stream(stream_id, code))

    def give_up_answers(self, before: float) -> int:
        """Reset the requests whose answers the client has not taken whole since that time; return how many."""
        late = [stream_id for stream_id, since in self._unsent.items() if since <= before]
        for stream_id in late:
            self.reset(stream_id, ErrorCode.CANCEL)
        return len(late)

    def ping(self) -> None:
        """Ask the client whether it is there."""
        self._outbox.add(frames.frame(frames.PING, 0, 0, bytes(8)))

    def drain(self, reason: str) -> None:
        """Take no more requests; those that are under way go on."""
        if not self.draining:
            self.draining = True
            self._outbox.add(frames.goaway(self._last, ErrorCode.NO_ERROR, reason))

    def fail(self, code: ErrorCode, reason: str) -> None:
        """Take nothing more and answer nothing more."""
        if not self.failed:
            self.draining = self.failed = True
            self._streams.clear()
            self._outbox.add(frames.goaway(self._last, code, reason))

    # Streams

    def _finish(self, stream: Stream) -> None:
        """End a request that is answered."""
        self._patience.earn()
        self._remove(stream, expects_more=not stream.ended)
        if not stream.ended:
            # RFC 9113 section 8.1: the answer is complete, so the rest of the request need not come.
            self._outbox.add(frames.rst_stream(stream.id, ErrorCode.NO_ERROR))

    def _remove(self, stream: Stream, *, expects_more: bool) -> None:
        del self._streams[stream.id]
        self._unsent.pop(stream.id, None)
        self._outbox.forget(stream)
        self._remember(stream.id, expects_more=expects_more)

    def _remember(self, stream_id: int, *, expects_more: bool) -> None:
        closed = self._closed
        closed[stream_id] = expects_more
        if len(closed) > _MAX_REMEMBERED:
            del closed[next(iter(closed))]

    def _break(self, stream_id: int, code: ErrorCode) -> None:
        """End a stream on which the client has broken a rule."""
        self._patience.spend()
        self._outbox.add(frames.rst_stream(stream_id, code))
        stream = self._streams.get(stream_id)
        if stream is None:
            self._remember(stream_id, expects_more=True)
        else:
            self._remove(stream, expects_more=True)
        self._events.append(Broken(stream_id, code))

    def _end(self, stream: Stream) -> None:
        """Take in the end of a request."""
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

    def _on_block(self, stream_id: int, content: bytes, *, ended: bool) -> None:
        if stream_id <= self._last:
            self._on_trailers(stream_id, self._headers.decode(content), ended=ended)
            return
        self._last = stream_id
        if self.draining:
            self._headers.decode(content)  # for what it changes in the table
            self._remember(stream_id, expects_more=True)
            return
        head = self._headers.read(content)
        if len(self._streams) >= self._limits.streams:
            raise StreamFailure(ErrorCode.REFUSED_STREAM, "too many requests at one time")
        if ended and head.content_length:
            raise malformed("the body is missing that content-length says")
        stream = Stream(stream_id, self._limits.stream_window, self._outbox.initial_window, head.content_length)
        stream.ended = ended
        self._streams[stream_id] = stream
        self._events.append(Opened(stream_id, head, ended))

    def _on_trailers(self, stream_id: int, fields: Fields, *, ended: bool) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            if stream_id not in self._closed:
                raise violation("a stream's number is lower than one before")
            if not self._closed[stream_id]:
                raise violation("HEADERS came for a stream that has ended", ErrorCode.STREAM_CLOSED)
            return
        if stream.ended:
            raise StreamFailure(ErrorCode.STREAM_CLOSED, "HEADERS came after the end")
        if not ended:
            raise malformed("trailers must end the stream")
        check_trailers(fields)
        self._end(stream)
        self._events.append(Body(stream_id, b"", ended=True))

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
            self._events.append(Reset(stream_id))

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
        for stream in self._outbox.apply(dict(SETTING.iter_unpack(payload)), self._streams):
            self._finish(stream)

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise violation("PING is of the connection")
        _check_size(payload, 8)
        answer = bool(flags & ACK)
        if not answer:
            self._patience.spend()
            self._outbox.add(frames.frame(frames.PING, ACK, 0, payload))
        self._events.append(Pinged(answer))

    def _on_goaway(self, _flags: int, stream_id: int, payload: bytes) -> None:
        """Let the client close the connection: what it has asked for it still wants."""
        if stream_id or len(payload) < 8:
            raise violation("GOAWAY is of the connection and has eight bytes")
        self._patience.spend()

    def _on_window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        _check_size(payload, 4)
        increment = UINT32.unpack(payload)[0] & frames.STREAM_MASK
        if not stream_id:
            if not increment:
                raise violation("a window cannot grow by nothing")
            for stream in self._outbox.widen(increment):
                self._finish(stream)
            return
        self._check_not_idle(stream_id)
        if not increment:
            raise StreamFailure(ErrorCode.PROTOCOL_ERROR, "a window cannot grow by nothing")
        own = self._streams.get(stream_id)
        if own is not None and self._outbox.widen_stream(own, increment):
            self._finish(own)

    def _on_push_promise(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        raise violation("a client cannot push")

    def _on_unknown(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        # RFC 9113 section 5.5: frames of a kind that nobody knows are ignored.
        self._patience.spend()

    def _check_not_idle(self, stream_id: int) -> None:
        if stream_id > self._last or not stream_id % 2:
            raise violation("the stream was never opened")


def _check_size(payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise violation(f"the frame has {len(payload)} bytes, not {size}", ErrorCode.FRAME_SIZE_ERROR)


def _check_priority(stream_id: int, payload: bytes) -> None:
    if UINT32.unpack_from(payload)[0] & frames.STREAM_MASK == stream_id:
        raise malformed("a stream cannot depend on itself")
