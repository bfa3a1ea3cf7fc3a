"""Carrying requests to Tempo by OTLP's one path over HTTP."""

from collections.abc import Mapping

from collector.api import ConsumeError, PermanentError, Settings
from collector.data import Batch
from collector.net.answers import parse_failure
from collector.net.http_client import Answer, HttpClient, shown
from collector.net.http_refusals import refusal
from exporters.tempo.config import Config

_PROTOBUF = "application/x-protobuf"


class HttpTransport:
    """One session."""

    def __init__(self, config: Config, settings: Settings) -> None:
        block = config.http_client
        self._url = f"{block.endpoint.rstrip('/')}/v1/traces"
        self._clock = settings.clock
        self._client = HttpClient(block)
        self.start = self._client.start
        self.close = self._client.close

    async def send(self, batch: Batch, headers: Mapping[str, str]) -> bytes:
        """Post a batch."""
        answer = await self._client.post(self._url, batch.payload, _PROTOBUF, batch.client, headers)
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
