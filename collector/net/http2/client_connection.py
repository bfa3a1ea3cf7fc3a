"""The client's side of a connection without a socket: requests as bytes, answers as events."""

from collections.abc import Callable, Iterable

from collector.net.http2 import frames
from collector.net.http2.connection import Connection
from collector.net.http2.events import Answered, ClientEvent, GoingAway, Settled, Trailed
from collector.net.http2.frame_reader import opening_of_server
from collector.net.http2.frames import UINT32, ErrorCode, violation
from collector.net.http2.header_blocks import HeaderReader
from collector.net.http2.heads import AnswerHead, malformed
from collector.net.http2.limits import CLIENT_LIMITS, Limits
from collector.net.http2.outbox import Buffer, Stream

# Requests at one time, as long as the server has set no bound.
_MAX_STREAMS = 1000
_FINAL = 200


class ClientConnection(Connection[ClientEvent]):
    """`draining` means that requests have to go by another connection: this one has no more numbers, or goes away."""

    def __init__(self, now: Callable[[], float], limits: Limits = CLIENT_LIMITS) -> None:
        super().__init__(limits, now, opening_of_server)
        self._headers = HeaderReader(limits.header_list_size, AnswerHead.of)
        self._next = 1
        self._max_streams = _MAX_STREAMS
        self._outbox.add(limits.opening())

    @property
    def has_room(self) -> bool:
        """Whether the server takes one more request now."""
        return not self.draining and len(self._streams) < self._max_streams

    def take(self) -> list[Buffer]:
        """Return what is to be sent now, in parts that are to be sent one after the other."""
        return self._outbox.take()

    def request(self, head: bytes, body: Iterable[bytes]) -> int:
        """Send a request as far as there is room for it, and the rest as soon as there is; return its stream.

        There must be room for one. The parts of the body are not copied.
        """
        stream = Stream(self._next, self._limits.stream_window, self._outbox.initial_window)
        self._next += 2
        if self._next > frames.STREAM_MASK:
            self.draining = True
        self._streams[stream.id] = stream
        self._outbox.send(stream, head, body)
        return stream.id

    def retire(self) -> None:
        """Send no more requests by this connection; those that are under way go on."""
        self.draining = True

    def close(self) -> None:
        """End the connection in good order."""
        self.fail(ErrorCode.NO_ERROR, "")

    def _on_sent(self, stream: Stream) -> None:
        """Wait for the answer."""

    def _is_idle(self, stream_id: int) -> bool:
        return stream_id >= self._next

    def _end(self, stream: Stream) -> None:
        """Take in the end of an answer, which is the end of the request, even where that is not all sent."""
        super()._end(stream)
        self._patience.earn()
        unsent = stream.left
        self._remove(stream, expects_more=False)
        if unsent:
            self._outbox.add(frames.rst_stream(stream.id, ErrorCode.CANCEL))

    def _on_block(self, stream_id: int, content: bytes, *, ended: bool) -> None:
        self._check_not_idle(stream_id)
        stream = self._streams.get(stream_id)
        if stream is None:
            # It was under way when the stream ended. What it changes in the table counts.
            self._headers.decode(content)
            self._patience.spend()
            return
        head = self._headers.read(content)
        if stream.began:
            self._on_trailers(stream, head, ended=ended)
        elif head.status is None:
            raise malformed("an answer needs a :status")
        elif head.status < _FINAL:
            self._on_interim(ended=ended)
        else:
            self._on_answer(stream, head, ended=ended)

    def _on_interim(self, *, ended: bool) -> None:
        """Pass over 1xx, after which the answer is still to come."""
        if ended:
            raise malformed("an interim answer cannot be the last")
        self._patience.spend()

    def _on_answer(self, stream: Stream, head: AnswerHead, *, ended: bool) -> None:
        stream.began = True
        stream.body_left = None if ended else head.content_length
        if ended:
            self._end(stream)
        self._events.append(Answered(stream.id, head, ended))

    def _on_trailers(self, stream: Stream, trailers: AnswerHead, *, ended: bool) -> None:
        if trailers.status is not None or not ended:
            raise malformed("trailers have no :status, and end the stream")
        self._end(stream)
        self._events.append(Trailed(stream.id, trailers))

    def _apply(self, settings: dict[int, int]) -> None:
        if settings.get(frames.ENABLE_PUSH):
            raise violation("a server cannot let a client push")
        self._max_streams = settings.get(frames.MAX_CONCURRENT_STREAMS, self._max_streams)
        super()._apply(settings)
        self._events.append(Settled())

    def _on_goaway(self, _flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) < 8:
            raise violation("GOAWAY is of the connection and has eight bytes")
        self._patience.spend()
        self.draining = True
        last = UINT32.unpack_from(payload)[0] & frames.STREAM_MASK
        for stream in [stream for stream in self._streams.values() if stream.id > last]:
            self._remove(stream, expects_more=True)
        self._events.append(GoingAway(last, UINT32.unpack_from(payload, 4)[0], payload[8:].decode("utf-8", "replace")))
