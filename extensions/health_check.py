"""Extension `health_check`: tells load balancers and Kubernetes over HTTP whether the collector takes data.

It says ready once every component has started and until the first is told to stop.
"""

import json
from collections import UserDict
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, ExtensionFactory, Host, Settings, Stability, option
from collector.net.http import Handler, HttpAnswer, HttpRequest
from collector.net.http_server import HttpServer
from collector.net.server_config import GrpcServerConfig, HttpServerConfig, ListenAddress

_NEVER = "0001-01-01T00:00:00Z"


def _checked_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f'path must start with "/": write "/{path}"')
    return path


class ResponseBodyConfig(ComponentConfig):
    """What to answer instead of the JSON."""

    healthy: str = option("", "Body of the answer while the collector is ready.")
    unhealthy: str = option("", "Body of the answer while it is not.")


class PipelineCheckConfig(ComponentConfig):
    """Old options that never worked as expected in the OpenTelemetry Collector either."""

    interval: Duration = option(300.0, "Accepted for compatibility; has no effect.")
    exporter_failure_threshold: int = option(5, "Accepted for compatibility; has no effect.")


class StatusConfig(ComponentConfig):
    """The check of the second version."""

    enabled: bool = option(True, "Accepted for compatibility; the check is always there.")
    path: str = option("/status", "Path of the check; one that ends with `/` answers all paths below it, too.")

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str) -> str:
        return _checked_path(path)


class ShownConfig(ComponentConfig):
    """Where the Go collector shows its configuration, which this one never does."""

    enabled: bool = option(False, "Accepted for compatibility; the configuration is not shown.")
    path: str = option("/config", "Accepted for compatibility; the configuration is not shown.")


class HttpHealthConfig(HttpServerConfig):
    """The HTTP server of the second version."""

    endpoint: ListenAddress = option("localhost:13133", "Where to listen: `host:port`.")
    status: StatusConfig = option(StatusConfig, "The check.")
    config: ShownConfig = option(ShownConfig, "Accepted for compatibility; the configuration is not shown.")


class GrpcHealthConfig(GrpcServerConfig):
    """The gRPC server of the second version, which is not there."""

    endpoint: ListenAddress = option("localhost:13132", "Accepted for compatibility; there is no gRPC health service.")


class ComponentHealthConfig(ComponentConfig):
    """How errors of components count in the second version."""

    include_permanent_errors: bool = option(False, "Accepted for compatibility; components report no errors.")
    include_recoverable_errors: bool = option(False, "Accepted for compatibility; components report no errors.")
    recovery_duration: Duration = option(60.0, "Accepted for compatibility; components report no errors.")


class Config(HttpServerConfig):
    """Answers over HTTP whether the collector is ready.

    ```yaml
    endpoint: 0.0.0.0:13133
    path: /health
    ```
    """

    endpoint: ListenAddress = option("localhost:13133", "Where to listen: `host:port`.")
    path: str = option("/", "Path of the check; one that ends with `/` answers all paths below it, too.")
    response_body: ResponseBodyConfig | None = option(None, "What to answer instead of the JSON.")
    check_collector_pipeline: PipelineCheckConfig | None = option(
        None, "Accepted for compatibility; has no effect.", deprecated="it has no effect: leave it out"
    )

    use_v2: bool = option(False, "Listen as `http` says, instead of as `endpoint` and `path` say.")
    http: HttpHealthConfig | None = option(None, "Where to listen with `use_v2`.")
    grpc: GrpcHealthConfig | None = option(None, "Accepted for compatibility; there is no gRPC health service.")
    component_health: ComponentHealthConfig | None = option(
        None, "Accepted for compatibility; components report no errors."
    )

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str) -> str:
        return _checked_path(path)

    @model_validator(mode="after")
    def _check_version(self) -> Self:
        if self.use_v2 and self.http is None:
            raise ValueError("use_v2 must specify at least one protocol, of which there is http: add `http:`")
        return self

    @property
    def listening(self) -> tuple[HttpServerConfig, str]:
        """The server and the path of the check."""
        if self.use_v2 and self.http is not None:
            return self.http, self.http.status.path
        return self, self.path


class HealthCheck:
    """Answers 200 while the collector is ready, else 503."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._bodies = config.response_body
        self._clock = settings.clock
        server, path = config.listening
        self._server = HttpServer(server, _Routes(path, self._answer), settings)
        self._host: Host | None = None
        self._started = 0.0
        self._up_since = _NEVER

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, once it has started."""
        return self._server.address

    async def start(self, host: Host) -> None:
        """Listen; the answer is 503 until the rest has started."""
        self._host = host
        self._started = self._clock.monotonic()
        moment = datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC)
        self._up_since = moment.isoformat().replace("+00:00", "Z")
        await self._server.start(host)

    async def shutdown(self) -> None:
        """Listen no more."""
        await self._server.shutdown()

    async def _answer(self, _request: HttpRequest) -> HttpAnswer:
        ready = self._host is not None and self._host.ready()
        status = 200 if ready else 503
        if self._bodies is not None:
            return HttpAnswer(status, (self._bodies.healthy if ready else self._bodies.unhealthy).encode())
        body = json.dumps(self._report(ready=ready), separators=(",", ":"))
        return HttpAnswer(status, body.encode(), content_type="application/json")

    def _report(self, *, ready: bool) -> dict[str, str]:
        if not ready:
            return {"status": "Server not available", "upSince": _NEVER, "uptime": ""}
        uptime = _go_duration(self._clock.monotonic() - self._started)
        return {"status": "Server available", "upSince": self._up_since, "uptime": uptime}


class _Routes(UserDict[str, Handler]):
    """One path; also all below it where it ends with a slash, as Go's servers have it."""

    def __init__(self, path: str, handler: Handler) -> None:
        super().__init__({path: handler})
        self._path = path

    def get(self, path: str, default: Any = None) -> Any:
        below = self._path.endswith("/") and path.startswith(self._path)
        return self.data[self._path] if below else self.data.get(path, default)


def _go_duration(seconds: float) -> str:
    """Return `1h2m3.5s`, as Go writes how long something took."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def create(config: Config, settings: Settings) -> HealthCheck:
    """Build the extension."""
    return HealthCheck(config, settings)


FACTORY = ExtensionFactory(type="health_check", config=Config, create=create, stability=Stability.STABLE)
