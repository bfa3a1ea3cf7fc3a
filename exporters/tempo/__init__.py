"""Exporter `tempo`: traces to Grafana Tempo, as OTLP over gRPC or HTTP, for one tenant or many."""

from collector.api import ConsumeError, ExporterFactory, Host, PartialError, QuietLog, Settings
from collector.data import Batch, Signal
from collector.delivery.batcher import cut
from collector.net.answers import parse_acceptance
from collector.net.offload import offload
from exporters.tempo.config import Config
from exporters.tempo.refusals import explained
from exporters.tempo.tenants import Tenants
from exporters.tempo.transports import open_transport


class TempoExporter:
    """Makes one request of each part of a batch: those of a tenant, and not more bytes than Tempo takes."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._max_bytes = config.max_request_bytes
        self._tenants = Tenants(config)
        self._transport = open_transport(config.signed(), settings)
        self._log = QuietLog(settings.logger, settings.clock)

    async def start(self, host: Host) -> None:
        """Open the connection.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        await self._transport.start(host)

    async def divide(self, batch: Batch) -> list[Batch]:
        """Return the parts of a batch, each with its tenant among its client's metadata."""
        parts = await self._tenants.divide(batch)
        if all(_size(part) <= self._max_bytes for part in parts):
            return parts
        return await offload(len(batch.payload), self._cut, parts)

    def _cut(self, parts: list[Batch]) -> list[Batch]:
        return [piece for part in parts for piece in cut(part, self._max_bytes, _size)]

    async def push(self, batch: Batch) -> None:
        """Deliver a part once."""
        headers = self._tenants.headers(batch)
        try:
            answer = await self._transport.send(batch, headers)
        except ConsumeError as error:
            raise explained(error) from error
        rejected, message = parse_acceptance(Signal.TRACES, answer)
        if rejected:
            raise PartialError(f"Tempo refused {rejected} spans: {message}", rejected=rejected)
        if message:
            self._log.warning("Tempo took the data with a warning", reason="warning", message=message)

    async def shutdown(self) -> None:
        """Close the connection."""
        await self._transport.close()

    def __repr__(self) -> str:
        return f"TempoExporter({self._transport!r})"


def _size(batch: Batch) -> int:
    return len(batch.payload)


def create(config: Config, settings: Settings) -> TempoExporter:
    """Build the exporter."""
    return TempoExporter(config, settings)


FACTORY = ExporterFactory(type="tempo", config=Config, create=create, signals=frozenset({Signal.TRACES}))
