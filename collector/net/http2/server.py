"""The gRPC server: `collector.net.rpc` over our own HTTP/2."""

from collector.api import Settings, TaskOwner
from collector.net.door import Door
from collector.net.http2.limits import Limits
from collector.net.http2.session import Session, Shared
from collector.net.rpc import Methods
from collector.net.server_config import GrpcServerConfig
from collector.net.session_server import SessionServer

_STREAMS = 1000


class GrpcServer(SessionServer[Shared]):
    """Serves unary methods."""

    alpn = ("h2",)
    advice = "another process may have it, or it may need rights that this one lacks"

    def __init__(self, config: GrpcServerConfig, methods: Methods, settings: Settings) -> None:
        shared = Shared(
            config=config,
            limits=Limits(streams=config.max_concurrent_streams or _STREAMS),
            clock=settings.clock,
            door=Door(config, settings, "grpc"),
            tasks=TaskOwner(f"{settings.id}:grpc", settings.logger),
            methods={path.encode(): method for path, method in methods.items()},
        )
        super().__init__(config, settings, shared, Session, _times(config))

    async def _end_late(self) -> None:
        """End what still runs after the grace; senders are told to send it again."""
        await self._shared.tasks.cancel()
        await super()._end_late()


def _times(config: GrpcServerConfig) -> tuple[float, ...]:
    """Return the times that the configuration gives a session."""
    parameters = None if config.keepalive is None else config.keepalive.server_parameters
    if parameters is None:
        return ()
    return (
        parameters.max_connection_idle,
        parameters.max_connection_age,
        parameters.max_connection_age_grace,
        parameters.time,
        parameters.timeout,
    )
