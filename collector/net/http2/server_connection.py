"""The server's side of a connection without a socket: requests as events, answers as bytes."""

from collections.abc import Callable
from typing import Generic

from collector.net.http2 import frames
from collector.net.http2.connection import Connection
from collector.net.http2.events import Body, H, Opened, ServerEvent
from collector.net.http2.frame_reader import opening_of_client
from collector.net.http2.frames import ACK, STREAM_MASK, ErrorCode, StreamFailure, violation
from collector.net.http2.header_blocks import Fields, HeaderReader
from collector.net.http2.heads import check_trailers, malformed
from collector.net.http2.limits import Limits
from collector.net.http2.outbox import Stream

# The payload of the ping that goes behind a farewell, which no other ping has.
_FAREWELL = b"farewell"
# Requests at one time that are borne from a client that may not have read yet how many it may send.
_UNTOLD_STREAMS = 100


class ServerConnection(Connection[ServerEvent[H]], Generic[H]):
    """`read_head` makes of the fields of a request what `Opened` hands on; fields that repeat are read once.

    A connection ends in two steps (RFC 9113 section 6.8), so that no request is lost that crosses the farewell on its
    way: `leave` asks the client for no more, `drain` takes no more. The one leads to the other once the client shows
    that it has read the farewell; where it does not, whoever looks at `leaving_since` is to `drain`.
    """

    def __init__(self, limits: Limits, now: Callable[[], float], read_head: Callable[[Fields], H]) -> None:
        super().__init__(limits, now, opening_of_client)
        self._headers = HeaderReader(limits.header_list_size, read_head)
        # Streams whose answer waits for room, and since when.
        self._unsent: dict[int, float] = {}
        # When the client was asked for no more requests, of which some may still come.
        self.leaving_since: float | None = None
        # RFC 9113 section 6.5.3: the client goes by our settings once it has acknowledged them.
        self.max_streams = max(limits.streams, _UNTOLD_STREAMS)
        self._reason = ""
        self._outbox.add(limits.greeting())

    def take(self) -> bytes:
        """Return what is to be sent now."""
        # Whoever does not speak HTTP/2 is spared ours.
        return b"".join(self._outbox.take()) if self._reader.greeted or self.failed else b""

    def answer(self, stream_id: int, head: bytes, body: bytes = b"", trailers: bytes = b"") -> None:
        """Answer a request by header blocks around a body, whether or not all of the request has come."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if self._outbox.send(stream, head, (body,), trailers):
            self._on_sent(stream)
        else:
            self._unsent[stream_id] = self._now()

    def give_up_answers(self, before: float) -> int:
        """Reset the requests whose answers the client has not taken whole since that time; return how many."""
        late = [stream_id for stream_id, since in self._unsent.items() if since <= before]
        for stream_id in late:
            self.reset(stream_id, ErrorCode.CANCEL)
        return len(late)

    def leave(self, reason: str) -> None:
        """Ask for no more requests, and take those that come all the same until the client has read that."""
        if self.leaving_since is None and not self.draining:
            self.leaving_since, self._reason = self._now(), reason
            self._outbox.add(frames.goaway(STREAM_MASK, ErrorCode.NO_ERROR, reason))
            self.ping(_FAREWELL)

    def drain(self) -> None:
        """Take no more requests; those that are under way go on."""
        if not self.draining:
            self.draining = True
            self._outbox.add(frames.goaway(self._last, ErrorCode.NO_ERROR, self._reason))

    def _on_sent(self, stream: Stream) -> None:
        """End a request that is answered."""
        self._patience.earn()
        self._remove(stream, expects_more=not stream.ended)
        if not stream.ended:
            # RFC 9113 section 8.1: the answer is complete, so the rest of the request need not come.
            self._outbox.add(frames.rst_stream(stream.id, ErrorCode.NO_ERROR))

    def _remove(self, stream: Stream, *, expects_more: bool) -> None:
        self._unsent.pop(stream.id, None)
        super()._remove(stream, expects_more=expects_more)

    def _is_idle(self, stream_id: int) -> bool:
        return stream_id > self._last

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
        if len(self._streams) >= self.max_streams:
            raise StreamFailure(ErrorCode.REFUSED_STREAM, "too many requests at one time")
        if ended and head.content_length:
            raise malformed("the body is missing that content-length says")
        stream = Stream(stream_id, self._limits.stream_window, self._outbox.initial_window)
        stream.began, stream.ended, stream.body_left = True, ended, head.content_length
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

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        super()._on_settings(flags, stream_id, payload)
        if flags & ACK:
            self.max_streams = self._limits.streams

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        super()._on_ping(flags, stream_id, payload)
        if flags & ACK and payload == _FAREWELL and self.leaving_since is not None:
            self.drain()

    def _on_goaway(self, _flags: int, stream_id: int, payload: bytes) -> None:
        """Let the client close the connection: what it has asked for it still wants."""
        if stream_id or len(payload) < 8:
            raise violation("GOAWAY is of the connection and has eight bytes")
        self._patience.spend()
