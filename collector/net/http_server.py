"""The HTTP/1.1 server: `collector.net.http` over aiohttp's protocol.

Bodies are read and inflated here, in steps, so that no limit is passed before it is noticed. A connection that keeps
the server waiting, with half a header or half a body, is cut.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from collector.api import Host, Settings, StartError, TaskOwner
from collector.data import NO_CLIENT
from collector.net.addresses import Endpoint
from collector.net.auth import Headers
from collector.net.budget import Reservation
from collector.net.compression import Encoding, Inflater
from collector.net.cors import Cors
from collector.net.deadlines import Deadlines
from collector.net.door import Door
from collector.net.http import ErrorAnswer, Handler, HttpAnswer, HttpError, HttpRequest, plain_error
from collector.net.server_config import HttpServerConfig
from collector.net.tls import reloading_server_context

# Seconds for requests that run when the server is told to stop.
GRACE = 5.0
# Seconds for those that were cancelled then. aiohttp takes 0 for no limit.
_CUT = 0.1
# Seconds without a byte after which a body is given up, where the configuration has no read_timeout.
_STALLED = 60.0
# aiohttp needs a number where the configuration says never; this is its own default.
_NO_IDLE_TIMEOUT = 3630.0


class HttpServer:
    """Serves handlers by path. `address` is where, once it has started; for a Unix socket its path and port 0."""

    def __init__(
        self,
        config: HttpServerConfig,
        routes: Mapping[str, Handler],
        settings: Settings,
        answer_error: ErrorAnswer = plain_error,
    ) -> None:
        self.config = config
        self.address = Endpoint("", 0)
        self.door = Door(config, settings, "http")
        self.deadlines = Deadlines(settings.clock, lambda: self.door.count("timeout"))
        self._settings = settings
        self._routes = routes
        self._answer_error = answer_error
        self._cors = Cors(config.cors) if config.cors and config.cors.allowed_origins else None
        self._headers = {name: value.get_secret_value() for name, value in config.response_headers.items()}
        self._tasks = TaskOwner(f"{settings.id}:http", settings.logger)
        self._listener: asyncio.Server | None = None
        self._connections: web.Server | None = None
        self._running = 0
        self._stopping = False
        self._drained = asyncio.Event()

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        self.door.open(host)
        self._connections = web.Server(self._serve)
        try:
            self._listener = await self._listen(self._connections)
        except OSError as error:
            raise StartError(f"endpoint: cannot listen on {self.config.endpoint}: {error.strerror or error}") from error
        self._tasks.start("deadlines", self.deadlines.watch())
        self._settings.logger.info("listening", transport="http", endpoint=self.config.endpoint, port=self.address.port)

    async def _listen(self, connections: web.Server) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        tls = self.config.tls
        context = None if tls is None else reloading_server_context(tls, self._settings.clock, self._settings.logger)

        def connect() -> _Connection:
            return _Connection(connections, self, loop)

        if self.config.transport == "unix":
            listener = await loop.create_unix_server(connect, self.config.endpoint, ssl=context)
            self.address = Endpoint(self.config.endpoint, 0)
            return listener
        endpoint = await Endpoint.to_listen_on(self.config.endpoint).resolve(self.config.transport)
        listener = await loop.create_server(connect, endpoint.host or None, endpoint.port, ssl=context)
        self.address = endpoint._replace(port=listener.sockets[0].getsockname()[1])
        return listener

    async def shutdown(self) -> None:
        """Take no more connections and wait for requests that run, `GRACE` seconds at most."""
        listener, self._listener = self._listener, None
        if listener is None or self._connections is None:
            return
        listener.close()
        self._stopping = True
        if self._running:
            self._tasks.start("grace", self._give_up())
            await self._drained.wait()
        self._connections.pre_shutdown()
        await self._connections.shutdown(timeout=_CUT)
        await self._tasks.cancel()

    async def _give_up(self) -> None:
        await self._settings.clock.sleep(GRACE)
        self._drained.set()

    async def _serve(self, raw: web.BaseRequest) -> web.StreamResponse:
        transport = raw.transport
        if transport is None:
            self.door.count("disconnected")
            return web.Response(status=400)  # which nobody will read
        self.deadlines.clear(transport)
        self._running += 1
        try:
            with self.door.budget.reserve() as reservation:
                answer = await self._answer(_Request(raw, self, reservation))
            return self._response(raw, answer)
        finally:
            self._running -= 1
            self.deadlines.clear(transport)
            if self._stopping and not self._running:
                self._drained.set()

    async def _answer(self, request: "_Request") -> HttpAnswer:
        if self._cors is not None and request.method == "OPTIONS" and "Origin" in request.headers:
            return HttpAnswer(204, content_type="", headers=self._cors.preflight(request.headers))
        try:
            request.client = await self.door.enter(request.raw.remote or "", request.all_headers)
            return await self._routes.get(request.path, _not_found)(request)
        except _SenderGoneError:
            self.door.count("disconnected")
            return HttpAnswer(400)  # which nobody will read
        except Exception as error:  # noqa: BLE001 - the border: whatever went wrong becomes an answer
            return self._answer_error(request, self.door.refusal(error))

    def _response(self, raw: web.BaseRequest, answer: HttpAnswer) -> web.Response:
        response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        headers = response.headers
        headers.update(self._headers)
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        if self._cors is not None and raw.method != "OPTIONS":
            headers.update(self._cors.actual(raw.headers))
        if self._stopping or not self.config.reuses_connections:
            response.force_close()
        return response


class _SenderGoneError(ConnectionError):
    """The connection ended before the body did."""


async def _not_found(request: HttpRequest) -> HttpAnswer:
    raise HttpError(404, f"404 page not found: {request.path}", reason="unknown_path")


class _Connection(web.RequestHandler):
    """aiohttp's protocol, with a deadline for headers, and with its complaints about senders counted, not shouted."""

    __slots__ = ("_server",)

    def __init__(self, connections: web.Server, server: HttpServer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            connections,
            loop=loop,
            keepalive_timeout=server.config.idle_limit or _NO_IDLE_TIMEOUT,
            access_log=None,  # type: ignore[arg-type]  # its own way to switch the log off
            auto_decompress=False,
        )
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is not None:
            self._server.deadlines.set(self.transport, self._server.config.read_header_timeout)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.transport is not None:
            self._server.deadlines.clear(self.transport)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        transport = self.transport
        if transport is None:
            return resp, True
        self._server.deadlines.set(transport, self._server.config.write_timeout)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._server.deadlines.clear(transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return super().handle_error(request, status, exc, message)
        # aiohttp would log every scanner that comes by.
        self._server.door.count("malformed_http")
        response = web.Response(status=status, text="the request is not valid HTTP/1.1")
        response.force_close()
        return response


class _Request:
    """An `HttpRequest` over aiohttp's."""

    def __init__(self, raw: web.BaseRequest, server: HttpServer, reservation: Reservation) -> None:
        self.raw = raw
        self.method = raw.method
        self.path = raw.path
        self.headers: Mapping[str, str] = raw.headers
        self.media_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self.client = NO_CLIENT
        self._server = server
        self._reservation = reservation

    def all_headers(self) -> Headers:
        """Return every header, and the query parameters that an authenticator wants to see."""
        headers = {name.lower(): tuple(self.raw.headers.getall(name)) for name in self.raw.headers}
        auth = self._server.config.auth
        for name in auth.request_params if auth else ():
            if name in self.raw.query:
                headers[name.lower()] = tuple(self.raw.query.getall(name))
        return headers

    async def body(self) -> bytes:
        """Read the body, inflated."""
        config = self._server.config
        inflater = Inflater(self._encoding(config.encodings), config.body_limit)
        inflater.expect(self.raw.content_length or 0)
        try:
            await self._read(inflater)
        except ConnectionError as error:
            raise _SenderGoneError(str(error)) from error
        except web.RequestPayloadError as error:
            raise HttpError(400, f"the request's body is not valid HTTP: {error}", reason="malformed_http") from error
        return inflater.finish()

    async def _read(self, inflater: Inflater) -> None:
        timeout, deadlines = self._server.config.read_timeout, self._server.deadlines
        transport = self.raw.transport
        if transport is None:
            raise ConnectionResetError
        if self.headers.get("Expect", "").lower() == "100-continue":
            await self.raw.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        deadlines.set(transport, timeout or _STALLED)
        while chunk := await self.raw.content.readany():
            self._reservation.grow(inflater.feed(chunk))
            if not timeout:
                deadlines.set(transport, _STALLED)
        deadlines.clear(transport)

    def _encoding(self, allowed: Sequence[Encoding]) -> Encoding:
        name = self.headers.get("Content-Encoding", "").strip().lower()
        for encoding in allowed:
            if encoding == ("" if name == "identity" else name):
                return encoding
        raise HttpError(
            415,
            f'unsupported Content-Encoding "{name}", supported: [{", ".join(filter(None, allowed))}]',
            reason="unsupported_encoding",
        )
