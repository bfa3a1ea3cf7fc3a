"""A real OTLP backend on loopback that remembers what it was sent, over gRPC (grpcio) and HTTP (aiohttp)."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import grpc
from aiohttp import web

from collector.api import RetryableError, StatusCode
from collector.data import Batch, Client, Signal
from collector.data.messages import RESPONSES, SERVICES, ProtoMessage
from collector.net.status import status_of

_UNLIMITED = [("grpc.max_receive_message_length", -1)]


class OtlpBackend:
    """Takes OTLP export requests of all signals; use as `async with OtlpBackend() as backend`.

    `batches` are the requests as they came, their client's metadata the request headers. While `refusal` is set to a
    gRPC code, gRPC requests are refused with it (counted in `refused`), with a RetryInfo of `retry_after` seconds where
    that is set. While `answering` is cleared requests hang. So tests can play a broken backend.
    """

    def __init__(self, host: str = "127.0.0.1", *, grpc_port: int = 0, http_port: int = 0) -> None:
        self._host = host
        self._wanted = (grpc_port, http_port)
        self._changed = asyncio.Condition()
        self._grpc: grpc.aio.Server | None = None
        self._http: web.AppRunner | None = None
        self.batches: list[Batch] = []
        self.refusal: grpc.StatusCode | None = None
        self.retry_after: float | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        self.refused = 0
        self.grpc_endpoint = ""
        self.http_endpoint = ""

    async def __aenter__(self) -> Self:
        self._grpc = grpc.aio.server(options=_UNLIMITED, compression=grpc.Compression.NoCompression)
        for signal, path in SERVICES.items():
            service, method = path[1:].rsplit("/", 1)
            handler = grpc.unary_unary_rpc_method_handler(self._grpc_handler(signal))
            self._grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        self.grpc_endpoint = f"{self._host}:{self._grpc.add_insecure_port(f'{self._host}:{self._wanted[0]}')}"
        await self._grpc.start()
        application = web.Application(client_max_size=2**30)
        for signal in Signal:
            application.router.add_post(f"/v1/{signal.value}", self._http_handler(signal))
        self._http = web.AppRunner(application, access_log=None)
        await self._http.setup()
        await web.TCPSite(self._http, self._host, self._wanted[1]).start()
        self.http_endpoint = f"http://{self._host}:{self._http.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._grpc is not None:
            await self._grpc.stop(None)
        if self._http is not None:
            await self._http.cleanup()

    def items(self, signal: Signal) -> list[ProtoMessage]:
        """Return every span, log record or metric that came."""
        return [
            scope.message(index)
            for batch in self.batches
            if batch.signal is signal
            for _, scope in batch.open().scopes()
            for index in range(len(scope))
        ]

    def resources(self, signal: Signal) -> list[ProtoMessage]:
        """Return every resource that came, repeated as often as it was sent."""
        return [
            resource.resource for batch in self.batches if batch.signal is signal for resource in batch.open().resources
        ]

    def counts(self) -> Counter[Signal]:
        """Return how many spans, log records and data points came."""
        totals: Counter[Signal] = Counter()
        for batch in self.batches:
            totals[batch.signal] += batch.count
        return totals

    async def wait_for(self, count: int, signal: Signal = Signal.TRACES, seconds: float = 60.0) -> None:
        """Return once so many spans, log records or data points came; raise `TimeoutError` where they do not."""
        await self.wait_until(lambda: self.counts()[signal] >= count, seconds)

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return once something holds that requests bring about; raise `TimeoutError` where it does not."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _remember(self, batch: Batch) -> None:
        async with self._changed:
            self.batches.append(batch)
            self._changed.notify_all()

    async def _refuse(self, code: grpc.StatusCode, context: grpc.aio.ServicerContext) -> None:
        async with self._changed:
            self.refused += 1
            self._changed.notify_all()
        details: tuple[tuple[str, bytes], ...] = ()
        if self.retry_after is not None:
            error = RetryableError("the test refuses", code=StatusCode(code.value[0]), retry_after=self.retry_after)
            details = (("grpc-status-details-bin", status_of(error).SerializeToString()),)
        await context.abort(code, "the test refuses", details)

    def _grpc_handler(self, signal: Signal) -> Any:
        async def handle(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            await self.answering.wait()
            if self.refusal is not None:
                await self._refuse(self.refusal, context)
            metadata = {key: (value,) for key, value in context.invocation_metadata() or ()}
            await self._remember(Batch(signal, request, Client(context.peer(), "grpc", metadata)))
            answer: bytes = RESPONSES[signal]().SerializeToString()
            return answer

        return handle

    def _http_handler(self, signal: Signal) -> Any:
        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            await self.answering.wait()
            if body[:2] == b"\x1f\x8b":
                body = gzip.decompress(body)
            metadata = {key.lower(): (value,) for key, value in request.headers.items()}
            await self._remember(Batch(signal, body, Client(request.remote or "", "http", metadata)))
            return web.Response(body=RESPONSES[signal]().SerializeToString(), content_type="application/x-protobuf")

        return handle
