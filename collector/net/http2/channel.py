"""The channel of `collector.net.unary` over our own HTTP/2: connections to the addresses of a target."""

import asyncio

from collector.api import Settings, StatusCode, TaskOwner
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.http2.client_session import ClientSession, Unprocessed, Watcher
from collector.net.http2.dialing import Address, Dialer
from collector.net.http2.frames import ErrorCode
from collector.net.http2.keepalive import ClientKeepalive
from collector.net.http2.lines import Line, Pause
from collector.net.http2.requests import RequestWriter
from collector.net.unary import CallFailure, Metadata

# Seconds for a connection to stand: TCP, TLS, and the server's settings.
_CONNECT_SECONDS = 20.0
# Seconds between two looks at connections that are kept alive.
_PERIOD = 1.0
# What grpc-go holds keepalives to, and what it takes for a timeout of 0.
_SHORTEST_KEEPALIVE = 10.0
_KEEPALIVE_TIMEOUT = 20.0
# Seconds for servers to take the last that is sent.
_GOODBYE_SECONDS = 1.0
_NEVER = float("inf")


class Channel:
    """Connects with the first call, and again when there is a call and no connection."""

    def __init__(self, config: GrpcClientConfig, settings: Settings) -> None:
        """Prepare.

        Raises:
            StartError: a certificate, the endpoint or the environment's proxy is not usable.

        """
        self._config = config
        self._clock = settings.clock
        self._logger = settings.logger
        self._now = settings.clock.monotonic
        self._dialer = Dialer(config, settings)
        self._writer = RequestWriter(config, self._dialer.authority)
        self._tasks = TaskOwner(f"{settings.id}:grpc", settings.logger)
        self._resent = settings.telemetry.counter(
            "otelcol_exporter_resent_calls",
            "Calls that were sent again at once, because the server had not begun to process them.",
            ("reason",),
        )
        self._goes_round = config.balancer_name == "round_robin"
        self._lines: list[Line] = []
        self._sessions: set[ClientSession] = set()
        self._waiters: list[asyncio.Future[None]] = []
        self._turn = 0
        self._closed = False
        # Whether the addresses may have changed, and when to ask for them again after that has failed.
        self._stale = True
        self._resolving: asyncio.Task[None] | None = None
        self._resolution = Pause(self._now)
        self._wake_up: asyncio.Task[None] | None = None
        self._keepalive_time = _NEVER
        if config.keepalive is not None:
            self._keepalive_time = max(config.keepalive.time, _SHORTEST_KEEPALIVE)
            self._tasks.start("keepalive", self._tick())

    async def call(self, method: str, request: bytes, metadata: Metadata) -> bytes:
        """Return the answer to a request.

        Raises:
            CallFailure: the server refused it or could not be reached.

        """
        head = self._writer.head(method, metadata)
        body: tuple[bytes, ...] = ()
        resent = False
        while True:
            session = await self._session()
            # Not before there is a connection, so that nothing is compressed in vain.
            body = body or await self._writer.body(request)
            try:
                return await session.call(head, body)
            except Unprocessed as error:
                # gRPC's proposal A6: once where the server has seen it, as often as need be where it has not.
                if not error.reason:
                    continue
                if resent:
                    raise CallFailure(StatusCode.UNAVAILABLE, f"the server refused it twice: {error}") from error
                resent = True
                self._resent.add(1, reason=error.reason)

    async def close(self) -> None:
        """End every connection; what still waits for an answer gets none."""
        self._closed = True
        self._tell()
        await self._tasks.cancel()
        sessions = tuple(self._sessions)
        for session in sessions:
            session.close()
        self._tasks.start("goodbye", self._abort())
        for session in sessions:
            await session.lost.wait()
        await self._tasks.cancel()

    async def _abort(self) -> None:
        """End what servers keep from ending."""
        await self._clock.sleep(_GOODBYE_SECONDS)
        for session in tuple(self._sessions):
            session.abort()

    # Choosing a connection

    async def _session(self) -> ClientSession:
        """Return a connection for a call, as soon as there is one.

        Raises:
            CallFailure: there is none, and the call does not wait until there is.

        """
        while True:
            if self._closed:
                raise CallFailure(StatusCode.UNAVAILABLE, "the client was closed")
            self._connect()
            sessions = [session for line in self._lines if (session := line.usable)]
            if sessions:
                self._turn += 1
                free = [session for session in sessions if session.has_room] or sessions
                return free[self._turn % len(free)]
            if not self._is_connecting():
                failure = self._failure()
                if failure is not None and not self._config.wait_for_ready:
                    raise CallFailure(failure.code, str(failure))
                self._wake_up_later()
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def _connect(self) -> None:
        """Begin what has to be done for connections, and may be done now."""
        if self._stale and self._resolving is None and self._resolution.is_over:
            self._resolving = self._tasks.start("resolve", self._resolve())
        for line in self._lines:
            if line.usable is None and line.opening is None and line.pause.is_over:
                line.opening = self._tasks.start("connect", self._open(line))

    def _is_connecting(self) -> bool:
        return any(line.opening for line in self._lines) or (not self._lines and self._resolving is not None)

    def _failure(self) -> CallFailure | None:
        """Return why there is no connection, as far as that is known."""
        failures = [line.pause for line in self._lines if line.pause.failure]
        last = max(failures, key=lambda pause: pause.until, default=self._resolution)
        return last.failure

    def _wake_up_later(self) -> None:
        """Have those who wait look again when the next attempt may be made."""
        if self._wake_up is None or self._wake_up.done():
            pauses = [line.pause.until for line in self._lines] or [self._resolution.until]
            self._wake_up = self._tasks.start("pause", self._wake_up_at(min(pauses)))

    async def _wake_up_at(self, time: float) -> None:
        await self._clock.sleep(time - self._now())
        self._tell()

    def _tell(self) -> None:
        """Have those who wait look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # Making connections

    async def _resolve(self) -> None:
        """Find the addresses of the target; keep the connections to those that stay."""
        self._stale = False
        try:
            addresses = await self._dialer.resolve()
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no address, and not to be asked for at once
            self._stale = True
            self._resolution.failed(f"cannot find the address of {self._dialer.target.host}: {error}")
        else:
            self._resolution.succeeded()
            self._set_lines([(one,) for one in addresses] if self._goes_round else [addresses])
        finally:
            self._resolving = None
            self._tell()

    def _set_lines(self, wanted: list[tuple[Address, ...]]) -> None:
        lines = {line.addresses: line for line in self._lines}
        self._lines = [
            lines.pop(addresses) if addresses in lines else Line(addresses, self._now) for addresses in wanted
        ]
        for line in lines.values():
            if line.opening is not None:
                line.opening.cancel()
            if line.session is not None:
                line.session.retire()

    async def _open(self, line: Line) -> None:
        """Connect to the first address of a line that answers."""
        try:
            for address in line.addresses:
                why = await self._dial(line, address)
                if not why:
                    return
            line.pause.failed(why)
            self._stale = True
        finally:
            line.opening = None
            self._tell()

    async def _dial(self, line: Line, address: Address) -> str:
        """Connect to an address; return why not, or nothing."""
        try:
            async with asyncio.timeout(None) as limit:
                alarm = self._tasks.start("connect limit", self._expire(limit))
                try:
                    session = await self._dialer.dial(address, self._make_session)
                finally:
                    alarm.cancel()
        except TimeoutError:
            return f"cannot connect to {address}: no answer within {_CONNECT_SECONDS:.0f}s"
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no connection, and not to be one at once
            # asyncio says nothing where a server hangs up in the middle of TLS's handshake.
            return f"cannot connect to {address}: {str(error) or 'connection reset'}"
        line.pause.succeeded()
        line.session = session
        # It may have gone away since.
        self._on_change(session)
        return ""

    async def _expire(self, limit: asyncio.Timeout) -> None:
        await self._clock.sleep(_CONNECT_SECONDS)
        limit.reschedule(asyncio.get_running_loop().time())

    def _make_session(self) -> ClientSession:
        keepalive = self._config.keepalive
        watched = ClientKeepalive(
            self._keepalive_time,
            (keepalive and keepalive.timeout) or _KEEPALIVE_TIMEOUT,
            self._now,
            always=keepalive is not None and keepalive.permit_without_stream,
        )
        watcher = Watcher(self._on_change, self._on_sent_away)
        return ClientSession(self._now, watcher, watched, self._config.write_buffer_size)

    # What becomes of connections

    def _on_change(self, session: ClientSession) -> None:
        """Note that a connection takes calls now, or no more."""
        line = next((line for line in self._lines if line.session is session), None)
        if line is not None and not session.usable:
            line.give_up(session)
            self._stale = True
        if session.lost.is_set():
            self._sessions.discard(session)
        else:
            self._sessions.add(session)
        self._tell()

    def _on_sent_away(self, code: int, message: str) -> None:
        if code == ErrorCode.ENHANCE_YOUR_CALM and "too_many_pings" in message:
            self._keepalive_time *= 2
            self._logger.warning(
                "the server wants fewer pings, so the pause between them is doubled: raise keepalive.time",
                seconds=self._keepalive_time,
            )

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_PERIOD)
            for session in tuple(self._sessions):
                session.tick()
