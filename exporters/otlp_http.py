"""Exporter `otlp_http`: OTLP over HTTP, in protobuf or JSON."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from collector.api import (
    ConsumeError,
    Duration,
    ExporterFactory,
    Host,
    PartialError,
    PermanentError,
    QuietLog,
    Settings,
    StartError,
    option,
)
from collector.data import Batch, Signal
from collector.data.otlp_json import encode
from collector.delivery import DeliveryConfig
from collector.net.answers import parse_acceptance, parse_failure
from collector.net.http_client import Answer, HttpClient, shown
from collector.net.http_client_config import HttpClientConfig, check_url
from collector.net.http_refusals import refusal
from collector.net.offload import offload

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_ADVICE = {
    401: "check headers or auth",
    403: "check what the credentials in headers or auth allow",
    404: "is the path right? `endpoint` is followed by /v1/traces and the like, `traces_endpoint` is used as it is",
    405: "is this an OTLP/HTTP endpoint?",
    413: "send smaller batches: sending_queue.batch.max_size, or send_batch_max_size of the batch processor",
}


class Config(DeliveryConfig, HttpClientConfig):
    """Sends OTLP over HTTP to another collector or a backend.

    ```yaml
    endpoint: https://otlp.example.com
    headers:
      authorization: Bearer ${env:TOKEN}
    ```
    """

    timeout: Duration = option(30.0, "How long one attempt may take; 0 for no limit.")
    encoding: Literal["proto", "json"] = option("proto", "How requests are encoded: protobuf or JSON.")
    traces_endpoint: str = option("", "URL for traces, used as it is; empty for `endpoint` followed by /v1/traces.")
    metrics_endpoint: str = option("", "URL for metrics, used as it is; empty for `endpoint` followed by /v1/metrics.")
    logs_endpoint: str = option("", "URL for logs, used as it is; empty for `endpoint` followed by /v1/logs.")
    profiles_endpoint: str = option("", "Accepted for compatibility; profiles are not there yet.")

    @field_validator("traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
    @classmethod
    def _check_urls(cls, value: str) -> str:
        return check_url(value)

    @model_validator(mode="after")
    def _check_endpoint_is_given(self) -> Self:
        if not (self.endpoint or self.profiles_endpoint or any(self.url(signal) for signal in Signal)):
            raise ValueError("at least one endpoint must be specified: set endpoint, such as http://localhost:4318")
        return self

    def url(self, signal: Signal) -> str:
        """Return where a signal is sent to, or an empty text."""
        own: str = getattr(self, f"{signal.value}_endpoint")
        if own or not self.endpoint:
            return own
        return f"{self.endpoint.rstrip('/')}/v1/{signal.value}"


class OtlpHttpExporter:
    """Makes one request of each batch."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._json = config.encoding == "json"
        self._content_type = _JSON if self._json else _PROTOBUF
        self._urls = {signal: config.url(signal) for signal in settings.signals}
        self._clock = settings.clock
        self._client = HttpClient(config)
        self._log = QuietLog(settings.logger, settings.clock)

    async def start(self, host: Host) -> None:
        """Open the session.

        Raises:
            StartError: there is no endpoint for a signal of the pipelines.

        """
        for signal, url in self._urls.items():
            if not url:
                raise StartError(f"no endpoint for {signal.value}: set endpoint or {signal.value}_endpoint")
        await self._client.start(host)

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once."""
        url = self._urls[batch.signal]
        body = batch.payload
        if self._json:
            body = await offload(len(body), encode, batch.signal, body)
        answer = await self._client.post(url, body, self._content_type, batch.client)
        if not 200 <= answer.status < 300:
            raise self._refused(url, answer)
        self._accepted(url, answer, batch.signal)

    def _accepted(self, url: str, answer: Answer, signal: Signal) -> None:
        """Note what an answer that says yes says besides."""
        if answer.body is None:
            raise PermanentError(
                f"{shown(url)}: the answer is too long for OTLP; is the URL right?", reason="bad_answer"
            )
        content_type = answer.media_type
        if answer.body and content_type not in (_PROTOBUF, _JSON):
            self._log.warning(
                "the backend took the data but did not answer as OTLP does: is the URL right?",
                reason="bad_answer",
                endpoint=shown(url),
                content_type=content_type,
            )
            return
        rejected, message = parse_acceptance(signal, answer.body, json=content_type == _JSON)
        if rejected:
            raise PartialError(
                f"{shown(url)}: the backend refused {rejected} {signal.items}: {message}", rejected=rejected
            )
        if message:
            self._log.warning("the backend took the data with a warning", reason="warning", message=message)

    def _refused(self, url: str, answer: Answer) -> ConsumeError:
        """Return the error that an answer other than yes means."""
        detail = parse_failure(answer.body or b"", json=answer.media_type == _JSON)
        return refusal(url, answer, _ADVICE, self._clock, detail)

    async def shutdown(self) -> None:
        """Close the session."""
        await self._client.close()

    def __repr__(self) -> str:
        urls = ", ".join(sorted({shown(url) for url in self._urls.values() if url}))
        return f"OtlpHttpExporter({urls})"


def create(config: Config, settings: Settings) -> OtlpHttpExporter:
    """Build the exporter."""
    return OtlpHttpExporter(config, settings)


FACTORY = ExporterFactory(type="otlp_http", aliases=("otlphttp",), config=Config, create=create)
