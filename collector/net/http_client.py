"""An HTTP client that posts bytes: its configuration block, compression, and one shared session."""

import re
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, Self

import aiohttp
import yarl
from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, Host, RetryableError, SecretStr, StartError, option
from collector.data import NO_CLIENT, Client
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
from collector.net.compressor import Compression, CompressionParams, check_level, compressor
from collector.net.tls import TlsClientConfig, client_context

# An answer says yes or no; who sends more is no OTLP backend.
MAX_ANSWER = 64 * 1024
_A_DAY = 86_400.0


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


def shown(url: str) -> str:
    """Return a URL, or what a server gives out as one, without what may be secret in it: user, password and query."""
    scheme, slashes, rest = url.partition("?")[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"


class Answer(NamedTuple):
    """What a server answered; `body` is None where it is larger than `MAX_ANSWER`."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class HttpClient:
    """One session, which any number of tasks may use at the same time."""

    def __init__(self, config: HttpClientConfig) -> None:
        self._config = config
        self._compress = compressor(config.compression, config.compression_params.level)
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **_texts(config.headers)}
        if self._compress is not None:
            self._headers["Content-Encoding"] = self._compress.coding
        self._proxy_of = cache(proxy_of)
        self._authenticator: ClientAuthenticator | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self, host: Host) -> None:
        """Open the session, which connects with the first request.

        Raises:
            StartError: a certificate, a header or the authenticator is not usable.

        """
        refuse_middlewares(self._config.middlewares)
        self._authenticator = find_client_authenticator(self._config.auth, host)
        for name, value in self._headers.items():
            if not (name.isascii() and name.isprintable() and value.isprintable()):
                raise StartError(f'headers: "{name}" or its value has characters that HTTP cannot send')
        idle_limit = self._config.idle_limit
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=self._config.max_conns_per_host,
            ssl=client_context(self._config.tls) or True,
            force_close=idle_limit is None,
            keepalive_timeout=None if idle_limit is None else idle_limit or _A_DAY,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.CookieJar(unsafe=True) if self._config.cookies.enabled else aiohttp.DummyCookieJar(),
            # Whoever calls bounds the time of a request.
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def post(self, url: str, body: bytes, content_type: str, client: Client = NO_CLIENT) -> Answer:
        """Return the answer to a request; a redirect is an answer too, for headers may be meant for one host only.

        `client` is who sent the data to the collector.

        Raises:
            RetryableError: the server could not be reached or did not answer.

        """
        if self._session is None:
            raise RuntimeError("the HTTP client is not running")
        headers = {"Content-Type": content_type, **self._headers}
        if self._authenticator is not None:
            headers.update(await self._authenticator.request_headers(client))
        if self._compress is not None:
            body = await self._compress.offloaded(body)
        try:
            async with self._session.post(
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=self._config.proxy_url or self._proxy_of(url),
                server_hostname=self._config.tls.server_name_override or None,
            ) as response:
                return Answer(response.status, response.headers, await _bounded(response))
        except (aiohttp.ClientError, OSError) as error:
            reason = "tls" if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError) else "connection"
            raise RetryableError(f"{shown(url)}: {advise(_words(error))}", reason=reason) from error

    async def close(self) -> None:
        """Close the session; may be called twice, and without `start`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def __repr__(self) -> str:
        return f"HttpClient({shown(self._config.endpoint)})"


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, or None."""
    target = yarl.URL(url)
    if urllib.request.proxy_bypass(target.host or ""):
        return None
    return urllib.request.getproxies().get(target.scheme)


def _texts(headers: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in headers.items()}


def _words(error: Exception) -> str:
    """Return what an error says, without the bytes that aiohttp quotes of an answer which is not HTTP."""
    said = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return said.partition("\n")[0].replace(" ssl:default", "") or repr(error)


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """Return a body, or None where it is too large; then the rest is not read and the connection not used again."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER:
            response.close()
            return None
    return bytes(body)
