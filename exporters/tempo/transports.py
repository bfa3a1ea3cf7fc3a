"""Carrying requests to Tempo: OTLP's one method over gRPC, or its one path over HTTP."""

from typing import Protocol

from collector.api import ConsumeError, Host, PermanentError, Settings
from collector.data import Batch
from collector.data.messages import SERVICES
from collector.net.answers import error_of_http, parse_failure, parse_retry_after
from collector.net.grpc_client import GrpcClient
from collector.net.http_client import Answer, HttpClient, shown
from exporters.tempo.config import Config

_PROTOBUF = "application/x-protobuf"
_SHOWN = 200  # characters of what a server says that is not OTLP


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
        if answer.body is None or (answer.body and not _is_otlp(answer)):
            raise PermanentError(
                f"{shown(self._url)}: what says yes there does not answer as OTLP does: is the URL right?",
                reason="bad_answer",
            )
        return answer.body

    def _refused(self, answer: Answer) -> ConsumeError:
        body = answer.body or b""
        detail = parse_failure(body) if _is_otlp(answer) else body.decode(errors="replace").strip()[:_SHOWN]
        if location := answer.headers.get("Location"):
            detail = f"redirected to {shown(location)}: set that as the endpoint"
        retry_after = parse_retry_after(answer.headers.get("Retry-After"), self._clock.time_ns() / 1e9)
        return error_of_http(answer.status, f"{shown(self._url)}: HTTP status {answer.status}: {detail}", retry_after)

    def __repr__(self) -> str:
        return repr(self._client)


def _is_otlp(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == _PROTOBUF
