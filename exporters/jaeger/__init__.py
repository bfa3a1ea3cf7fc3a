"""Exporter `jaeger`: traces to Jaeger over gRPC, as OTLP or in the older `api_v2`."""

from typing import Literal, Self, TypeAlias

from pydantic import model_validator

from collector.api import (
    ConsumeError,
    ExporterFactory,
    Host,
    PartialError,
    PermanentError,
    QuietLog,
    Settings,
    StatusCode,
    option,
)
from collector.data import Batch, Signal
from collector.data.messages import SERVICES
from collector.delivery import DeliveryConfig
from collector.net.answers import parse_acceptance
from collector.net.grpc_client import GrpcClient
from collector.net.grpc_client_config import GrpcClientConfig, require_endpoint
from collector.net.offload import offload
from collector.translate.jaeger import names
from exporters.jaeger.refusals import invalid_ids

Protocol: TypeAlias = Literal["otlp", "grpc_v2"]
_PORT_OF_V2 = ":14250"


class Config(DeliveryConfig, GrpcClientConfig):
    """Sends traces to Jaeger over gRPC: OTLP to versions from 1.35 on, or `api_v2` to older ones.

    ```yaml
    endpoint: jaeger:4317
    tls:
      insecure: true
    ```
    """

    protocol: Protocol | None = option(
        None,
        "What to send: `otlp`, or `grpc_v2` for servers before 1.35. Where it is not set, `grpc_v2` for an endpoint of "
        "port 14250, on which Jaeger takes nothing else, and `otlp` for any other.",
    )

    @model_validator(mode="after")
    def _check_endpoint_is_given(self) -> Self:
        require_endpoint(self)
        return self

    @property
    def spoken(self) -> Protocol:
        """The protocol to speak."""
        return self.protocol or ("grpc_v2" if self.endpoint.endswith(_PORT_OF_V2) else "otlp")


class JaegerExporter:
    """Makes one request of each batch, over a channel that all share."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._protocol = config.spoken
        self._push = self._push_otlp if self._protocol == "otlp" else self._push_v2
        self._client = GrpcClient(config, settings)
        self._log = QuietLog(settings.logger, settings.clock)

    async def start(self, host: Host) -> None:
        """Open the channel."""
        await self._client.start(host)

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once."""
        try:
            await self._push(batch)
        except ConsumeError as error:
            if error.code is not StatusCode.UNIMPLEMENTED:
                raise
            other = "grpc_v2, which servers before 1.35 need" if self._protocol == "otlp" else "otlp"
            raise PermanentError(
                f"{error}: the server does not take {self._protocol}: check the port, or set protocol to {other}",
                reason=error.reason,
                code=error.code,
            ) from error

    async def _push_otlp(self, batch: Batch) -> None:
        answer = await self._client.call(SERVICES[Signal.TRACES], batch.payload, batch.client)
        rejected, message = parse_acceptance(Signal.TRACES, answer)
        if rejected:
            raise PartialError(f"Jaeger refused {rejected} spans: {message}", rejected=rejected)
        if message:
            self._log.warning("Jaeger took the data with a warning", reason="warning", message=message)

    async def _push_v2(self, batch: Batch) -> None:
        """Send what Jaeger has a place for; what has ids of a wrong size is refused."""
        payload = batch.payload
        request, invalid = await offload(len(payload), _translate, payload)
        if request:
            await self._client.call(names.POST_SPANS, request, batch.client)
        if invalid:
            raise invalid_ids(invalid, partial=bool(request))

    async def shutdown(self) -> None:
        """Close the channel."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"JaegerExporter({self._protocol}, {self._client!r})"


def _translate(payload: bytes) -> tuple[bytes, int]:
    """Return a request, empty where no span is left, and how many spans cannot be sent."""
    from collector.translate.jaeger.from_otlp import from_otlp  # noqa: PLC0415 - who sends OTLP does not pay for it
    from collector.translate.jaeger.proto import write_post_spans  # noqa: PLC0415

    spans, invalid = from_otlp(payload)
    return write_post_spans(spans) if spans else b"", invalid


def create(config: Config, settings: Settings) -> JaegerExporter:
    """Build the exporter."""
    return JaegerExporter(config, settings)


FACTORY = ExporterFactory(type="jaeger", config=Config, create=create, signals=frozenset({Signal.TRACES}))
