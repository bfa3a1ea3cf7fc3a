"""Serves the collector's own metrics to Prometheus, as the readers in the configuration say."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping

import structlog

from collector import __version__
from collector.api import Component, ComponentId, Settings, StartError, SystemClock
from collector.config import MetricsConfig, TelemetryConfig
from collector.net.addresses import Endpoint
from collector.net.http import HttpAnswer, HttpError, HttpRequest
from collector.net.http_server import HttpServer
from collector.net.server_config import HttpServerConfig
from collector.runtime.exposition import CONTENT_TYPE, ProcessMetrics, render
from collector.runtime.instruments import OwnTelemetry
from collector.runtime.telemetry import NoTelemetry


class MetricsServer:
    """An HTTP server with the one path `/metrics`; `render` is asked for the text at each scrape.

    `address` is where it listens, once it has started; `key` is where the configuration says so.
    """

    def __init__(self, endpoint: Endpoint, key: str, render: Callable[[], str]) -> None:
        self.address = endpoint
        self._key = key
        self._render = render
        settings = Settings(
            id=ComponentId("metrics"),
            logger=structlog.get_logger().bind(component="metrics"),
            # What it refuses is no telemetry: it must not count among what receivers refuse.
            telemetry=NoTelemetry(),
            clock=SystemClock(),
        )
        self._server = HttpServer(HttpServerConfig(endpoint=str(endpoint)), {"/metrics": self._answer}, settings)

    async def start(self) -> None:
        """Listen.

        Raises:
            StartError: the address cannot be listened on.

        """
        try:
            await self._server.start(_NoExtensions())
        except StartError as error:
            raise StartError(
                f"cannot serve own metrics on {self.address} ({error}): change {self._key}, or set "
                "service.telemetry.metrics.level to none"
            ) from error
        self.address = self.address._replace(port=self._server.address.port)

    async def shutdown(self) -> None:
        """Listen no more."""
        await self._server.shutdown()

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        if request.method not in ("GET", "HEAD"):
            raise HttpError(405, "405 method not allowed, supported: [GET, HEAD]", reason="method")
        return HttpAnswer(200, self._render().encode(), CONTENT_TYPE)


class _NoExtensions:
    """The host of a server that is no component."""

    def extension(self, component_id: ComponentId) -> Component | None:  # noqa: ARG002 - a Host's arguments
        """Return no extension."""
        return None

    def fail(self, component_id: ComponentId, error: BaseException) -> None:  # noqa: ARG002
        """Raise the error: nothing here runs by itself."""
        raise error

    def ready(self) -> bool:
        """Return that it is."""
        return True


def metrics_servers(config: TelemetryConfig, own: OwnTelemetry) -> list[MetricsServer]:
    """Return the servers that a configuration asks for, not started."""
    process = ProcessMetrics(target_labels(config.resource))

    def renderer(counter_suffix: str) -> Callable[[], str]:
        return lambda: render([*own.collect(), *process.collect()], counter_suffix=counter_suffix)

    return [MetricsServer(endpoint, key, renderer(suffix)) for endpoint, key, suffix in _readers(config.metrics)]


def _readers(config: MetricsConfig) -> Iterator[tuple[Endpoint, str, str]]:
    """Yield where to listen, the key that says so, and what counters' names end with."""
    key = "service.telemetry.metrics"
    # Read past the attribute, which warns of its deprecation: the user was told already.
    address: str | None = dict(config)["address"]
    if address is not None:
        yield Endpoint.parse(address), f"{key}.address", ""
        if "readers" not in config.model_fields_set:
            return
    for index, reader in enumerate(config.readers):
        prometheus = reader.pull and reader.pull.exporter.served
        if prometheus:
            endpoint = Endpoint(prometheus.host, prometheus.port)
            suffix = "" if prometheus.without_type_suffix else "_total"
            yield endpoint, f"{key}.readers[{index}].pull.exporter.prometheus", suffix


def target_labels(resource: Mapping[str, object]) -> dict[str, str]:
    """Return the labels of `target_info`: the collector's own attributes with those configured; null removes one."""
    attributes: dict[str, object] = {
        "service.instance.id": str(uuid.uuid4()),
        "service.name": "spanmill",
        "service.version": __version__,
        **resource,
    }
    return {re.sub(r"\W", "_", key): str(value) for key, value in attributes.items() if value is not None}
