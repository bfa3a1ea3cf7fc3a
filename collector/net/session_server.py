"""What our own servers have in common: listening, looking at their sessions now and then, and ending them in time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from collector.api import Clock, Host, Settings, StartError, TaskOwner
from collector.net.addresses import Endpoint
from collector.net.door import Door
from collector.net.server_config import ServerConfig
from collector.net.tls import reloading_server_context

# Seconds for what runs when a server is told to stop.
GRACE = 5.0
# Seconds between two looks at the sessions, unless a time in the configuration is shorter.
_PERIOD = 1.0
_SHORTEST_PERIOD = 0.05
_HANDSHAKE_SECONDS = 20.0


class ServerSession(Protocol):
    """One client, as its server sees it."""

    def tick(self) -> None:
        """End what is late."""

    def leave(self) -> None:
        """Take nothing more, and end once all that came is answered."""

    def abort(self) -> None:
        """End now."""


@dataclass(slots=True, kw_only=True)
class SharedBySessions:
    """What the sessions of any server have in common; `sessions` are those that live, `empty` tells when none does.

    `tasks` are those that answer.
    """

    clock: Clock
    door: Door
    tasks: TaskOwner
    sessions: set[ServerSession] = field(default_factory=set)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False

    def stop(self) -> None:
        """Have every session end, as soon as what it was asked for is answered."""
        self.stopping = True
        for session in tuple(self.sessions):
            session.leave()
        self.check()

    def check(self) -> None:
        """Tell when the last session has ended."""
        if self.stopping and not self.sessions:
            self.empty.set()


S = TypeVar("S", bound=SharedBySessions)


class SessionServer(Generic[S]):
    """`address` is where it listens, once it has started; for a Unix socket its path and port 0.

    `connect` makes the session of a client, `times` are the seconds that matter to one, 0 for none.
    """

    alpn: ClassVar[Sequence[str]]
    # What the message says behind the address that cannot be had.
    advice: ClassVar[str] = ""

    def __init__(
        self,
        config: ServerConfig,
        settings: Settings,
        shared: S,
        connect: Callable[[S], asyncio.Protocol],
        times: Iterable[float],
    ) -> None:
        self.address = Endpoint("", 0)
        self._config = config
        self._settings = settings
        self._shared = shared
        self._connect = connect
        self._period = max(_SHORTEST_PERIOD, min([_PERIOD, *(time for time in times if time)]))
        self._tasks = TaskOwner(f"{settings.id}:{shared.door.transport}", settings.logger)
        self._listener: asyncio.Server | None = None

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        self._shared.door.open(host)
        endpoint = self._config.endpoint
        try:
            self._listener = await self._listen()
        except OSError as error:
            reason = error.strerror or error
            detail = f"{self.advice} ({reason})" if self.advice else reason
            raise StartError(f"endpoint: cannot listen on {endpoint}: {detail}") from error
        self._tasks.start("ticks", self._tick())
        self._settings.logger.info(
            "listening", transport=self._shared.door.transport, endpoint=endpoint, port=self.address.port
        )

    async def shutdown(self) -> None:
        """Take no more connections, ask clients for nothing more and answer what came: `GRACE` seconds at most."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        shared = self._shared
        shared.stop()
        self._tasks.start("grace", self._give_up())
        await shared.empty.wait()
        await shared.tasks.cancel()
        await self._tasks.cancel()

    async def _give_up(self) -> None:
        await self._settings.clock.sleep(GRACE)
        await self._end_late()

    async def _end_late(self) -> None:
        """End what still runs after the grace."""
        for session in tuple(self._shared.sessions):
            session.abort()

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        config = self._config
        context = None
        if config.tls is not None:
            context = reloading_server_context(config.tls, self._settings.clock, self._settings.logger, self.alpn)
        handshake = None if context is None else _HANDSHAKE_SECONDS

        def connect() -> asyncio.Protocol:
            return self._connect(self._shared)

        if config.transport == "unix":
            self.address = Endpoint(config.endpoint, 0)
            return await loop.create_unix_server(connect, config.endpoint, ssl=context, ssl_handshake_timeout=handshake)
        endpoint = await Endpoint.to_listen_on(config.endpoint).resolve(config.transport)
        listener = await loop.create_server(
            connect, endpoint.host or None, endpoint.port, ssl=context, ssl_handshake_timeout=handshake
        )
        self.address = endpoint._replace(port=listener.sockets[0].getsockname()[1])
        return listener

    async def _tick(self) -> None:
        while True:
            await self._settings.clock.sleep(self._period)
            for session in tuple(self._shared.sessions):
                session.tick()
