"""An HTTP client that posts bytes: compression, and one shared session."""

import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import aiohttp
import yarl

from collector.api import Host, RetryableError, SecretStr, StartError
from collector.data import NO_CLIENT, Client
from collector.net.client import (
    NO_HEADERS,
    USER_AGENT,
    ClientAuthenticator,
    advise,
    find_client_authenticator,
    refuse_middlewares,
)
from collector.net.compressor import compressor
from collector.net.http_client_config import HttpClientConfig
from collector.net.tls import client_context

# An answer says yes or no; who sends more is no OTLP backend.
MAX_ANSWER = 64 * 1024
_A_DAY = 86_400.0


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

    async def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        client: Client = NO_CLIENT,
        more_headers: Mapping[str, str] = NO_HEADERS,
    ) -> Answer:
        """Return the answer to a request; a redirect is an answer too, for headers may be meant for one host only.

        `client` is who sent the data to the collector; `more_headers` are those of this request alone.

        Raises:
            RetryableError: the server could not be reached or did not answer.

        """
        if self._session is None:
            raise RuntimeError("the HTTP client is not running")
        headers = {"Content-Type": content_type, **self._headers, **more_headers}
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
