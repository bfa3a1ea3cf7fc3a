"""One connection to a server: joins a socket, the protocol on it, and the calls that wait for their answers."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from collector.api import StatusCode
from collector.net.http2.client_connection import ClientConnection
from collector.net.http2.events import (
    Answered,
    Body,
    Broken,
    ClientEvent,
    Failed,
    GoingAway,
    Pinged,
    Reset,
    Settled,
    Trailed,
)
from collector.net.http2.frames import ErrorCode
from collector.net.http2.heads import AnswerHead
from collector.net.http2.keepalive import ClientKeepalive, Due
from collector.net.http2.replies import Reply, failure_of_reset
from collector.net.unary import CallFailure

# Seconds for which a server may be silent while it is asked, once somebody has given up waiting for it.
_SILENCE = 20.0
# Milliseconds after which the system gives up on bytes that nobody takes.
_UNACKNOWLEDGED_MS = 20_000
# Parts that are together smaller are copied into one, which costs less than to send them one by one.
_SMALL = 64 * 1024


class Unprocessed(Exception):  # noqa: N818 - not an error yet: another connection may do it
    """The server has not processed a call, for sure. `reason` is empty where it has not even seen it."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Watcher:
    """Who is told what becomes of a session.

    `changed`: it stands, takes calls now, takes no more, or is lost. `sent_away`: the server ends it, with a code and a
    reason.
    """

    changed: Callable[["ClientSession"], None]
    sent_away: Callable[[int, str], None]


@dataclass(slots=True)
class _Call:
    reply: Reply
    answer: asyncio.Future[bytes]


class ClientSession(asyncio.Protocol):
    """Lives from `connection_made` to `connection_lost`; a channel calls `tick` where there is a keepalive.

    `ready` is done when the server has sent its settings, or fails with the reason why it will not. `answers` counts
    the calls that were answered; `lost` is set at the end, and `why` then says what ended it.
    """

    def __init__(
        self, now: Callable[[], float], watcher: Watcher, keepalive: ClientKeepalive, write_buffer_size: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        # Nobody may wait for it any more.
        self.ready.add_done_callback(_look_at)
        self.lost = asyncio.Event()
        self.answers = 0
        self.why = ""
        self._now = now
        self._watcher = watcher
        self._keepalive = keepalive
        self._write_buffer_size = write_buffer_size
        self._http2 = ClientConnection(now)
        self._calls: dict[int, _Call] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._flush_is_due = self._paused = self._over = False
        # Since when the server has been asked and has said nothing.
        self._silent_since: float | None = None

    @property
    def usable(self) -> bool:
        """Whether new calls may go this way."""
        return self.ready.done() and not self._http2.draining and not self._over

    @property
    def has_room(self) -> bool:
        """Whether a call would be sent at once."""
        return self._http2.has_room and not self._waiting

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # asyncio's signature says less than it gives, and uvloop's transports are of other classes.
        self._transport = transport = cast("asyncio.Transport", transport)
        # To send a part on its own through TLS would make a record of it.
        self._joins = transport.get_extra_info("sslcontext") is not None
        if self._write_buffer_size:
            transport.set_write_buffer_limits(self._write_buffer_size)
        _bound_silence(transport)
        self._watcher.changed(self)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        if self._over:
            return
        self._silent_since = None
        self._keepalive.heard()
        for event in self._http2.receive(data):
            self._react(event)
        self._flush()

    def pause_writing(self) -> None:
        """Keep what is to be sent, where it can still be cancelled."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what runs."""
        self._end(self.why or (str(exc) if exc else "socket closed: the server ended the connection"))
        self.lost.set()
        self._watcher.changed(self)

    # What the channel calls

    async def call(self, head: bytes, body: Iterable[bytes]) -> bytes:
        """Send a request, when the server has room for it, and return the message of its answer.

        Raises:
            CallFailure: the server refused it, or the connection ended before it was answered.
            Unprocessed: it may be sent again by another connection.

        """
        await self._wait_for_room()
        call = _Call(Reply(), self._loop.create_future())
        stream_id = self._http2.request(head, body)
        self._calls[stream_id] = call
        if self._silent_since is None:
            self._silent_since = self._now()
        self._flush_soon()
        self._let_in()
        try:
            return await call.answer
        except asyncio.CancelledError:
            call.answer.add_done_callback(_look_at)
            raise
        finally:
            if self._calls.pop(stream_id, None) is not None:
                self._cancel(stream_id)
            self._let_in()

    def tick(self) -> None:
        """Find out whether the server still lives."""
        due = self._keepalive.due(len(self._calls))
        if due is Due.PING:
            self._http2.ping()
            self._flush()
        elif due is Due.DEAD:
            self._give_up("the server did not answer a ping")

    def retire(self) -> None:
        """Take no new calls, and end when those that run are answered."""
        self._http2.retire()
        self._flush()

    def close(self) -> None:
        """End now, in good order."""
        self._close("the client was closed")

    def abort(self) -> None:
        """End now."""
        self._transport.abort()

    # What the server does

    def _react(self, event: ClientEvent) -> None:
        if isinstance(event, Body):
            self._on_body(event)
        elif isinstance(event, Answered):
            self._on_answered(event)
        elif isinstance(event, Trailed):
            self._finish(event.stream_id, event.trailers)
        elif isinstance(event, Settled):
            if not self.ready.done():
                self.ready.set_result(None)
                self._watcher.changed(self)
            self._let_in()
        elif isinstance(event, Reset):
            refused = event.code == ErrorCode.REFUSED_STREAM
            self._fail(event.stream_id, Unprocessed("refused_stream") if refused else failure_of_reset(event.code))
        elif isinstance(event, Broken):
            self._fail(event.stream_id, CallFailure(StatusCode.INTERNAL, f"a malformed answer: {event.message}"))
        elif isinstance(event, GoingAway):
            self._on_going_away(event)
        elif isinstance(event, Failed):
            self._close(event.message)
        else:
            # What a ping has to say is that something has come.
            assert isinstance(event, Pinged)  # noqa: S101 - tells mypy that all events are there

    def _on_answered(self, event: Answered) -> None:
        call = self._calls.get(event.stream_id)
        if call is not None:
            call.reply.begin(event.head)
            if event.ended:
                self._finish(event.stream_id, None)

    def _on_body(self, event: Body) -> None:
        call = self._calls.get(event.stream_id)
        if call is None:
            return
        try:
            call.reply.feed(event.chunk)
        except CallFailure as failure:
            self._http2.reset(event.stream_id, ErrorCode.CANCEL)
            self._fail(event.stream_id, failure)
            return
        if event.ended:
            self._finish(event.stream_id, None)

    def _on_going_away(self, event: GoingAway) -> None:
        self.why = f"the server goes away: {event.message or _name_of(event.code)}"
        self._watcher.sent_away(event.code, event.message)
        for stream_id in [stream_id for stream_id in self._calls if stream_id > event.last_stream_id]:
            self._fail(stream_id, Unprocessed("goaway"))

    # Calls

    def _finish(self, stream_id: int, trailers: AnswerHead | None) -> None:
        """Hand an answer to who waits for it."""
        self.answers += 1
        call = self._calls.pop(stream_id, None)
        if call is None or call.answer.done():
            return
        try:
            call.answer.set_result(call.reply.finish(trailers))
        except CallFailure as failure:
            call.answer.set_exception(failure)

    def _fail(self, stream_id: int, error: Exception) -> None:
        call = self._calls.pop(stream_id, None)
        if call is not None and not call.answer.done():
            call.answer.set_exception(error)

    def _cancel(self, stream_id: int) -> None:
        """Tell the server that nobody waits for an answer any more; leave it where it may be dead."""
        self._http2.reset(stream_id, ErrorCode.CANCEL)
        if self._silent_since is not None and self._now() >= self._silent_since + _SILENCE:
            self._http2.retire()
        self._flush_soon()

    async def _wait_for_room(self) -> None:
        queued = bool(self._waiting)
        while queued or not self._http2.has_room:
            if not self.usable:
                raise Unprocessed
            turn = self._loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._let_in()
                raise
            queued = False
        if not self.usable:
            raise Unprocessed

    def _let_in(self) -> None:
        """Let the next call in that waits for room, which lets in the next; or all where they have to go elsewhere."""
        while self._waiting and (self._http2.has_room or not self.usable):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                if self.usable:
                    return

    # Writing, and the end

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            # One write for all that is asked in this round of the loop.
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what there is; close where that was the last."""
        self._flush_is_due = False
        if self._over or self._paused:
            return
        parts = self._http2.take()
        if parts:
            if self._joins or sum(map(len, parts)) < _SMALL:
                self._transport.write(b"".join(parts))
            else:
                self._transport.writelines(parts)
        if self._http2.draining:
            self._watcher.changed(self)
            self._let_in()
            if not self._calls:
                self._close(self.why)

    def _close(self, why: str) -> None:
        """Say goodbye and close; at once where the server does not take what it was sent before."""
        if self._over:
            return
        if self._transport.get_write_buffer_size():
            self._give_up(why)
            return
        self._http2.close()
        self._transport.write(b"".join(self._http2.take()))
        self._transport.close()
        self._end(why)

    def _give_up(self, why: str) -> None:
        self._transport.abort()
        self._end(why)

    def _end(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        self.why = why
        failure = CallFailure(StatusCode.UNAVAILABLE, why)
        if not self.ready.done():
            self.ready.set_exception(failure)
        for stream_id in list(self._calls):
            self._fail(stream_id, failure)
        self._let_in()
        self._watcher.changed(self)


def _bound_silence(transport: asyncio.Transport) -> None:
    """Have the system end a connection whose other end is gone: without this it tries for a quarter of an hour."""
    connection = transport.get_extra_info("socket")
    if hasattr(socket, "TCP_USER_TIMEOUT") and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from warning of an error that nobody waits for."""
    if not future.cancelled():
        future.exception()


def _name_of(code: int) -> str:
    return ErrorCode(code).name if code in ErrorCode.__members__.values() else str(code)
