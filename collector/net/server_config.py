"""The configuration blocks of servers, with the Go collector's keys. Imports no server, so that to read is cheap."""

from typing import Annotated, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import Caveat, ComponentConfig, Duration, option, parse_duration
from collector.net.addresses import Endpoint
from collector.net.auth import AuthConfig
from collector.net.client import Headers, MiddlewareConfig
from collector.net.compression import ENCODINGS, Encoding
from collector.net.tls import TlsServerConfig

MIB = 2**20
DEFAULT_RECV_MSG_SIZE_MIB = 4
DEFAULT_BODY_SIZE = 20 * MIB


def _doubt(endpoint: object) -> str | None:
    """Return what is wrong with an address, which in the Go collector shows only when it is listened on."""
    try:
        if isinstance(endpoint, str) and "/" not in endpoint:
            Endpoint.parse(endpoint)
    except ValueError as error:
        return f"the collector will not start: {error}"
    return None


ListenAddress = Annotated[str, Caveat(_doubt)]


class ServerConfig(ComponentConfig):
    """What servers of all protocols have in common."""

    endpoint: ListenAddress = option(
        description="Where to listen: `host:port`, or the path of a socket for `transport: unix`."
    )
    transport: Literal["tcp", "tcp4", "tcp6", "unix"] = option("tcp", "What to listen on.")
    tls: TlsServerConfig | None = option(None, "Encrypt with this certificate; off where left out.")
    auth: AuthConfig | None = option(None, "Ask an extension who may send.")
    middlewares: list[MiddlewareConfig] = option(
        [], "Extensions between the network and the server. There are none yet: leave it out."
    )
    include_metadata: bool = option(False, "Keep request headers with each batch, for the processors that use them.")
    max_in_flight_mib: int = option(
        256, "Most MiB that requests taken in and not yet answered may hold; further ones are told to try again.", ge=1
    )

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        if not self.endpoint:
            raise ValueError("endpoint must not be empty: write host:port, such as localhost:4317")
        return self


class KeepaliveServerParameters(ComponentConfig):
    """When the server ends connections, and how it finds dead ones."""

    max_connection_idle: Duration = option(0.0, "End a connection without requests after this time; 0 for never.", ge=0)
    max_connection_age: Duration = option(0.0, "End every connection after this time; 0 for never.", ge=0)
    max_connection_age_grace: Duration = option(
        0.0, "Time that a connection at its age limit has for its last requests; 0 for no limit.", ge=0
    )
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


class DialerConfig(ComponentConfig):
    """How connections are opened, which a server does not do."""

    timeout: Duration = option(0.0, "Accepted for compatibility; a server opens no connections.")


class GrpcServerConfig(ServerConfig):
    """What every gRPC server can be told."""

    server: Literal["native", "grpcio"] = option(
        "native", "What serves: `native` is this collector's own and the cheapest, `grpcio` is gRPC's library."
    )
    max_recv_msg_size_mib: int = option(0, "Largest message in MiB, before and after inflating; 0 for 4.", ge=0)
    max_concurrent_streams: int = option(0, "Requests at one time on one connection; 0 for 1000.", ge=0)
    read_buffer_size: int = option(
        0, "Bytes to read from a connection at once; 0 for gRPC's choice. Only with `server: grpcio`.", ge=0
    )
    write_buffer_size: int = option(
        0,
        "Bytes that may wait to be written to a connection before it has to take some; 0 for the server's choice.",
        ge=0,
    )
    keepalive: KeepaliveServerConfig | None = option(None, "Pings and ages of connections.")
    dialer: DialerConfig | None = option(None, "Accepted for compatibility; a server opens no connections.")

    @property
    def message_limit(self) -> int:
        """The largest message in bytes."""
        return (self.max_recv_msg_size_mib or DEFAULT_RECV_MSG_SIZE_MIB) * MIB


class CorsConfig(ComponentConfig):
    """Lets web pages of other origins send."""

    allowed_origins: list[str] = option(
        [], "Origins such as `https://*.example.com`, with at most one `*` each; empty switches CORS off."
    )
    allowed_headers: list[str] = option([], "Request headers to allow beside Accept and Content-Type; `*` for any.")
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


class HttpKeepaliveServerConfig(ComponentConfig):
    """Whether and how long connections stay open for further requests."""

    enabled: bool = option(True, "Take several requests over one connection.")
    idle_timeout: Duration | None = option(
        None, "Time to wait for the next request of a connection; null for that of the block around.", ge=0
    )


class HttpServerConfig(ServerConfig):
    """What every HTTP server can be told."""

    auth: HttpAuthConfig | None = option(None, "Ask an extension who may send.")
    cors: CorsConfig | None = option(None, "Let web pages of other origins send.")
    max_request_body_size: int = option(
        DEFAULT_BODY_SIZE, "Largest body in bytes, before and after inflating; 0 for 20 MiB."
    )
    compression_algorithms: list[Encoding] = option(
        list(ENCODINGS), 'Content encodings to take; "" stands for bodies that are not compressed.'
    )
    response_headers: Headers = option({}, "Headers to add to every response: a map, or a list of `name` and `value`.")
    keepalive: HttpKeepaliveServerConfig | None = option(
        None, "Whether and how long connections stay open; instead of keep_alives_enabled and idle_timeout."
    )
    keep_alives_enabled: bool = option(True, "Take several requests over one connection.")
    read_timeout: Duration = option(
        0.0, "Time to read one body; 0 for as long as bytes keep coming, a minute without any at most.", ge=0
    )
    read_header_timeout: Duration = option(60.0, "Time to read the headers of a request; 0 for no limit.", ge=0)
    write_timeout: Duration = option(30.0, "Time to write a response; 0 for no limit.", ge=0)
    idle_timeout: Duration = option(60.0, "Time to wait for the next request of a connection; 0 for no limit.", ge=0)

    @field_validator("read_timeout", "read_header_timeout", "write_timeout", mode="before")
    @classmethod
    def _check_timeouts(cls, value: object) -> object:
        # As in Go, a time below zero means no limit.
        return 0 if isinstance(value, str) and value.startswith("-") and parse_duration(value) < 0 else value

    @model_validator(mode="after")
    def _check_keepalive(self) -> Self:
        twice = {"keep_alives_enabled", "idle_timeout"} & self.model_fields_set
        if self.keepalive is not None and self.keepalive.enabled and twice:
            raise ValueError(f"{min(twice)} is the old way to write what keepalive has: keep only keepalive")
        return self

    @property
    def reuses_connections(self) -> bool:
        """Whether a connection takes several requests."""
        return self.keep_alives_enabled and (self.keepalive is None or self.keepalive.enabled)

    @property
    def idle_limit(self) -> float:
        """The seconds to wait for the next request of a connection; 0 for no limit."""
        own = self.keepalive.idle_timeout if self.keepalive is not None else None
        return self.idle_timeout if own is None else own

    @property
    def encodings(self) -> list[Encoding]:
        """The content encodings that are taken."""
        return [name for name in ENCODINGS if name in self.compression_algorithms]

    @property
    def body_limit(self) -> int:
        """The largest body in bytes."""
        return self.max_request_body_size if self.max_request_body_size > 0 else DEFAULT_BODY_SIZE
