"""Exporter `jaeger_thrift`: traces to Jaeger as Thrift over HTTP, for servers that take no OTLP."""

from typing import Self

from pydantic import model_validator

from collector.api import Duration, ExporterFactory, Host, RetryableError, Settings, option
from collector.data import Batch, Signal
from collector.delivery import DeliveryConfig
from collector.net.compressor import Compression
from collector.net.http_client import HttpClient, shown
from collector.net.http_client_config import HttpClientConfig
from collector.net.http_refusals import refusal
from collector.net.offload import offload
from collector.translate.jaeger.from_otlp import from_otlp
from collector.translate.jaeger.thrift import write_batches
from exporters.jaeger.refusals import invalid_ids

_CONTENT_TYPE = "application/x-thrift"
_ADVICE = {
    401: "check headers or auth",
    403: "check what the credentials in headers or auth allow",
    404: "is the path right? `endpoint` is used as it is, such as http://localhost:14268/api/traces",
    405: "is this where Jaeger takes spans? `endpoint` ends in /api/traces as a rule",
    413: "send smaller batches: sending_queue.batch.max_size, or send_batch_max_size of the batch processor",
}


class Config(DeliveryConfig, HttpClientConfig):
    """Sends traces as Thrift over HTTP to servers of Jaeger that take no OTLP.

    ```yaml
    endpoint: http://jaeger:14268/api/traces
    ```
    """

    endpoint: str = option("", "URL that spans are sent to, used as it is: `http://localhost:14268/api/traces`.")
    timeout: Duration = option(5.0, "How long one attempt may take; 0 for no limit.")
    compression: Compression = option("none", "How requests are compressed.")

    @model_validator(mode="after")
    def _check_endpoint_is_given(self) -> Self:
        if not self.endpoint:
            raise ValueError("endpoint must not be empty: set it, such as http://localhost:14268/api/traces")
        return self


class JaegerThriftExporter:
    """Makes a request of each resource in a batch, for Thrift has no more in one."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._url = config.endpoint
        self._clock = settings.clock
        self._client = HttpClient(config)

    async def start(self, host: Host) -> None:
        """Open the session.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        await self._client.start(host)

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once; where one of its requests fails, all are sent again."""
        payload = batch.payload
        bodies, invalid = await offload(len(payload), _translate, payload)
        for body in bodies:
            answer = await self._client.post(self._url, body, _CONTENT_TYPE, batch.client)
            if not 200 <= answer.status < 300:
                error = refusal(self._url, answer, _ADVICE, self._clock)
                # So Jaeger answers while its queue is full.
                raise RetryableError(str(error), reason=error.reason) if answer.status == 500 else error
        if invalid:
            raise invalid_ids(invalid, partial=bool(bodies))

    async def shutdown(self) -> None:
        """Close the session."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"JaegerThriftExporter({shown(self._url)})"


def _translate(payload: bytes) -> tuple[list[bytes], int]:
    """Return the bodies of requests, and how many spans cannot be sent."""
    spans, invalid = from_otlp(payload)
    return list(write_batches(spans)), invalid


def create(config: Config, settings: Settings) -> JaegerThriftExporter:
    """Build the exporter."""
    return JaegerThriftExporter(config, settings)


FACTORY = ExporterFactory(type="jaeger_thrift", config=Config, create=create, signals=frozenset({Signal.TRACES}))
