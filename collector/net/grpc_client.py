"""A gRPC client that sends and receives bytes, over the transport that its configuration chooses."""

import re
from collections.abc import Mapping

from collector.api import ConsumeError, Host, Settings, StartError, StatusCode
from collector.data import NO_CLIENT, Client
from collector.net.answers import error_of_grpc
from collector.net.client import (
    NO_HEADERS,
    ClientAuthenticator,
    advise,
    find_client_authenticator,
    refuse_middlewares,
)
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.unary import CallFailure, Metadata, UnaryChannel

_HEADER_NAME = re.compile(r"[0-9a-z_.-]+")
# What HTTP/2 and gRPC keep for themselves; gRPC's libraries leave it out of what they are given, too.
_RESERVED = re.compile(r"grpc-.*|te|content-type|content-length|user-agent|host|connection|transfer-encoding|upgrade")
_CODE_ADVICE = {
    StatusCode.UNAUTHENTICATED: "check headers or auth",
    StatusCode.PERMISSION_DENIED: "check what the credentials in headers or auth allow",
    StatusCode.UNIMPLEMENTED: "is this an OTLP/gRPC endpoint? OTLP/HTTP, often on port 4318, needs otlp_http",
}


class GrpcClient:
    """One channel, which any number of tasks may use at the same time."""

    def __init__(self, config: GrpcClientConfig, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._authenticator: ClientAuthenticator | None = None
        self._metadata: Metadata = ()
        self._channel: UnaryChannel | None = None

    async def start(self, host: Host) -> None:
        """Open the channel, which connects with the first request.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        refuse_middlewares(self._config.middlewares)
        self._authenticator = find_client_authenticator(self._config.auth, host)
        headers = {name: value.get_secret_value() for name, value in self._config.headers.items()}
        self._metadata = _metadata(headers)
        for name in headers:
            if _RESERVED.fullmatch(name.lower()):
                self._settings.logger.warning("gRPC sets a header itself, the one in headers is not sent", header=name)
        self._channel = _open_channel(self._config, self._settings)

    async def call(
        self, method: str, request: bytes, client: Client = NO_CLIENT, more_headers: Mapping[str, str] = NO_HEADERS
    ) -> bytes:
        """Return the answer to a unary request; `method` is `/package.Service/Method`, `client` who sent the data.

        `more_headers` are those of this request alone.

        Raises:
            ConsumeError: the server refused it or could not be reached.

        """
        if self._channel is None:
            raise RuntimeError("the gRPC client is not running")
        metadata = self._metadata + _metadata(more_headers)
        if self._authenticator is not None:
            metadata += _metadata(await self._authenticator.request_headers(client))
        try:
            return await self._channel.call(method, request, metadata)
        except CallFailure as failure:
            raise self._translate(failure) from failure

    async def close(self) -> None:
        """Close the channel; may be called twice, and without `start`."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _translate(self, failure: CallFailure) -> ConsumeError:
        text = str(failure)
        advice = _CODE_ADVICE.get(failure.code)
        explained = f"{text} ({advice})" if advice else advise(text)
        return error_of_grpc(
            failure.code, f"{self._config.endpoint}: {failure.code.name}: {explained}", failure.details
        )

    def __repr__(self) -> str:
        tls = "plain text" if self._config.client_tls.plaintext else "TLS"
        return f"GrpcClient({self._config.endpoint}, {tls})"


def _open_channel(config: GrpcClientConfig, settings: Settings) -> UnaryChannel:
    """Open the channel that the configuration chooses; only that one is imported."""
    if config.client == "grpcio":
        from collector.net.grpc_channel import GrpcioChannel  # noqa: PLC0415

        return GrpcioChannel(config)
    from collector.net.http2.channel import Channel  # noqa: PLC0415

    return Channel(config, settings)


def _metadata(headers: Mapping[str, str]) -> Metadata:
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
        if not _RESERVED.fullmatch(name):
            metadata.append((name, value.encode() if name.endswith("-bin") else value.strip()))
    return tuple(metadata)
