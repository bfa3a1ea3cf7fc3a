"""The configuration block of gRPC clients, with the Go collector's keys. Imports no client, so that to read is cheap."""

import re
from typing import Literal

from pydantic import field_validator

from collector.api import ComponentConfig, Duration, option
from collector.net.client import ClientAuthConfig, Headers, MiddlewareConfig
from collector.net.compressor import GrpcCompression
from collector.net.tls import TlsClientConfig


class KeepaliveConfig(ComponentConfig):
    """Pings that find out whether the connection still works."""

    time: Duration = option(10.0, "Ping after the connection was silent for this time; 10s at least.", ge=0)
    timeout: Duration = option(
        10.0, "Give the connection up when a ping is not answered in this time; 0 for 20s.", ge=0
    )
    permit_without_stream: bool = option(False, "Ping also while no request is on its way.")


class GrpcClientConfig(ComponentConfig):
    """Where and how to send over gRPC."""

    endpoint: str = option("", "Where to send to: `host:port`, or `unix:///path`. A leading `https://` asks for TLS.")
    client: Literal["native", "grpcio"] = option(
        "native",
        "What sends: `native` is this collector's own and the cheapest, `grpcio` is gRPC's library, which knows no "
        "compression but gzip and not every option of TLS.",
    )
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
