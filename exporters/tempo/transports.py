"""Carrying requests to Tempo: OTLP's one method over gRPC, or its one path over HTTP."""

from typing import Protocol

from collector.api import ConsumeError, Host, PermanentError, Settings
from collector.data import Batch
from collector.data.messages import SERVICES
from collector.net.answers import parse_failure
from collector.net.grpc_client import GrpcClient
from collector.net.http_client import Answer, HttpClient, shown
from collector.net.http_refusals import refusal
from exporters.tempo.config import Config

_PROTOBUF = "application/x-protobuf"


class Transport(Protocol):
    """What the exporter sends through."""

    async def start(self, host: Host) -> None:
        """Open the connection, which is made with the first request."""

    async def send(self, batch: Batch) -> bytes:
        """Return the serialized OTLP response to a batch.

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

    async def send(self, batch: Batch) -> bytes:
        """Make a call of a batch."""
        return await self._client.call(SERVICES[batch.signal], batch.payload, batch.client)

    def __repr__(self) -> str:
        return repr(self._client)


class HttpTransport:
    """One session."""

    def __init__(self, config: Config, settings: Settings) -> None:
        block = config.http_client
        self._url = f"{block.endpoint.rstrip('/')}/v1/traces"
        self._clock = settings.clock
        self._client = HttpClient(block)
        self.start = self._client.start
        self.close = self._client.close

    async def send(self, batch: Batch) -> bytes:
        """Post a batch."""
        answer = await self._client.post(self._url, batch.payload, _PROTOBUF, batch.client)
        if not 200 <= answer.status < 300:
            raise self._refused(answer)
        if answer.body is None or (answer.body and answer.media_type != _PROTOBUF):
            raise PermanentError(
                f"{shown(self._url)}: what says yes there does not answer as OTLP does: is the URL right?",
                reason="bad_answer",
            )
        return answer.body

    def _refused(self, answer: Answer) -> ConsumeError:
        detail = parse_failure(answer.body or b"") if answer.media_type == _PROTOBUF else None
        return refusal(self._url, answer, {}, self._clock, detail)

    def __repr__(self) -> str:
        return repr(self._client)
