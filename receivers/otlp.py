"""Receiver `otlp`: takes OTLP over gRPC and HTTP (https://opentelemetry.io/docs/specs/otlp/).

A request is decoded once, as its validity check, and goes on as the bytes that came. The answer waits for the
pipelines: what is acknowledged was taken.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import field_validator, model_validator

from collector.api import (
    ComponentConfig,
    ConsumeError,
    Consumer,
    Duration,
    Host,
    PartialError,
    PermanentError,
    ReceiverFactory,
    Settings,
    Stability,
    StatusCode,
    option,
)
from collector.data import Batch, Client, Signal, otlp_json
from collector.data.checking import check
from collector.data.messages import REJECTED, RESPONSES, SERVICES, DecodeError, ProtoMessage
from collector.net.grpc_servers import grpc_server
from collector.net.http import HttpAnswer, HttpError, HttpRequest, plain_error, retry_headers, status_of_answer
from collector.net.offload import offload
from collector.net.rpc import UnaryServer
from collector.net.server_config import GrpcServerConfig, HttpServerConfig, ListenAddress
from collector.net.status import status_of

if TYPE_CHECKING:
    from collector.net.http_server import HttpServer

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# The answer where all was taken: a message without fields, in either encoding.
_SUCCESS = {PROTOBUF: HttpAnswer(200, b"", PROTOBUF), JSON: HttpAnswer(200, b"{}", JSON)}


class GrpcProtocol(GrpcServerConfig):
    """OTLP over gRPC."""

    endpoint: ListenAddress = option(
        "localhost:4317", "Where to listen: `host:port`, or the path of a socket for `transport: unix`."
    )


class HttpProtocol(HttpServerConfig):
    """OTLP over HTTP, as protobuf or JSON."""

    endpoint: ListenAddress = option(
        "localhost:4318", "Where to listen: `host:port`, or the path of a socket for `transport: unix`."
    )
    traces_url_path: str = option("/v1/traces", "The path that takes traces.")
    metrics_url_path: str = option("/v1/metrics", "The path that takes metrics.")
    logs_url_path: str = option("/v1/logs", "The path that takes logs.")
    # An answer waits for the pipelines, and SDKs keep their connections: time limits on either would only lose data.
    write_timeout: Duration = option(0.0, "Time to write a response; 0 for no limit.", ge=0)
    idle_timeout: Duration = option(0.0, "Time to wait for the next request of a connection; 0 for no limit.", ge=0)

    @field_validator("traces_url_path", "metrics_url_path", "logs_url_path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        if value.startswith(":"):
            raise ValueError(f'"{value}" is not a URL path: write it like /v1/traces')
        return value if value.startswith("/") else f"/{value}"

    @model_validator(mode="after")
    def _check_paths(self) -> Self:
        if len(set(self.paths.values())) < len(self.paths):
            raise ValueError("traces_url_path, metrics_url_path and logs_url_path must differ")
        return self

    @property
    def paths(self) -> Mapping[Signal, str]:
        """The path of each signal."""
        return {
            Signal.TRACES: self.traces_url_path,
            Signal.METRICS: self.metrics_url_path,
            Signal.LOGS: self.logs_url_path,
        }


class Protocols(ComponentConfig):
    """What to listen for."""

    grpc: GrpcProtocol | None = option(None, "OTLP over gRPC; off where left out.")
    http: HttpProtocol | None = option(None, "OTLP over HTTP, as protobuf or JSON; off where left out.")


class Config(ComponentConfig):
    """Takes OTLP traces, metrics and logs over gRPC and HTTP.

    ```yaml
    protocols:
      grpc:
      http:
        endpoint: 0.0.0.0:4318
    ```
    """

    protocols: Protocols = option(Protocols, "The protocols to listen for, at least one.")

    @model_validator(mode="after")
    def _check_protocols(self) -> Self:
        if self.protocols.grpc is None and self.protocols.http is None:
            raise ValueError("name at least one protocol under protocols: `grpc:`, `http:` or both")
        return self


class OtlpReceiver:
    """Runs the servers that the configuration names."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._config = config.protocols
        self._settings = settings
        self._intakes = {signal: Intake(signal, next_consumer) for signal in settings.signals}
        self.grpc: UnaryServer | None = None
        self.http: HttpServer | None = None

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: an endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        try:
            await self._start_servers(host)
        except BaseException:
            await self.shutdown()
            raise

    async def _start_servers(self, host: Host) -> None:
        # Either server costs megabytes to import, so whoever needs one only does not pay for both.
        if self._config.grpc is not None:
            methods = {SERVICES[signal]: intake for signal, intake in self._intakes.items()}
            self.grpc = grpc_server(self._config.grpc, methods, self._settings)
            await self.grpc.start(host)
        if self._config.http is not None:
            from collector.net.http_server import HttpServer  # noqa: PLC0415

            paths = self._config.http.paths
            routes = {paths[signal]: intake.handle_http for signal, intake in self._intakes.items()}
            self.http = HttpServer(self._config.http, routes, self._settings, answer_error)
            await self.http.start(host)

    async def shutdown(self) -> None:
        """Stop listening and wait for the requests that run."""
        servers = [server for server in (self.grpc, self.http) if server is not None]
        await asyncio.gather(*(server.shutdown() for server in servers))


class Intake:
    """Takes the requests of one signal, whatever they came over. A `UnaryMethod` of gRPC."""

    def __init__(self, signal: Signal, next_consumer: Consumer) -> None:
        self._signal = signal
        self._next = next_consumer
        self._admit = getattr(next_consumer, "admit", None)

    def admit(self) -> None:
        """Refuse early what the pipelines would refuse anyway."""
        if self._admit is not None:
            self._admit(self._signal)

    async def handle(self, request: bytes, client: Client) -> bytes:
        """Take a serialized request; return the serialized response."""
        response = await self._take(self._checked(request, client))
        return b"" if response is None else response.SerializeToString()

    async def handle_http(self, request: HttpRequest) -> HttpAnswer:
        """Take a POST."""
        if request.method != "POST":
            raise HttpError(405, "405 method not allowed, supported: [POST]", reason="method")
        media_type = request.media_type
        if media_type not in (JSON, PROTOBUF):
            raise HttpError(
                415, f"415 unsupported media type, supported: [{JSON}, {PROTOBUF}]", reason="unsupported_media_type"
            )
        self.admit()
        body = await request.body()
        client = request.client
        batch = await self._from_json(body, client) if media_type == JSON else self._checked(body, client)
        response = await self._take(batch)
        return _SUCCESS[media_type] if response is None else HttpAnswer(200, _encode(response, media_type), media_type)

    async def _take(self, batch: Batch) -> ProtoMessage:
        """Hand a request on; return what to say about a part that was refused, or None where all was taken."""
        if not batch.count:
            return None
        try:
            await self._next.consume(batch)
        except PartialError as error:
            response = RESPONSES[self._signal]()
            setattr(response.partial_success, REJECTED[self._signal], error.rejected)
            response.partial_success.error_message = str(error)
            return response
        return None

    def _checked(self, payload: bytes, client: Client) -> Batch:
        """Return the batch of a request that is valid: one bad sender must not spoil what is merged with it later."""
        try:
            count = check(self._signal, payload)
        except DecodeError as error:
            raise _malformed(f"the request is not a valid OTLP message of {self._signal.value}") from error
        return Batch(self._signal, payload, client, count=count)

    async def _from_json(self, text: bytes, client: Client) -> Batch:
        try:
            payload = await offload(len(text), otlp_json.decode, self._signal, text)
        except ValueError as error:
            raise _malformed(str(error)) from error
        return Batch(self._signal, payload, client)


def answer_error(request: HttpRequest, error: ConsumeError) -> HttpAnswer:
    """Answer a refusal with a `google.rpc.Status` in the request's own encoding, where OTLP has one."""
    media_type = request.media_type
    if isinstance(error, HttpError) or media_type not in (JSON, PROTOBUF):
        return plain_error(request, error)
    return HttpAnswer(status_of_answer(error), _encode(status_of(error), media_type), media_type, retry_headers(error))


def _encode(message: ProtoMessage, media_type: str) -> bytes:
    if media_type == JSON:
        from google.protobuf import json_format  # noqa: PLC0415 - not small, and few senders speak JSON

        return json_format.MessageToJson(message, indent=None).encode()
    encoded: bytes = message.SerializeToString()
    return encoded


def _malformed(message: str) -> PermanentError:
    return PermanentError(message, reason="malformed", code=StatusCode.INVALID_ARGUMENT)


def create(config: Config, settings: Settings, next_consumer: Consumer) -> OtlpReceiver:
    """Build the receiver."""
    return OtlpReceiver(config, settings, next_consumer)


FACTORY = ReceiverFactory(type="otlp", config=Config, create=create, stability=Stability.STABLE)
