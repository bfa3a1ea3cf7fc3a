"""The configuration block of HTTP clients, with the Go collector's keys. Imports no client, so that to read is cheap."""

import re
from typing import Self

import yarl
from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, option
from collector.net.client import ClientAuthConfig, Headers, MiddlewareConfig
from collector.net.compressor import Compression, CompressionParams, check_level
from collector.net.tls import TlsClientConfig

_HOST_PORT = re.compile(r"[A-Za-z0-9_.-]+:[0-9]{1,5}(?:/.*)?")


class CookiesConfig(ComponentConfig):
    """Whether cookies are kept."""

    enabled: bool = option(False, "Send back the cookies that the server sets.")


class HttpKeepaliveClientConfig(ComponentConfig):
    """Whether and how long connections stay open for further requests."""

    enabled: bool = option(True, "Send several requests over one connection.")
    idle_conn_timeout: Duration = option(90.0, "Close a connection that was idle for this time; 0 for never.", ge=0)
    max_idle_conns: int = option(100, "Accepted for compatibility; idle connections end by time only.", ge=0)
    max_idle_conns_per_host: int = option(0, "Accepted for compatibility, as max_idle_conns.", ge=0)


_FLAT_KEEPALIVE = {"idle_conn_timeout", "max_idle_conns", "max_idle_conns_per_host", "disable_keep_alives"}


class HttpClientConfig(ComponentConfig):
    """Where and how to send over HTTP."""

    endpoint: str = option("", "URL of the server, such as `https://example.com:4318`.")
    proxy_url: str = option("", "URL of a proxy; empty for the environment's (HTTPS_PROXY, NO_PROXY).")
    tls: TlsClientConfig = option(TlsClientConfig, "TLS of `https://` URLs.")
    headers: Headers = option({}, "Headers to send with every request: a map, or a list of `name` and `value`.")
    compression: Compression = option("gzip", "How requests are compressed.")
    compression_params: CompressionParams = option(CompressionParams, "How hard to compress.")
    max_conns_per_host: int = option(0, "How many connections to open to a host; 0 for no limit.", ge=0)
    max_idle_conns: int = option(100, "Accepted for compatibility; idle connections end by time only.", ge=0)
    max_idle_conns_per_host: int = option(0, "Accepted for compatibility, as max_idle_conns.", ge=0)
    keepalive: HttpKeepaliveClientConfig | None = option(
        None, "How long connections are kept; instead of idle_conn_timeout, disable_keep_alives and max_idle_conns."
    )
    idle_conn_timeout: Duration = option(90.0, "Close a connection that was idle for this time; 0 for never.", ge=0)
    disable_keep_alives: bool = option(False, "Open a new connection for every request.")
    read_buffer_size: int = option(0, "Accepted for compatibility; buffers have a fixed size.", ge=0)
    write_buffer_size: int = option(512 * 1024, "Accepted for compatibility; a request is written at once.", ge=0)
    force_attempt_http2: bool = option(True, "Accepted for compatibility; requests are HTTP/1.1.")
    http2_read_idle_timeout: Duration = option(0.0, "Accepted for compatibility, as force_attempt_http2.")
    http2_ping_timeout: Duration = option(0.0, "Accepted for compatibility, as force_attempt_http2.")
    cookies: CookiesConfig = option(CookiesConfig, "Whether cookies are kept.")
    auth: ClientAuthConfig | None = option(None, "The extension that signs requests.")
    middlewares: list[MiddlewareConfig] = option(
        [], "Extensions between the client and the network. There are none yet: leave it out."
    )

    @field_validator("endpoint", "proxy_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return check_url(value)

    @model_validator(mode="after")
    def _check_level(self) -> Self:
        check_level(self.compression, self.compression_params.level)
        return self

    @model_validator(mode="after")
    def _check_keepalive(self) -> Self:
        twice = _FLAT_KEEPALIVE & self.model_fields_set
        if self.keepalive is not None and self.keepalive.enabled and twice:
            raise ValueError(f"{min(twice)} is the old way to write what keepalive has: keep only keepalive")
        return self

    @property
    def idle_limit(self) -> float | None:
        """The seconds for which an idle connection is kept; 0 for ever, None where each request has its own."""
        if self.keepalive is not None:
            return self.keepalive.idle_conn_timeout if self.keepalive.enabled else None
        return None if self.disable_keep_alives else self.idle_conn_timeout


def check_url(value: str) -> str:
    """Return an absolute URL, or an empty text; `host:port` alone is read as `http://host:port`.

    Raises:
        ValueError: it is something else.

    """
    if value:
        # The Go collector takes such a value too, and fails at the first request.
        if _HOST_PORT.fullmatch(value):
            value = f"http://{value}"
        try:
            url = yarl.URL(value)
            usable = url.scheme in ("http", "https") and bool(url.host)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be a valid URL: write http://host:port or https://host:port")
    return value
