"""The gRPC server: `collector.net.rpc` over grpcio.

Compressed messages are inflated here, in bounded steps, because not every grpcio looks at the size before it inflates
(1.68 does not). It then says no more what the encoding was, so that is told by the first bytes: those of gzip cannot
begin a protobuf message, those of zlib would need a field that OTLP's requests do not have. grpcio knows no others.
"""

from urllib.parse import unquote

import grpc

from collector.api import Host, Settings, StartError
from collector.net.addresses import Endpoint
from collector.net.auth import Headers
from collector.net.compression import Encoding, inflate
from collector.net.door import Door
from collector.net.grpc_tls import server_credentials
from collector.net.rpc import Methods, UnaryMethod
from collector.net.server_config import GrpcServerConfig, KeepaliveServerConfig
from collector.net.status import code_of, status_of

# Seconds for requests that run when the server is told to stop.
GRACE = 5.0
_HANDSHAKE_MS = 20_000
_MAX_STREAMS = 1000
# For these, 0 in the configuration means that gRPC decides.
_ONLY_WHERE_SET = {
    "grpc.experimental.tcp_read_chunk_size",
    "grpc.http2.write_buffer_size",
    "grpc.max_connection_idle_ms",
    "grpc.max_connection_age_ms",
    "grpc.max_connection_age_grace_ms",
    "grpc.keepalive_time_ms",
    "grpc.keepalive_timeout_ms",
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcServer:
    """Serves unary methods. `address` is where, once it has started; for a Unix socket its path and port 0."""

    def __init__(self, config: GrpcServerConfig, methods: Methods, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._door = Door(config, settings, "grpc")
        self._methods = {path: self._bind(method) for path, method in methods.items()}
        self._server: grpc.aio.Server | None = None
        self.address = Endpoint("", 0)

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """
        self._door.open(host)
        credentials = self._credentials()
        server = grpc.aio.server(options=_channel_options(self._config))
        server.add_generic_rpc_handlers((self,))
        self.address = await self._listen(server, credentials)
        await server.start()
        self._server = server
        self._settings.logger.info(
            "listening", transport="grpc", endpoint=self._config.endpoint, port=self.address.port
        )

    async def shutdown(self) -> None:
        """Take no more requests and wait for those that run, `GRACE` seconds at most."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(GRACE)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Return the handler of a path, as `grpc.GenericRpcHandler` asks for it; None is answered UNIMPLEMENTED."""
        handler = self._methods.get(details.method)
        if handler is None:
            self._door.count("unknown_method")
        return handler

    def _credentials(self) -> grpc.ServerCredentials | None:
        if self._config.tls is None:
            return None
        return server_credentials(self._config.tls, self._settings.clock, self._settings.logger)

    async def _listen(self, server: grpc.aio.Server, credentials: grpc.ServerCredentials | None) -> Endpoint:
        unix = self._config.transport == "unix"
        if unix:
            endpoint, target = Endpoint(self._config.endpoint, 0), f"unix:{self._config.endpoint}"
        else:
            endpoint = await Endpoint.to_listen_on(self._config.endpoint).resolve(self._config.transport)
            target = str(endpoint._replace(host=endpoint.host or "::"))
        try:
            if credentials is None:
                port = server.add_insecure_port(target)
            else:
                port = server.add_secure_port(target, credentials)
        except RuntimeError as error:
            raise StartError(
                f"endpoint: cannot listen on {self._config.endpoint}: another process may have it, or it may need "
                "rights that this one lacks"
            ) from error
        return endpoint if unix else endpoint._replace(port=port)

    def _bind(self, method: UnaryMethod) -> grpc.RpcMethodHandler:
        async def serve(message: bytes, context: grpc.aio.ServicerContext) -> bytes:
            try:
                return await self._serve(method, message, context)
            except Exception as error:  # noqa: BLE001 - the border: whatever went wrong becomes an answer
                refusal = self._door.refusal(error)
            details = ("grpc-status-details-bin", status_of(refusal).SerializeToString())
            await context.abort(_CODES[code_of(refusal)], str(refusal), (details,))
            raise AssertionError("abort has raised")

        return grpc.unary_unary_rpc_method_handler(serve)

    async def _serve(self, method: UnaryMethod, message: bytes, context: grpc.aio.ServicerContext) -> bytes:
        client = await self._door.enter(_host_of(context.peer()), lambda: _headers_of(context))
        method.admit()
        with self._door.budget.reserve() as reservation:
            reservation.grow(len(message))
            if encoding := _encoding_of(message):
                received, message = len(message), inflate(encoding, message, self._config.message_limit)
                reservation.grow(max(0, len(message) - received))
            return await method.handle(message, client)


def _headers_of(context: grpc.aio.ServicerContext) -> Headers:
    headers: dict[str, tuple[str, ...]] = {}
    for key, value in context.invocation_metadata():
        if isinstance(value, str):
            headers[key] = (*headers.get(key, ()), value)
    return headers


def _host_of(peer: str) -> str:
    """Return the IP address in gRPC's `ipv4:1.2.3.4:5` or `ipv6:%5B::1%5D:5`; empty for a Unix socket."""
    kind, _, address = peer.partition(":")
    if kind == "ipv4":
        return address.rpartition(":")[0]
    return unquote(address).rpartition(":")[0].strip("[]") if kind == "ipv6" else ""


def _encoding_of(message: bytes) -> Encoding:
    if message[:2] == b"\x1f\x8b":
        return "gzip"
    return "deflate" if message[:1] == b"\x78" and int.from_bytes(message[:2]) % 31 == 0 else ""


def _channel_options(config: GrpcServerConfig) -> list[tuple[str, int]]:
    """Return what gRPC calls channel arguments."""
    options = {
        "grpc.max_receive_message_length": config.message_limit,
        "grpc.per_message_decompression": 0,
        "grpc.max_concurrent_streams": config.max_concurrent_streams or _MAX_STREAMS,
        "grpc.server_handshake_timeout_ms": _HANDSHAKE_MS,
        # Without this, a second collector on the same port would silently take half of the connections.
        "grpc.so_reuseport": 0,
        "grpc.experimental.tcp_read_chunk_size": config.read_buffer_size,
        "grpc.http2.write_buffer_size": config.write_buffer_size,
    }
    keepalive = config.keepalive or KeepaliveServerConfig()
    if server := keepalive.server_parameters:
        options |= {
            "grpc.max_connection_idle_ms": _milliseconds(server.max_connection_idle),
            "grpc.max_connection_age_ms": _milliseconds(server.max_connection_age),
            "grpc.max_connection_age_grace_ms": _milliseconds(server.max_connection_age_grace),
            "grpc.keepalive_time_ms": _milliseconds(server.time),
            "grpc.keepalive_timeout_ms": _milliseconds(server.timeout),
        }
    if policy := keepalive.enforcement_policy:
        options |= {
            "grpc.http2.min_ping_interval_without_data_ms": _milliseconds(policy.min_time),
            "grpc.keepalive_permit_without_calls": int(policy.permit_without_stream),
        }
    return [(name, value) for name, value in options.items() if value or name not in _ONLY_WHERE_SET]


def _milliseconds(seconds: float) -> int:
    return min(round(seconds * 1000), 2**31 - 1)
