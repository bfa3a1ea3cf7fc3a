"""The HTTP/1.1 server: `collector.net.http` over our own sessions."""

import asyncio
from collections.abc import Mapping

from collector.api import Host, Settings, StartError, TaskOwner
from collector.net.addresses import Endpoint
from collector.net.cors import Cors
from collector.net.door import Door
from collector.net.http import ErrorAnswer, Handler, plain_error
from collector.net.http1.answers import AnswerWriter
from collector.net.http1.exchange import Terms
from collector.net.http1.session import Session, Shared
from collector.net.server_config import HttpServerConfig
from collector.net.tls import reloading_server_context

# Seconds for requests that run when the server is told to stop.
GRACE = 5.0
# Seconds without a byte after which a body is given up, where the configuration has no read_timeout.
_STALLED_SECONDS = 60.0
# Seconds between two looks at the sessions, unless a time in the configuration is shorter.
_PERIOD = 1.0
_SHORTEST_PERIOD = 0.05
_HANDSHAKE_SECONDS = 20.0
_ALPN = ("http/1.1",)


class HttpServer:
    """Serves handlers by path. `address` is where, once it has started; for a Unix socket its path and port 0."""

    def __init__(
        self,
        config: HttpServerConfig,
        routes: Mapping[str, Handler],
        settings: Settings,
        answer_error: ErrorAnswer = plain_error,
    ) -> None:
        self.address = Endpoint("", 0)
        self._config = config
        self._settings = settings
        self._tasks = TaskOwner(f"{settings.id}:http", settings.logger)
        common = {name: value.get_secret_value() for name, value in config.response_headers.items()}
        self._shared = Shared(
            terms=Terms.of(config),
            reuses_connections=config.reuses_connections,
            patience=(config.read_header_timeout, config.read_timeout or _STALLED_SECONDS, 0, config.idle_limit),
            may_be_slow=not config.read_timeout,
            write_timeout=config.write_timeout,
            clock=settings.clock,
            door=Door(config, settings, "http"),
            tasks=TaskOwner(f"{settings.id}:http", settings.logger),
            routes=routes,
            answer_error=answer_error,
            answers=AnswerWriter(settings.clock, common),
            cors=Cors(config.cors) if config.cors and config.cors.allowed_origins else None,
        )
        self._listener: asyncio.Server | None = None

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        self._shared.door.open(host)
        try:
            self._listener = await self._listen()
        except OSError as error:
            raise StartError(
                f"endpoint: cannot listen on {self._config.endpoint}: {error.strerror or error}"
            ) from error
        self._tasks.start("ticks", self._tick())
        self._settings.logger.info(
            "listening", transport="http", endpoint=self._config.endpoint, port=self.address.port
        )

    async def shutdown(self) -> None:
        """Take no more requests and wait for those that run, `GRACE` seconds at most."""
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
        """End what still runs after the grace."""
        await self._settings.clock.sleep(GRACE)
        for session in tuple(self._shared.sessions):
            session.abort()

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        config = self._config
        context = None
        if config.tls is not None:
            context = reloading_server_context(config.tls, self._settings.clock, self._settings.logger, _ALPN)
        handshake = None if context is None else _HANDSHAKE_SECONDS

        def connect() -> Session:
            return Session(self._shared)

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
        period = _period(self._config)
        while True:
            await self._settings.clock.sleep(period)
            for session in tuple(self._shared.sessions):
                session.tick()


def _period(config: HttpServerConfig) -> float:
    """Return how often to look, so that the times of the configuration are met."""
    times = (config.read_header_timeout, config.read_timeout, config.write_timeout, config.idle_limit)
    return max(_SHORTEST_PERIOD, min(_PERIOD, *(time for time in times if time)))
