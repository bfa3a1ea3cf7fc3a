"""What comes in, whatever it came over: translated, checked and handed on."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from collector.api import (
    ConsumeError,
    Consumer,
    PartialError,
    PermanentError,
    QuietLog,
    RetryableError,
    Settings,
    StatusCode,
)
from collector.data import Batch, Client, Signal
from collector.net.http import HttpAnswer, HttpError, HttpRequest
from collector.net.offload import offload
from collector.translate.jaeger.to_otlp import Translated

if TYPE_CHECKING:
    from collector.translate.thrift_protocols import Protocol

_THRIFT = ("application/x-thrift", "application/vnd.apache.thrift.binary")
_HTTP = "collector_http"
# Seconds for which a packet is offered to pipelines that take nothing, and between two attempts.
PATIENCE = 60.0
PAUSE = 1.0


class Intake:
    """Takes requests and packets. A `UnaryMethod` of gRPC."""

    def __init__(self, settings: Settings, next_consumer: Consumer) -> None:
        self._clock = settings.clock
        self._log = QuietLog(settings.logger, settings.clock)
        self._next = next_consumer
        self._admit: Callable[[Signal], None] | None = getattr(next_consumer, "admit", None)
        self._invalid = settings.telemetry.counter(
            "otelcol_jaeger_receiver_invalid_spans",
            "Spans that were left out because OTLP has no place for them, by reason.",
            ("transport", "reason"),
        )
        self._ending = False

    def end(self) -> None:
        """Offer packets only once more from now on."""
        self._ending = True

    def admit(self) -> None:
        """Refuse early what the pipelines would refuse anyway."""
        if self._admit is not None:
            self._admit(Signal.TRACES)

    async def handle(self, request: bytes, client: Client) -> bytes:
        """Take a `PostSpansRequest`; the response is empty."""
        from collector.translate.jaeger.proto import translate_post_spans  # noqa: PLC0415 - only who listens pays

        batch = await self._translated(request, translate_post_spans, client)
        await self._hand_on(batch)
        return b""

    async def handle_http(self, request: HttpRequest) -> HttpAnswer:
        """Take a POST of a batch in Thrift; the answer waits for the pipelines."""
        from collector.translate.jaeger.thrift import translate_batch  # noqa: PLC0415 - only who listens pays

        if request.method != "POST":
            raise HttpError(405, "405 method not allowed, supported: [POST]", reason="method")
        if request.media_type not in _THRIFT:
            raise HttpError(400, f"Unsupported content type: {request.media_type}", reason="unsupported_media_type")
        self.admit()
        body = await request.body()
        batch = await self._translated(body, translate_batch, replace(request.client, transport=_HTTP))
        await self._hand_on(batch)
        return HttpAnswer(HTTPStatus.ACCEPTED, content_type="")

    async def handle_packet(self, protocol: "Protocol", packet: bytes, client: Client) -> None:
        """Take a packet. It is offered for a while where pipelines take nothing: nobody will send it again."""
        from collector.translate.jaeger.thrift import translate_packet  # noqa: PLC0415 - only who listens pays

        batch = await self._translated(packet, partial(translate_packet, protocol=protocol), client)
        begun = self._clock.monotonic()
        while True:
            try:
                return await self._hand_on(batch)
            except RetryableError as error:
                if self._ending or self._clock.monotonic() - begun >= PATIENCE:
                    raise
                await self._clock.sleep(error.retry_after or PAUSE)

    async def _translated(self, payload: bytes, translate: Callable[[bytes], Translated], client: Client) -> Batch:
        """Return a payload's batch.

        Raises:
            PermanentError: it cannot be read, or there is no span in it that OTLP has a place for.

        """
        try:
            found = await offload(len(payload), translate, payload)
        except ValueError as error:
            raise _refused(f"Unable to process request body: {error}", "malformed") from error
        for reason, count in found.invalid.items():
            self._invalid.add(count, transport=client.transport, reason=reason)
            self._log.warning(
                "spans were left out", reason=reason, transport=client.transport, spans=count, error=found.complaint
            )
        if found.invalid and not found.count:
            raise _refused(f"no span can be taken: {found.complaint}", next(iter(found.invalid)))
        return Batch(Signal.TRACES, found.payload, client, count=found.count)

    async def _hand_on(self, batch: Batch) -> None:
        if not batch.count:
            return
        try:
            await self._next.consume(batch)
        except PartialError:
            # The rest was taken, and Jaeger has no words for a part: who refused it has counted it.
            return


def _refused(message: str, reason: str) -> ConsumeError:
    return PermanentError(message, reason=reason, code=StatusCode.INVALID_ARGUMENT)
