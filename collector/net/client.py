"""What clients of every protocol share: headers, the `auth` block, and words for what goes wrong on the way."""

import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import BeforeValidator

from collector import __version__
from collector.api import ComponentConfig, Host, SecretStr, StartError, option
from collector.data import Client
from collector.net.auth import AuthConfig, find_extension

USER_AGENT = f"spanmill/{__version__} ({platform.system().lower()}/{platform.machine()})"
# Of a request that has none of its own.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _from_pairs(value: Any) -> Any:
    """Return headers as a mapping, also where they are written as a list of `name` and `value`."""
    if isinstance(value, list) and all(isinstance(pair, dict) and pair.keys() == {"name", "value"} for pair in value):
        return {pair["name"]: pair["value"] for pair in value}
    return value


Headers = Annotated[dict[str, SecretStr], BeforeValidator(_from_pairs)]


class ClientAuthConfig(AuthConfig):
    """Lets an extension sign what is sent."""


class MiddlewareConfig(ComponentConfig):
    """An extension that stands between the client and the network."""

    id: str = option(description="The id of the extension.")


@runtime_checkable
class ClientAuthenticator(Protocol):
    """What an extension has that clients can ask."""

    async def request_headers(self, client: Client) -> Mapping[str, str]:
        """Return the headers that authenticate a request; `client` is who sent the data to the collector.

        Raises:
            RetryableError: there are none now.
            PermanentError: there will be none for this request.

        """


def find_client_authenticator(config: AuthConfig | None, host: Host) -> ClientAuthenticator | None:
    """Return the extension that an `auth` block names, or None without such a block.

    Raises:
        StartError: it does not run, or it is not an authenticator of clients.

    """
    authenticator: ClientAuthenticator | None = find_extension(config, host, ClientAuthenticator, "sign what is sent")
    return authenticator


def refuse_middlewares(middlewares: list[MiddlewareConfig]) -> None:
    """Refuse middlewares, of which there are none yet.

    Raises:
        StartError: the configuration names one.

    """
    if middlewares:
        raise StartError(f"middlewares: there is no middleware extension yet: remove {middlewares[0].id}")


_NOT_TLS = "the server does not speak TLS: set tls.insecure: true (otlp_http: an http:// URL), or use its TLS port"
_UNTRUSTED = "the server's certificate is not trusted: give its authority in tls.ca_file"
_OTHER_NAME = "the certificate is for another name: set tls.server_name_override"
_NO_CERTIFICATE = "the server asks for a client certificate: give tls.cert_file and tls.key_file"
_HUNG_UP = "the server hung up: does it expect TLS, a client certificate, or another protocol?"
_NOBODY = "nothing listens there: is the backend up, and is the port right?"
_UNKNOWN_HOST = "the host name is not known: is it spelled right?"
# What OpenSSL, gRPC and aiohttp write, in lower case and without underscores; the first that is found counts.
_ADVICE = {
    "wrong version number": _NOT_TLS,
    "mismatch": _OTHER_NAME,
    "hostname verification": _OTHER_NAME,
    "certificate verify failed": _UNTRUSTED,
    "certificate required": _NO_CERTIFICATE,
    "http1.x server": "the server speaks HTTP/1 only: use otlp_http, or its gRPC port",
    "bad status line": "the server does not speak HTTP/1: use otlp_grpc, or its HTTP port",
    "connection refused": _NOBODY,
    "connect call failed": _NOBODY,
    "errors resolving": _UNKNOWN_HOST,
    "name or service not known": _UNKNOWN_HOST,
    "name resolution": _UNKNOWN_HOST,
    "socket closed": _HUNG_UP,
    "connection reset": _HUNG_UP,
    "disconnected": _HUNG_UP,
}


def advise(failure: str) -> str:
    """Return a text about a failure to connect, followed by what to do about it where that is known."""
    words = failure.lower().replace("_", " ")
    advice = next((advice for sign, advice in _ADVICE.items() if sign in words), "")
    return f"{failure} ({advice})" if advice else failure
