"""The proxy that the environment names for a connection: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from collector.api import StartError

_PORT = 80
_WITH_PORT = re.compile(r"(\[.+\]|[^:]*):([0-9]+)")


class Proxy(NamedTuple):
    """Where a proxy is, and the value of `Proxy-Authorization` for it, which may be empty."""

    host: str
    port: int
    authorization: str

    def request(self, host: str, port: int) -> bytes:
        """Return the request for a tunnel to a host."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        signed = f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
        return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{signed}\r\n".encode("latin-1")


def proxy_for(host: str, port: int, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy on the way to a host, or None where there is none.

    As with gRPC's libraries, HTTPS_PROXY holds for plain text too. The own machine is never reached by one.

    Raises:
        StartError: what the environment names is no proxy that can be used.

    """
    for name in ("https_proxy", "http_proxy"):
        if value := environment.get(name) or environment.get(name.upper()):
            if _is_local(host) or _is_excepted(host, port, _either(environment, "no_proxy")):
                return None
            return _parse(name.upper(), value)
    return None


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""


def _parse(name: str, value: str) -> Proxy:
    try:
        url = urlsplit(value if "://" in value else f"http://{value}")
        host, port = url.hostname, url.port or _PORT
    except ValueError:
        host, port = None, 0
    if not host or url.scheme != "http":
        # The value may have a password.
        raise StartError(f"{name}: only proxies at http://host:port can be used; or name the endpoint in NO_PROXY")
    if url.username is None:
        return Proxy(host, port, "")
    login = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return Proxy(host, port, f"Basic {base64.b64encode(login.encode()).decode()}")


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    """Return whether a list of names, domains, addresses and networks, each perhaps with a port, has a host."""
    return any(_matches(entry.strip().lower(), host.lower(), port) for entry in exceptions.split(",") if entry.strip())


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if with_port := _WITH_PORT.fullmatch(entry):
        entry, number = with_port.groups()
        if int(number) != port:
            return False
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return False
    domain = entry.removeprefix("*").removeprefix(".")
    return host.endswith(f".{domain}") or (host == domain and not entry.startswith((".", "*")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
