"""The gRPC server: `collector.net.rpc` over our own HTTP/2."""

import asyncio

from collector.api import Host, Settings, StartError, TaskOwner
from collector.net.addresses import Endpoint
from collector.net.door import Door
from collector.net.http2.limits import Limits
from collector.net.http2.session import Session, Shared
from collector.net.rpc import Methods
from collector.net.server_config import GrpcServerConfig, KeepaliveServerParameters
from collector.net.tls import reloading_server_context

# Seconds for calls that run when the server is told to stop.
GRACE = 5.0
# Seconds between two looks at the sessions, unless a time in the configuration is shorter.
_PERIOD = 1.0
_SHORTEST_PERIOD = 0.05
_HANDSHAKE_SECONDS = 20.0
_STREAMS = 1000
_ALPN = ("h2",)


class GrpcServer:
    """Serves unary methods. `address` is where, once it has started; for a Unix socket its path and port 0."""

    def __init__(self, config: GrpcServerConfig, methods: Methods, settings: Settings) -> None:
        self.address = Endpoint("", 0)
        self._config = config
        self._settings = settings
        self._tasks = TaskOwner(f"{settings.id}:grpc", settings.logger)
        self._shared = Shared(
            config=config,
            limits=Limits(streams=config.max_concurrent_streams or _STREAMS),
            clock=settings.clock,
            door=Door(config, settings, "grpc"),
            calls=TaskOwner(f"{settings.id}:grpc", settings.logger),
            methods={path.encode(): method for path, method in methods.items()},
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
                f"endpoint: cannot listen on {self._config.endpoint}: another process may have it, or it may need "
                f"rights that this one lacks ({error.strerror or error})"
            ) from error
        self._tasks.start("ticks", self._tick())
        self._settings.logger.info(
            "listening", transport="grpc", endpoint=self._config.endpoint, port=self.address.port
        )

    async def shutdown(self) -> None:
        """Take no more connections, ask clients for no more calls and answer those that came: `GRACE` seconds at most."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        shared = self._shared
        shared.stop()
        self._tasks.start("grace", self._give_up())
        await shared.empty.wait()
        await shared.calls.cancel()
        await self._tasks.cancel()

    async def _give_up(self) -> None:
        """End what still runs after the grace; senders are told to send it again."""
        await self._settings.clock.sleep(GRACE)
        await self._shared.calls.cancel()
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
        period = _period((self._config.keepalive and self._config.keepalive.server_parameters) or None)
        while True:
            await self._settings.clock.sleep(period)
            for session in tuple(self._shared.sessions):
                session.tick()


def _period(parameters: KeepaliveServerParameters | None) -> float:
    """Return how often to look, so that the times of the configuration are met."""
    if parameters is None:
        return _PERIOD
    times = (
        parameters.max_connection_idle,
        parameters.max_connection_age,
        parameters.max_connection_age_grace,
        parameters.time,
        parameters.timeout,
    )
    return max(_SHORTEST_PERIOD, min(_PERIOD, *(time for time in times if time)))
