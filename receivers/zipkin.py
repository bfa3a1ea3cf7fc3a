"""Receiver `zipkin`: takes the spans of Zipkin's versions 1 and 2 over HTTP (https://zipkin.io/zipkin-api/)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from collector.api import (
    ConsumeError,
    Consumer,
    Host,
    PartialError,
    PermanentError,
    ReceiverFactory,
    Settings,
    StatusCode,
    option,
)
from collector.data import Batch, Signal
from collector.net.http import Handler, HttpAnswer, HttpError, HttpRequest, retry_headers, status_of_answer
from collector.net.offload import offload
from collector.net.server_config import HttpServerConfig, ListenAddress
from collector.translate.zipkin.names import Age
from collector.translate.zipkin.to_otlp import Reading, to_otlp
from collector.translate.zipkin.v1 import v1_to_otlp
from collector.translate.zipkin.v1_json import read_v1_json
from collector.translate.zipkin.v2_json import read_json
from collector.translate.zipkin.v2_proto import read_proto

if TYPE_CHECKING:
    from collector.net.http_server import HttpServer

PROTOBUF = "application/x-protobuf"
THRIFT = "application/x-thrift"
_V1 = "api/v1/spans"
# The statuses of a refusal for good that tell more than that: who may not send, and what is too large.
_TELLING = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class Config(HttpServerConfig):
    """Takes Zipkin's spans over HTTP: version 2 as JSON and protobuf, version 1 as JSON and Thrift.

    ```yaml
    endpoint: 0.0.0.0:9411
    ```
    """

    endpoint: ListenAddress = option(
        "localhost:9411", "Where to listen: `host:port`, or the path of a socket for `transport: unix`."
    )
    parse_string_tags: bool = option(False, "Make integers, doubles and bools of the tags that spell one.")
    attribute_names: Age = option(
        "old",
        "Names of attributes that have changed over time: `old` (`net.host.ip`, `net.peer.ip`, `peer.service`), `new` "
        "(`network.local.address`, `network.peer.address`, `service.peer.name`) or `both`.",
    )


class ZipkinReceiver:
    """Runs the server."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._config = config
        self._settings = settings
        self._intake = Intake(config, settings, next_consumer)
        self.http: HttpServer | None = None

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        from collector.net.http_server import HttpServer  # noqa: PLC0415 - it costs megabytes: only who runs one pays

        self.http = HttpServer(self._config, Paths(self._intake.handle), self._settings, answer_error)
        await self.http.start(host)

    async def shutdown(self) -> None:
        """Stop listening and wait for the requests that run."""
        if self.http is not None:
            await self.http.shutdown()


class Paths(Mapping[str, Handler]):
    """Serves every path, for Zipkin's clients are set up with all kinds: only what is version 1 must say so."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __getitem__(self, path: str) -> Handler:
        return self._handler

    def __iter__(self) -> Iterator[str]:
        return iter(("/", "/api/v1/spans", "/api/v2/spans"))

    def __len__(self) -> int:
        return 3


class Intake:
    """Takes the requests."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._reading = Reading(config.parse_string_tags, config.attribute_names)
        self._clock = settings.clock
        self._next = next_consumer
        self._admit: Callable[[Signal], None] | None = getattr(next_consumer, "admit", None)

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """Take a POST; the answer waits for the pipelines."""
        if request.method != "POST":
            raise HttpError(405, "405 method not allowed, supported: [POST]", reason="method")
        if self._admit is not None:
            self._admit(Signal.TRACES)
        body = await request.body()
        transport, translate = self._format(request)
        try:
            payload = await offload(len(body), translate, body)
        except ValueError as error:
            raise PermanentError(str(error), reason="malformed", code=StatusCode.INVALID_ARGUMENT) from error
        batch = Batch(Signal.TRACES, payload, replace(request.client, transport=transport))
        if batch.count:
            await self._hand_on(batch)
        return HttpAnswer(HTTPStatus.ACCEPTED, content_type="")

    async def _hand_on(self, batch: Batch) -> None:
        try:
            await self._next.consume(batch)
        except PartialError:
            # The rest was taken, and Zipkin has no words for a part: who refused it has counted it.
            return

    def _format(self, request: HttpRequest) -> tuple[str, Callable[[bytes], bytes]]:
        """Return how the body is to be read, with the word that metrics show."""
        if _V1 in request.path:
            return (
                ("http_v1_thrift", self._v1_thrift) if request.media_type == THRIFT else ("http_v1_json", self._v1_json)
            )
        return ("http_v2_proto", self._v2_proto) if request.media_type == PROTOBUF else ("http_v2_json", self._v2_json)

    def _v1_json(self, body: bytes) -> bytes:
        return v1_to_otlp(read_v1_json(body, self._reading), self._reading, self._clock.time_ns())

    def _v1_thrift(self, body: bytes) -> bytes:
        from collector.translate.zipkin.v1_thrift import read_v1_thrift  # noqa: PLC0415 - few still send it

        return v1_to_otlp(read_v1_thrift(body), self._reading, self._clock.time_ns())

    def _v2_json(self, body: bytes) -> bytes:
        return to_otlp(read_json(body), self._reading)

    def _v2_proto(self, body: bytes) -> bytes:
        return to_otlp(read_proto(body), self._reading)


def answer_error(request: HttpRequest, error: ConsumeError) -> HttpAnswer:  # noqa: ARG001 - an ErrorAnswer's arguments
    """Answer a refusal with its message; what is refused for good is the sender's fault, as the Go collector sees it."""
    status = status_of_answer(error)
    if isinstance(error, PermanentError) and not isinstance(error, HttpError) and status not in _TELLING:
        status = HTTPStatus.BAD_REQUEST
    return HttpAnswer(status, str(error).encode(), headers=retry_headers(error))


def create(config: Config, settings: Settings, next_consumer: Consumer) -> ZipkinReceiver:
    """Build the receiver."""
    return ZipkinReceiver(config, settings, next_consumer)


FACTORY = ReceiverFactory(type="zipkin", config=Config, create=create, signals=frozenset({Signal.TRACES}))
