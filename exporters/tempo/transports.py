"""Carrying requests to Tempo: by OTLP's one method over gRPC, or as `http_transport` does."""

from collections.abc import Mapping
from typing import Protocol

from collector.api import Host, Settings
from collector.data import Batch
from collector.data.messages import SERVICES
from collector.net.grpc_client import GrpcClient
from exporters.tempo.config import Config


class Transport(Protocol):
    """What the exporter sends through."""

    async def start(self, host: Host) -> None:
        """Open the connection, which is made with the first request."""

    async def send(self, batch: Batch, headers: Mapping[str, str]) -> bytes:
        """Return the serialized OTLP response to a batch, which is sent with some more headers.

        Raises:
            ConsumeError: Tempo refused it or could not be reached.

        """

    async def close(self) -> None:
        """Close the connection; may be called twice, and without `start`."""


class GrpcTransport:
    """One channel."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._client = GrpcClient(config, settings)
        self.start = self._client.start
        self.close = self._client.close

    async def send(self, batch: Batch, headers: Mapping[str, str]) -> bytes:
        """Make a call of a batch."""
        return await self._client.call(SERVICES[batch.signal], batch.payload, batch.client, headers)

    def __repr__(self) -> str:
        return repr(self._client)


def open_transport(config: Config, settings: Settings) -> Transport:
    """Return what speaks the configured protocol; only that one is imported."""
    if config.protocol == "http":
        from exporters.tempo.http_transport import HttpTransport  # noqa: PLC0415

        return HttpTransport(config, settings)
    return GrpcTransport(config, settings)
