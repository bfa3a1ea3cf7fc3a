"""Exporter `otlp_grpc`: OTLP over gRPC, the bytes of each batch as they are."""

from typing import Self

from pydantic import model_validator

from collector.api import ExporterFactory, Host, PartialError, QuietLog, Settings
from collector.data import Batch
from collector.data.messages import SERVICES
from collector.delivery import DeliveryConfig
from collector.net.answers import parse_acceptance
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig, require_endpoint


class Config(DeliveryConfig, GrpcClientConfig):
    """Sends OTLP over gRPC to another collector or a backend.

    ```yaml
    endpoint: tempo.example.com:4317
    headers:
      authorization: Bearer ${env:TOKEN}
    ```
    """

    @model_validator(mode="after")
    def _check_endpoint_is_given(self) -> Self:
        require_endpoint(self)
        return self


class OtlpGrpcExporter:
    """Makes one request of each batch, over a channel that all share."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._client = GrpcClient(config, settings)
        self._log = QuietLog(settings.logger, settings.clock)

    async def start(self, host: Host) -> None:
        """Open the channel."""
        await self._client.start(host)

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once."""
        answer = await self._client.call(SERVICES[batch.signal], batch.payload, batch.client)
        rejected, message = parse_acceptance(batch.signal, answer)
        if rejected:
            raise PartialError(f"the backend refused {rejected} {batch.signal.items}: {message}", rejected=rejected)
        if message:
            self._log.warning("the backend took the data with a warning", reason="warning", message=message)

    async def shutdown(self) -> None:
        """Close the channel."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"OtlpGrpcExporter({self._client!r})"


def create(config: Config, settings: Settings) -> OtlpGrpcExporter:
    """Build the exporter."""
    return OtlpGrpcExporter(config, settings)


FACTORY = ExporterFactory(type="otlp_grpc", aliases=("otlp",), config=Config, create=create)
