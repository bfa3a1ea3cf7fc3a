"""Exporter `zipkin`: traces as Zipkin's version 2 over HTTP, in JSON or protobuf (https://zipkin.io/zipkin-api/)."""

from typing import Literal, Self

from pydantic import model_validator

from collector.api import (
    ConsumeError,
    Duration,
    ExporterFactory,
    Host,
    PartialError,
    PermanentError,
    RetryableError,
    Settings,
    StatusCode,
    option,
)
from collector.data import Batch, Signal
from collector.delivery import DeliveryConfig
from collector.net.compressor import Compression
from collector.net.http_client import Answer, HttpClient, shown
from collector.net.http_client_config import HttpClientConfig
from collector.net.http_refusals import refusal
from collector.net.offload import offload
from collector.translate.zipkin.from_otlp import from_otlp
from collector.translate.zipkin.names import NO_SERVICE
from collector.translate.zipkin.v2_json import write_json
from collector.translate.zipkin.v2_proto import write_proto

_CONTENT_TYPES = {"json": "application/json", "proto": "application/x-protobuf"}
_WRITERS = {"json": write_json, "proto": write_proto}
_ADVICE = {
    401: "check headers or auth",
    403: "check what the credentials in headers or auth allow",
    404: "is the path right? `endpoint` is used as it is, such as http://localhost:9411/api/v2/spans",
    405: "is this where Zipkin takes spans? `endpoint` ends in /api/v2/spans as a rule",
    413: "send smaller batches: sending_queue.batch.max_size, or send_batch_max_size of the batch processor",
    415: "does the server take this format? set `format` to json or proto",
}


class Config(DeliveryConfig, HttpClientConfig):
    """Sends traces to a Zipkin server, or to whatever takes Zipkin's spans.

    ```yaml
    endpoint: http://localhost:9411/api/v2/spans
    ```
    """

    endpoint: str = option("", "URL that spans are sent to, used as it is: `http://localhost:9411/api/v2/spans`.")
    timeout: Duration = option(5.0, "How long one attempt may take; 0 for no limit.")
    compression: Compression = option("none", "How requests are compressed.")
    format: Literal["json", "proto"] = option("json", "How spans are encoded: JSON or protobuf, both of version 2.")
    default_service_name: str = option(
        "<missing service name>",
        f"Service of spans whose resource has none. Where it is not set, they are of `{NO_SERVICE}`, which receivers "
        "of Zipkin's spans know to mean none.",
    )

    @model_validator(mode="after")
    def _check_endpoint_is_given(self) -> Self:
        if not self.endpoint:
            raise ValueError("endpoint must not be empty: set it, such as http://localhost:9411/api/v2/spans")
        return self

    @property
    def default_service(self) -> str:
        """The service of spans whose resource has none."""
        return self.default_service_name if "default_service_name" in self.model_fields_set else NO_SERVICE


class ZipkinExporter:
    """Makes one request of each batch."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._url = config.endpoint
        self._write = _WRITERS[config.format]
        self._content_type = _CONTENT_TYPES[config.format]
        self._default_service = config.default_service
        self._clock = settings.clock
        self._client = HttpClient(config)

    async def start(self, host: Host) -> None:
        """Open the session.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        await self._client.start(host)

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once; what has no valid ids cannot be told to Zipkin and is refused, the rest is sent."""
        payload = batch.payload
        body, invalid = await offload(len(payload), self._translate, payload)
        if body:
            answer = await self._client.post(self._url, body, self._content_type, batch.client)
            if not 200 <= answer.status < 300:
                raise self._refused(answer)
        if invalid:
            raise _invalid(invalid, partial=bool(body))

    def _translate(self, payload: bytes) -> tuple[bytes, int]:
        """Return the body of a request, empty where no span is left, and how many spans cannot be sent."""
        spans, invalid = from_otlp(payload, self._default_service)
        return self._write(spans) if spans else b"", invalid

    def _refused(self, answer: Answer) -> ConsumeError:
        """Return the error that an answer other than yes means."""
        error = refusal(self._url, answer, _ADVICE, self._clock)
        # So Zipkin answers while its storage is away.
        return RetryableError(str(error), reason=error.reason) if answer.status == 500 else error

    async def shutdown(self) -> None:
        """Close the session."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"ZipkinExporter({shown(self._url)})"


def _invalid(count: int, *, partial: bool) -> ConsumeError:
    message = f"{count} spans cannot be told to Zipkin: TraceID is invalid or SpanID is: all zero, or of a wrong size"
    if partial:
        return PartialError(message, rejected=count, reason="invalid_id")
    return PermanentError(message, reason="invalid_id", code=StatusCode.INVALID_ARGUMENT)


def create(config: Config, settings: Settings) -> ZipkinExporter:
    """Build the exporter."""
    return ZipkinExporter(config, settings)


FACTORY = ExporterFactory(type="zipkin", config=Config, create=create, signals=frozenset({Signal.TRACES}))
