"""The HTTP/1.1 server: `collector.net.http` over our own sessions."""

from collections.abc import Mapping

from collector.api import Settings, TaskOwner
from collector.net.cors import Cors
from collector.net.door import Door
from collector.net.http import ErrorAnswer, Handler, plain_error
from collector.net.http1.answers import AnswerWriter
from collector.net.http1.exchange import Terms
from collector.net.http1.session import Session, Shared
from collector.net.server_config import HttpServerConfig
from collector.net.session_server import SessionServer

# Seconds without a byte after which a body is given up, where the configuration has no read_timeout.
_STALLED_SECONDS = 60.0


class HttpServer(SessionServer[Shared]):
    """Serves handlers by path."""

    alpn = ("http/1.1",)

    def __init__(
        self,
        config: HttpServerConfig,
        routes: Mapping[str, Handler],
        settings: Settings,
        answer_error: ErrorAnswer = plain_error,
    ) -> None:
        common = {name: value.get_secret_value() for name, value in config.response_headers.items()}
        shared = Shared(
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
        times = (config.read_header_timeout, config.read_timeout, config.write_timeout, config.idle_limit)
        super().__init__(config, settings, shared, Session, times)
