"""One client: joins a socket, the protocol on it, and the calls that come by it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from collector.api import ConsumeError, PermanentError, RetryableError, StatusCode
from collector.net.http2 import answers
from collector.net.http2.answers import Answer
from collector.net.http2.calls import Call, CallHead
from collector.net.http2.events import Body, Broken, Failed, Opened, Pinged, Reset, ServerEvent
from collector.net.http2.frames import ErrorCode
from collector.net.http2.keepalive import Due, Keepalive
from collector.net.http2.limits import Limits
from collector.net.http2.server_connection import ServerConnection
from collector.net.rpc import UnaryMethod
from collector.net.server_config import GrpcServerConfig
from collector.net.session_server import SharedBySessions

# Seconds for the preface, and for every frame and header block that has begun.
_FRAME_SECONDS = 20.0
# Seconds for a request to come whole.
_REQUEST_SECONDS = 180.0
# Seconds for a client to take what was written for it.
_WRITE_SECONDS = 60.0
# Seconds for a client to read that it is to send no more requests, and for those that cross that on their way.
_FAREWELL_SECONDS = 1.0
# Seconds for a client to close a connection that is over.
_LINGER_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Shared(SharedBySessions):
    """What the sessions of a server have in common."""

    config: GrpcServerConfig
    limits: Limits
    methods: Mapping[bytes, UnaryMethod]


class Session(asyncio.Protocol):
    """Lives from `connection_made` to `connection_lost`; in between the server calls `tick` about every second."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._now = shared.clock.monotonic
        self._http2 = ServerConnection(shared.limits, self._now, CallHead.of)
        self._keepalive = Keepalive(shared.config.keepalive, self._now)
        self._message_limit = shared.config.message_limit
        # By stream, until nothing of a call runs any more: a reset does not make room for another at once.
        self._calls: dict[int, Call] = {}
        self._host = ""
        self._flush_is_due = False
        self._paused_at: float | None = None
        # When nothing more was to be written; the client may still have to notice.
        self._over_at: float | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # asyncio's signature says less than it gives, and uvloop's transports are of other classes.
        self._transport = transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        peer = transport.get_extra_info("peername")
        self._host = peer[0] if isinstance(peer, tuple) else ""
        if self._shared.config.write_buffer_size:
            transport.set_write_buffer_limits(self._shared.config.write_buffer_size)
        self._shared.sessions.add(self)
        if self._shared.stopping:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        if self._over_at is not None:
            return
        self._keepalive.heard()
        for event in self._http2.receive(data):
            self._react(event)
        self._flush()

    def pause_writing(self) -> None:
        """Read nothing more for now, so that there is nothing more to write."""
        self._paused_at = self._now()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._paused_at = None
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Give up what runs."""
        self._over_at = self._now()
        for call in list(self._calls.values()):
            self._abandon(call)
        self._shared.sessions.discard(self)
        self._shared.check()

    # What the server calls

    def tick(self) -> None:
        """End what is late."""
        now = self._now()
        if self._over_at is not None:
            if now >= self._over_at + _LINGER_SECONDS:
                self._transport.abort()
            return
        if self._paused_at is not None and now >= self._paused_at + _WRITE_SECONDS:
            self._shared.door.count("timeout")
            self._transport.abort()
            return
        for _ in range(self._http2.give_up_answers(now - _WRITE_SECONDS)):
            self._shared.door.count("timeout")
        for call in [call for call in self._calls.values() if call.expires <= now]:
            self._expire(call)
        leaving = self._http2.leaving_since
        if leaving is not None and now >= leaving + _FAREWELL_SECONDS:
            self._http2.drain()
        since = self._http2.waiting_since
        if since is not None and now >= since + _FRAME_SECONDS:
            self._fail("a frame takes too long", "timeout")
        else:
            self._keep_alive(self._keepalive.due(len(self._calls)))
        self._flush()

    def leave(self) -> None:
        """Ask for no more calls, and end when all that have come are answered."""
        self._http2.leave("shutdown")
        self._flush()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()

    # What the client does

    def _react(self, event: ServerEvent[CallHead]) -> None:
        if isinstance(event, Body):
            self._on_body(event)
        elif isinstance(event, Opened):
            self._on_opened(event)
        elif isinstance(event, Reset):
            if event.stream_id in self._calls:
                self._give_up(event.stream_id, "cancelled")
        elif isinstance(event, Broken):
            refused = event.code is ErrorCode.REFUSED_STREAM
            self._give_up(event.stream_id, "too_many_streams" if refused else "malformed_http")
        elif isinstance(event, Pinged):
            if not event.answer and not self._keepalive.tolerates_ping(len(self._calls)):
                self._fail("too_many_pings", "flood")
        else:
            self._on_failed(event)

    def _give_up(self, stream_id: int, reason: str) -> None:
        self._shared.door.count(reason)
        if (call := self._calls.get(stream_id)) is not None:
            self._abandon(call)

    def _on_opened(self, event: Opened[CallHead]) -> None:
        shared, head = self._shared, event.head
        if len(self._calls) >= self._http2.max_streams:
            shared.door.count("too_many_streams")
            self._http2.reset(event.stream_id, ErrorCode.REFUSED_STREAM)
            return
        call = Call(event.stream_id, head, shared.methods.get(head.path), self._message_limit, shared.door.budget)
        call.begin(self._now(), _REQUEST_SECONDS)
        call.verdict = self._verdict(call)
        self._calls[event.stream_id] = call
        if event.ended:
            self._complete(call)

    def _verdict(self, call: Call) -> Answer | None:
        """Return the answer to a call that is refused whatever its message is."""
        head = call.head
        if head.stranger is not None:
            self._shared.door.count("not_grpc")
            return head.stranger
        if head.refusal is not None:
            return self._refusal(head.refusal)
        if call.method is None:
            return self._refusal(_unknown_method(head))
        try:
            call.method.admit()
        except ConsumeError as error:
            return self._refusal(error)
        return None

    def _on_body(self, event: Body) -> None:
        call = self._calls.get(event.stream_id)
        if call is None or call.answered:
            return
        try:
            call.feed(event.chunk)
        except ConsumeError as error:
            self._answer(call, call.verdict or self._refusal(error))
            return
        if event.ended:
            self._complete(call)

    def _complete(self, call: Call) -> None:
        """Answer a request that has come whole."""
        call.expires = call.deadline
        if call.verdict is not None:
            self._answer(call, call.verdict)
        else:
            call.task = self._shared.tasks.start("call", self._serve(call))

    async def _serve(self, call: Call) -> None:
        call.running = True
        try:
            answer = await self._handle(call)
        except asyncio.CancelledError:
            # Whoever cancels for the client's sake has answered; else the server stops.
            if not call.answered:
                self._answer(call, self._refusal(_stopping()))
            raise
        finally:
            self._forget(call)
        self._answer(call, answer)

    async def _handle(self, call: Call) -> Answer:
        assert call.method is not None  # noqa: S101 - without one there is a verdict
        try:
            client = await self._shared.door.enter(self._host, call.head.metadata)
            return answers.success(await call.method.handle(call.message(), client))
        except Exception as error:  # noqa: BLE001 - the border: whatever went wrong becomes an answer
            return self._refusal(error)

    def _on_failed(self, failure: Failed) -> None:
        if failure.code is ErrorCode.HTTP_1_1_REQUIRED:
            self._http2.take()
            self._transport.write(answers.HTTP_1_ANSWER)
        self._shared.door.count("flood" if failure.code is ErrorCode.ENHANCE_YOUR_CALM else "malformed_http")
        self._close()

    # Answers and ends

    def _refusal(self, error: Exception) -> Answer:
        return answers.refusal(self._shared.door.refusal(error))

    def _answer(self, call: Call, answer: Answer) -> None:
        if not call.answered:
            call.answered = True
            self._keepalive.answered()
            self._http2.answer(call.stream_id, *answer)
            if not call.running:
                self._forget(call)
        if not self._flush_is_due:
            # One write for all that is answered in this round of the loop.
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _expire(self, call: Call) -> None:
        late = RetryableError(
            "the call's deadline has passed", reason="deadline_exceeded", code=StatusCode.DEADLINE_EXCEEDED
        )
        self._answer(call, self._refusal(late))
        self._abandon(call)

    def _abandon(self, call: Call) -> None:
        """Stop what nobody waits for."""
        call.answered = True
        if call.task is not None:
            call.task.cancel()
        if not call.running:
            self._forget(call)

    def _forget(self, call: Call) -> None:
        if self._calls.pop(call.stream_id, None) is not None:
            call.release()

    def _keep_alive(self, due: Due) -> None:
        if due is Due.PING:
            self._http2.ping()
        elif due in (Due.IDLE, Due.OLD):
            self._http2.leave(due.value)
        elif due in (Due.TOO_OLD, Due.DEAD):
            self._fail(due.value, "timeout", ErrorCode.NO_ERROR)

    def _fail(self, message: str, reason: str, code: ErrorCode = ErrorCode.ENHANCE_YOUR_CALM) -> None:
        self._shared.door.count(reason)
        self._http2.fail(code, message)
        self._close()

    def _flush(self) -> None:
        """Write what there is; close where that was the last."""
        self._flush_is_due = False
        if self._over_at is not None:
            return
        if data := self._http2.take():
            self._transport.write(data)
        if self._http2.draining and not self._calls and not self._http2.open_streams:
            self._close()

    def _close(self) -> None:
        """Write the rest and close, in a way that lets the client read it: it may still be sending."""
        if self._over_at is not None:
            return
        self._over_at = self._now()
        self._transport.write(self._http2.take())
        for call in list(self._calls.values()):
            self._abandon(call)
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:
            # The client was faster.
            self._transport.abort()


def _unknown_method(head: CallHead) -> PermanentError:
    path = head.path[:200].decode("utf-8", "replace")
    return PermanentError(f"unknown method {path}", reason="unknown_method", code=StatusCode.UNIMPLEMENTED)


def _stopping() -> RetryableError:
    return RetryableError("the server is stopping: send this again", reason="shutdown")
