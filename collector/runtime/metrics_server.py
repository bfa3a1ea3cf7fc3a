"""Serves the collector's own metrics to Prometheus, as the readers in the configuration say."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping

from aiohttp import web

from collector import __version__
from collector.api import StartError
from collector.config import MetricsConfig, TelemetryConfig
from collector.net.addresses import Endpoint
from collector.runtime.exposition import CONTENT_TYPE, ProcessMetrics, render
from collector.runtime.instruments import OwnTelemetry


class MetricsServer:
    """An HTTP server with the one path `/metrics`; `render` is asked for the text at each scrape.

    `address` is where it listens, once it has started; `key` is where the configuration says so.
    """

    def __init__(self, endpoint: Endpoint, key: str, render: Callable[[], str]) -> None:
        self.address = endpoint
        self._key = key
        self._render = render
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            StartError: the address cannot be listened on.

        """
        app = web.Application()
        app.router.add_get("/metrics", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            host, port = await self.address.resolve()
            await web.TCPSite(self._runner, host or None, port).start()
        except (OSError, StartError) as error:
            await self.shutdown()
            raise StartError(
                f"cannot serve own metrics on {self.address} ({error}): change {self._key}, or set "
                "service.telemetry.metrics.level to none"
            ) from error
        self.address = Endpoint(self.address.host, self._runner.addresses[0][1])

    async def shutdown(self) -> None:
        """Listen no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._render().encode(), headers={"Content-Type": CONTENT_TYPE})


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
