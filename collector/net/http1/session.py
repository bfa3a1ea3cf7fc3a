"""One client: joins a socket, the protocol on it, and the requests that come by it."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from collector.net.cors import Cors
from collector.net.http import ErrorAnswer, Handler, HttpAnswer, HttpError, HttpRequest
from collector.net.http1.answers import CONTINUE, AnswerWriter
from collector.net.http1.exchange import LEAVE, Exchange, Terms
from collector.net.http1.heads import RequestHead
from collector.net.http1.parser import Failure, Parser
from collector.net.session_server import SharedBySessions

# Seconds for a client to notice that a connection is over, while it still sends.
_LINGER_SECONDS = 2.0
# Requests of one connection that wait for their turn: no more are read, and beyond the second no more are taken.
_MAX_WAITING = 16
_MAX_BURST = 128
# Bytes of a body that nobody has asked for yet.
_MAX_HELD = 256 * 1024
_TLS_BUFFER = 64 * 1024
_NEVER = float("inf")


class Phase(IntEnum):
    """What a server waits for: the rest of a head, the rest of a body, its own answer, another request."""

    HEAD = 0
    BODY = 1
    TURN = 2
    IDLE = 3


@dataclass(slots=True, kw_only=True)
class Shared(SharedBySessions):
    """What the sessions of a server have in common.

    `patience` has the seconds for each phase, 0 for no end; where bodies `may_be_slow`, every byte starts theirs anew.
    """

    terms: Terms
    reuses_connections: bool
    patience: Sequence[float]
    may_be_slow: bool
    write_timeout: float
    routes: Mapping[str, Handler]
    answer_error: ErrorAnswer
    answers: AnswerWriter
    cors: Cors | None


class Session(asyncio.Protocol):
    """Lives from `connection_made` to `connection_lost`; in between the server calls `tick` about every second.

    One task answers the requests, in the order in which they came.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._now = shared.clock.monotonic
        self._parser = Parser()
        # Requests without an answer; the first is being answered, the last may be without the rest of its body.
        self._waiting: deque[Exchange | Failure] = deque()
        self._reading: Exchange | None = None
        self._work: asyncio.Task[None] | None = None
        self._signal: asyncio.Future[None] | None = None
        self._host = ""
        self._phase = Phase.HEAD
        self._due = self._write_due = _NEVER
        self._reads_on = True
        self._writes_on = True
        # No further request is taken.
        self._deaf = False
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
        # Whatever does not go out at once pauses: the next answer can wait, and so can the next request. TLS has bytes
        # of its own to write, at this very moment.
        transport.set_write_buffer_limits(high=1 if transport.can_write_eof() else _TLS_BUFFER, low=0)
        self._due = self._after(self._shared.patience[Phase.HEAD])
        self._shared.sessions.add(self)
        if self._shared.stopping:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        if self._over_at is not None or self._deaf:
            return
        for event in self._parser.receive(data):
            if isinstance(event, bytes):
                if self._reading is not None:
                    self._reading.feed(event)
            elif isinstance(event, RequestHead):
                if len(self._waiting) >= _MAX_BURST:
                    self._shared.door.count("flood")
                    self._deaf = True
                    break
                self._reading = Exchange(event, self._shared.terms, self._shared.door.budget, self._ask_for_body)
                self._waiting.append(self._reading)
            elif isinstance(event, Failure):
                self._fail(event)
            elif self._reading is not None:
                self._reading.end()
                self._reading = None
        self._pace()
        self._wake()

    def eof_received(self) -> bool:
        """Answer what has come whole; return whether the connection stays for that."""
        self._deaf = True
        can_answer = self._over_at is None and self._reading is None and bool(self._waiting)
        # TLS has no half-open connections.
        return can_answer and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Answer nothing more for now, and so read nothing more."""
        self._writes_on = False
        self._write_due = self._after(self._shared.write_timeout)
        self._pace()

    def resume_writing(self) -> None:
        """Go on."""
        self._writes_on = True
        self._write_due = _NEVER
        self._pace()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Give up what runs."""
        if self._over_at is None:
            self._over_at = self._now()
            if self._waiting:
                self._shared.door.count("disconnected")
        self._waiting.clear()
        if self._work is not None:
            self._work.cancel()
        self._shared.sessions.discard(self)
        self._shared.check()

    # What the server calls

    def tick(self) -> None:
        """End what is late."""
        now = self._now()
        if self._write_due <= now:
            self._shared.door.count("timeout")
            self._transport.abort()
        elif self._over_at is not None:
            if self._writes_on and now >= self._over_at + _LINGER_SECONDS:
                self._transport.abort()
        elif self._due <= now:
            if self._phase is Phase.IDLE:
                self._close()
            else:
                self._shared.door.count("timeout")
                self._transport.abort()

    def leave(self) -> None:
        """End when the requests that run are answered."""
        if self._over_at is not None and self._writes_on:
            self._transport.abort()
        elif not self._waiting:
            self._close()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()

    # Requests

    def _fail(self, failure: Failure) -> None:
        """Take nothing more; what came before is answered first."""
        self._deaf = True
        if self._reading is None:
            self._shared.door.count("malformed_http")
            self._waiting.append(failure)
        else:
            text = f"the request's body is not valid HTTP: {failure.message}"
            self._reading.fail(HttpError(failure.status, text, reason="malformed_http"))
            self._reading = None

    def _ask_for_body(self) -> None:
        """Let the body of the request that is being read come."""
        if self._reading is not None and self._reading.waits_for_leave():
            self._transport.write(CONTINUE)
        self._pace()

    def _wake(self) -> None:
        """Have the task look at what there is to do."""
        if self._work is None:
            if self._waiting:
                self._work = self._shared.tasks.start("requests", self._answer_all())
        elif self._signal is not None and not self._signal.done():
            self._signal.set_result(None)

    async def _answer_all(self) -> None:
        try:
            while self._over_at is None:
                if not self._waiting or not self._writes_on:
                    self._signal = self._loop.create_future()
                    await self._signal
                elif isinstance(request := self._waiting[0], Failure):
                    self._refuse(request)
                else:
                    await self._serve(request)
        finally:
            if self._over_at is None:
                # Cancelled, or broken: nobody would answer any more.
                self._transport.abort()

    def _refuse(self, failure: Failure) -> None:
        answer = HttpAnswer(failure.status, failure.message.encode())
        self._transport.write(self._shared.answers.write(answer, closes=True))
        self._waiting.popleft()
        self._close(lingers=True)

    async def _serve(self, request: Exchange) -> None:
        try:
            answer = await self._answer(request)
        finally:
            request.release()
        if self._over_at is None:
            self._reply(request, answer)

    async def _answer(self, request: Exchange) -> HttpAnswer:
        shared = self._shared
        try:
            if shared.cors is not None and request.method == "OPTIONS" and (headers := request.headers).get("origin"):
                return HttpAnswer(204, content_type="", headers=shared.cors.preflight(headers))
            if request.head.expectation:
                _check_expectation(request.head.expectation)
            request.client = await shared.door.enter(self._host, request.credentials)
            return await shared.routes.get(request.path, _not_found)(request)
        except Exception as error:  # noqa: BLE001 - the border: whatever went wrong becomes an answer
            return shared.answer_error(request, shared.door.refusal(error))

    def _reply(self, request: Exchange, answer: HttpAnswer) -> None:
        shared, head = self._shared, request.head
        is_last = len(self._waiting) == 1 and (self._deaf or shared.stopping)
        goes_on = request.complete or (request.rest_may_come() and not request.waits_for_leave())
        closes = is_last or not (goes_on and head.keeps_alive and shared.reuses_connections)
        more = None
        if shared.cors is not None and head.method != "OPTIONS":
            more = shared.cors.actual(request.headers)
        data = shared.answers.write(answer, more, version=head.version, closes=closes, only_head=head.method == "HEAD")
        self._transport.write(data)
        self._waiting.popleft()
        if closes:
            self._close(lingers=not request.complete)
        else:
            self._pace()

    # Time

    def _after(self, seconds: float) -> float:
        return self._now() + seconds if seconds else _NEVER

    def _pace(self) -> None:
        """Read on or not, and set the time for what the client has to do next."""
        if self._over_at is not None:
            return
        reading = self._reading
        reads_on = (
            self._writes_on and len(self._waiting) < _MAX_WAITING and (reading is None or reading.held <= _MAX_HELD)
        )
        if reads_on is not self._reads_on:
            self._reads_on = reads_on
            if reads_on:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
        if not reads_on:
            phase = Phase.TURN
        elif reading is not None:
            phase = Phase.BODY
        elif self._parser.within_head:
            phase = Phase.HEAD
        else:
            phase = Phase.TURN if self._waiting else Phase.IDLE
        if phase is not self._phase or (phase is Phase.BODY and self._shared.may_be_slow):
            self._phase = phase
            self._due = self._after(self._shared.patience[phase])

    def _close(self, *, lingers: bool = False) -> None:
        """Write the rest and close; `lingers` is for a client that still sends, so that it can read the answer."""
        if self._over_at is not None:
            return
        self._over_at = self._now()
        if not lingers:
            self._transport.close()
            return
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            try:
                self._transport.write_eof()
            except OSError:
                # The client was faster.
                self._transport.abort()


def _check_expectation(expectation: str) -> None:
    if expectation != LEAVE:
        raise HttpError(417, f"the only Expect that is met is {LEAVE}", reason="expectation")


async def _not_found(request: HttpRequest) -> HttpAnswer:
    raise HttpError(404, f"404 page not found: {request.path}", reason="unknown_path")
