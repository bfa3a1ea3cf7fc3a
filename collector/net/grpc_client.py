"""A gRPC client that sends and receives bytes: its configuration block and one shared channel."""

import json
import re
from typing import Annotated, Any, Literal

import grpc
from pydantic import field_validator

from collector.api import Caveat, ComponentConfig, ConsumeError, Duration, Host, StartError, StatusCode, option
from collector.data import NO_CLIENT, Client
from collector.net.answers import error_of_grpc
from collector.net.client import (
    USER_AGENT,
    ClientAuthConfig,
    ClientAuthenticator,
    Headers,
    MiddlewareConfig,
    advise,
    find_client_authenticator,
    refuse_middlewares,
)
from collector.net.grpc_tls import channel_credentials
from collector.net.tls import TlsClientConfig

_DETAILS = "grpc-status-details-bin"
_HEADER_NAME = re.compile(r"[0-9a-z_.-]+")
_MAX_ANSWER = 4 * 1024 * 1024
_CODE_ADVICE = {
    StatusCode.UNAUTHENTICATED: "check headers or auth",
    StatusCode.PERMISSION_DENIED: "check what the credentials in headers or auth allow",
    StatusCode.UNIMPLEMENTED: "is this an OTLP/gRPC endpoint? OTLP/HTTP, often on port 4318, needs otlp_http",
}


GrpcCompression = Annotated[
    Literal["gzip", "snappy", "zstd", "none", ""],
    Caveat({name: f"{name} is not available over gRPC here: gzip is used instead" for name in ("snappy", "zstd")}.get),
]


class KeepaliveConfig(ComponentConfig):
    """Pings that find out whether the connection still works."""

    time: Duration = option(10.0, "Ping after the connection was silent for this time.", ge=0)
    timeout: Duration = option(10.0, "Give the connection up when a ping is not answered in this time.", ge=0)
    permit_without_stream: bool = option(False, "Ping also while no request is on its way.")


class GrpcClientConfig(ComponentConfig):
    """Where and how to send over gRPC."""

    endpoint: str = option("", "Where to send to: `host:port`, or `unix:///path`. A leading `https://` asks for TLS.")
    compression: GrpcCompression = option("gzip", "How requests are compressed.")
    tls: TlsClientConfig = option(TlsClientConfig, "TLS, which is on unless `insecure` is true.")
    headers: Headers = option(
        {}, "Headers to send as metadata with every request: a map, or a list of `name` and `value`."
    )
    keepalive: KeepaliveConfig | None = option(None, "Ping the server while it is silent.")
    wait_for_ready: bool = option(False, "Let requests wait for a connection instead of failing at once.")
    balancer_name: Literal["round_robin", "pick_first", ""] = option(
        "round_robin", "How requests are spread over the addresses of the host: over all, or to the first that answers."
    )
    authority: str = option("", "The `:authority` of requests; empty for the endpoint.")
    user_agent: str = option("", "Text put before the user agent of Spanmill.")
    read_buffer_size: int = option(0, "Accepted for compatibility; gRPC chooses the size itself.", ge=0)
    write_buffer_size: int = option(512 * 1024, "How many bytes are collected before they are written.", ge=0)
    auth: ClientAuthConfig | None = option(None, "The extension that signs requests.")
    middlewares: list[MiddlewareConfig] = option(
        [], "Extensions between the client and the network. There are none yet: leave it out."
    )

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        target_of(value)
        return value

    @property
    def client_tls(self) -> TlsClientConfig:
        """The TLS block, in which an https:// endpoint overrules `insecure`."""
        if self.endpoint.startswith("https://"):
            return self.tls.model_copy(update={"insecure": False})
        return self.tls


def target_of(endpoint: str) -> str:
    """Return the gRPC target of an endpoint as configuration files write it; an empty one passes as it is.

    Raises:
        ValueError: it is no address; the message says what is missing.

    """
    if not endpoint:
        return endpoint
    if endpoint.startswith("unix:"):
        if not endpoint.removeprefix("unix:").lstrip("/"):
            raise ValueError("unix socket path cannot be empty: write unix:///path/to/socket")
        return endpoint
    address = re.sub(r"^(https?://|dns://([^/]*/)?|passthrough:///?)", "", endpoint)
    if not address:
        raise ValueError('requires a non-empty "endpoint": write host:port, such as localhost:4317')
    host, colon, port = address.rpartition(":")
    if not colon or port.endswith("]"):
        raise ValueError(f"address {address}: missing port in address: write host:port, such as {address}:4317")
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f'invalid port "{port}" in "{endpoint}": write host:port, such as localhost:4317')
    if not host:
        return f"localhost:{port}"
    return endpoint if endpoint.startswith("dns://") else address


def require_endpoint(config: GrpcClientConfig) -> None:
    """Check what only the owner of the block can know: that there must be an endpoint.

    Raises:
        ValueError: there is none.

    """
    if not config.endpoint:
        raise ValueError('requires a non-empty "endpoint": write host:port, such as localhost:4317')


class GrpcClient:
    """One channel, which any number of tasks may use at the same time."""

    def __init__(self, config: GrpcClientConfig) -> None:
        self._config = config
        self._authenticator: ClientAuthenticator | None = None
        self._metadata: tuple[tuple[str, str | bytes], ...] = ()
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[str, Any] = {}

    async def start(self, host: Host) -> None:
        """Open the channel, which connects with the first request.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        refuse_middlewares(self._config.middlewares)
        self._authenticator = find_client_authenticator(self._config.auth, host)
        self._metadata = _metadata({name: value.get_secret_value() for name, value in self._config.headers.items()})
        credentials = channel_credentials(self._config.client_tls)
        target = target_of(self._config.endpoint)
        plain = self._config.compression in ("none", "")
        compression = grpc.Compression.NoCompression if plain else grpc.Compression.Gzip
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(target, _options(self._config), compression)
        else:
            self._channel = grpc.aio.secure_channel(target, credentials, _options(self._config), compression)

    async def call(self, method: str, request: bytes, client: Client = NO_CLIENT) -> bytes:
        """Return the answer to a unary request; `method` is `/package.Service/Method`, `client` who sent the data.

        Raises:
            ConsumeError: the server refused it or could not be reached.

        """
        metadata = self._metadata
        if self._authenticator is not None:
            metadata += _metadata(dict(await self._authenticator.request_headers(client)))
        try:
            answer: bytes = await self._method(method)(
                request, metadata=metadata, wait_for_ready=self._config.wait_for_ready
            )
        except grpc.aio.AioRpcError as error:
            raise self._translate(error) from error
        return answer

    async def close(self) -> None:
        """Close the channel; may be called twice, and without `start`."""
        channel, self._channel = self._channel, None
        self._methods.clear()
        if channel is not None:
            await channel.close()

    def _method(self, method: str) -> Any:
        if self._channel is None:
            raise RuntimeError("the gRPC client is not running")
        if method not in self._methods:
            self._methods[method] = self._channel.unary_unary(method)
        return self._methods[method]

    def _translate(self, error: grpc.aio.AioRpcError) -> ConsumeError:
        code = error.code()
        details = next((value for key, value in error.trailing_metadata() or () if key == _DETAILS), b"")
        text = error.details() or ""
        advice = _CODE_ADVICE.get(code.value[0])
        explained = f"{text} ({advice})" if advice else advise(text)
        return error_of_grpc(code.value[0], f"{self._config.endpoint}: {code.name}: {explained}", details)

    def __repr__(self) -> str:
        tls = "plain text" if self._config.client_tls.plaintext else "TLS"
        return f"GrpcClient({self._config.endpoint}, {tls})"


def _metadata(headers: dict[str, str]) -> tuple[tuple[str, str | bytes], ...]:
    """Return headers as gRPC metadata, whose names are in lower case.

    Raises:
        StartError: gRPC cannot send a header of this name or with such a value, which the message does not show.

    """
    metadata: list[tuple[str, str | bytes]] = []
    for given, value in headers.items():
        name = given.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise StartError(f'headers: gRPC cannot send "{given}": a name has letters, digits and _ . - only')
        if not (value.isascii() and value.isprintable()):
            raise StartError(f'headers: gRPC cannot send the value of "{given}": it has more than printable ASCII')
        metadata.append((name, value.encode() if name.endswith("-bin") else value))
    return tuple(metadata)


def _options(config: GrpcClientConfig) -> list[tuple[str, Any]]:
    """Return the channel arguments, whose names are those of gRPC's `grpc/impl/channel_arg_names.h`."""
    options: list[tuple[str, Any]] = [
        ("grpc.primary_user_agent", f"{config.user_agent} {USER_AGENT}".strip()),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", _MAX_ANSWER),
        # A backend that comes back is found within seconds; by default that may take two minutes.
        ("grpc.initial_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Components with the same endpoint do not share a connection, nor the pause after a failed one.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if config.write_buffer_size:
        options.append(("grpc.http2.write_buffer_size", config.write_buffer_size))
    if config.balancer_name:
        options.append(("grpc.service_config", json.dumps({"loadBalancingConfig": [{config.balancer_name: {}}]})))
    if config.authority:
        options.append(("grpc.default_authority", config.authority))
    if config.tls.server_name_override:
        options.append(("grpc.ssl_target_name_override", config.tls.server_name_override))
    if config.keepalive is not None:
        options += [
            ("grpc.keepalive_time_ms", round(config.keepalive.time * 1e3)),
            ("grpc.keepalive_timeout_ms", round(config.keepalive.timeout * 1e3)),
            ("grpc.keepalive_permit_without_calls", int(config.keepalive.permit_without_stream)),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    return options
