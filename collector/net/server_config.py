"""The configuration blocks of servers, with the Go collector's keys. Imports no server, so that to read is cheap."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, SecretStr, option
from collector.net.addresses import Endpoint
from collector.net.auth import AuthConfig
from collector.net.compression import ENCODINGS, Encoding
from collector.net.tls import TlsServerConfig

MIB = 2**20
DEFAULT_RECV_MSG_SIZE_MIB = 4
DEFAULT_BODY_SIZE = 20 * MIB


class ServerConfig(ComponentConfig):
    """What servers have in common."""

    endpoint: str = option(description="Where to listen: host:port, or the path of a socket for transport unix.")
    transport: Literal["tcp", "tcp4", "tcp6", "unix"] = option("tcp", "What to listen on.")
    tls: TlsServerConfig | None = option(None, "Encrypt with this certificate.")
    auth: AuthConfig | None = option(None, "Ask an extension who may send.")
    include_metadata: bool = option(False, "Keep request headers with each batch, for the processors that use them.")
    max_in_flight_mib: int = option(
        256, "Requests taken in and not yet answered hold this much; more are told to try again.", ge=1
    )

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        if not self.endpoint:
            raise ValueError("endpoint must not be empty: write host:port, such as localhost:4317")
        if self.transport != "unix":
            Endpoint.parse(self.endpoint)
        return self


class KeepaliveServerParameters(ComponentConfig):
    """When the server ends connections, and how it finds dead ones."""

    max_connection_idle: Duration = option(0.0, "End a connection without requests after this time; 0 for never.", ge=0)
    max_connection_age: Duration = option(0.0, "End every connection after this time; 0 for never.", ge=0)
    max_connection_age_grace: Duration = option(0.0, "Time for its last requests; 0 for no limit.", ge=0)
    time: Duration = option(7200.0, "Ping a silent client after this time.", ge=0)
    timeout: Duration = option(20.0, "End the connection where no answer comes in this time.", ge=0)


class KeepaliveEnforcementPolicy(ComponentConfig):
    """Ends the connections of clients that ping too often."""

    min_time: Duration = option(300.0, "The least time between two pings of a client.", ge=0)
    permit_without_stream: bool = option(False, "Allow pings while there is no request.")


class KeepaliveServerConfig(ComponentConfig):
    """Pings and ages of connections."""

    server_parameters: KeepaliveServerParameters | None = option(None, "What the server does.")
    enforcement_policy: KeepaliveEnforcementPolicy | None = option(None, "What clients may do.")


class GrpcServerConfig(ServerConfig):
    """A gRPC server."""

    max_recv_msg_size_mib: int = option(0, "Largest message, before and after inflating; 0 for 4 MiB.", ge=0)
    max_concurrent_streams: int = option(0, "Requests at one time on one connection; 0 for 1000.", ge=0)
    read_buffer_size: int = option(0, "Bytes to read from a connection at once; 0 for gRPC's choice.", ge=0)
    write_buffer_size: int = option(0, "Bytes to write to a connection at once; 0 for gRPC's choice.", ge=0)
    keepalive: KeepaliveServerConfig | None = option(None, "Pings and ages of connections.")

    @property
    def message_limit(self) -> int:
        """The largest message in bytes."""
        return (self.max_recv_msg_size_mib or DEFAULT_RECV_MSG_SIZE_MIB) * MIB


class CorsConfig(ComponentConfig):
    """Lets web pages of other origins send."""

    allowed_origins: list[str] = option([], "Origins such as https://*.example.com; one * each at most.")
    allowed_headers: list[str] = option([], "Request headers to allow beside Accept and Content-Type; * for any.")
    exposed_headers: list[str] = option([], "Response headers that the page may read.")
    max_age: int = option(0, "Seconds for which a browser may keep the answer.", ge=0)

    @field_validator("allowed_origins")
    @classmethod
    def _check_wildcards(cls, value: list[str]) -> list[str]:
        for origin in value:
            if origin.count("*") > 1:
                raise ValueError(f'"{origin}" has more than one *: write one entry for each origin')
        return value


class HttpAuthConfig(AuthConfig):
    """Lets an extension decide who may send."""

    request_params: list[str] = option([], "Query parameters that the extension sees as if they were headers.")


class HttpServerConfig(ServerConfig):
    """An HTTP server."""

    auth: HttpAuthConfig | None = option(None, "Ask an extension who may send.")
    cors: CorsConfig | None = option(None, "Let web pages of other origins send.")
    max_request_body_size: int = option(DEFAULT_BODY_SIZE, "Largest body, before and after inflating; 0 for 20 MiB.")
    compression_algorithms: list[Encoding] = option(
        list(ENCODINGS), 'Content encodings to take; "" stands for bodies that are not compressed.'
    )
    response_headers: dict[str, SecretStr] = option({}, "Headers to add to every response.")
    keep_alives_enabled: bool = option(True, "Take several requests over one connection.")
    read_timeout: Duration = option(0.0, "Time to read one body; 0 for as long as bytes keep coming.", ge=0)
    read_header_timeout: Duration = option(60.0, "Time to read the headers of a request; 0 for no limit.", ge=0)
    write_timeout: Duration = option(30.0, "Time to write a response; 0 for no limit.", ge=0)
    idle_timeout: Duration = option(60.0, "Time to wait for the next request of a connection; 0 for no limit.", ge=0)

    @property
    def body_limit(self) -> int:
        """The largest body in bytes."""
        return self.max_request_body_size if self.max_request_body_size > 0 else DEFAULT_BODY_SIZE
