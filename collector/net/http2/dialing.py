"""Ways to a server: the addresses of a target, and a connection to one of them."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from collector.api import Settings, StartError
from collector.net.addresses import Endpoint
from collector.net.grpc_client_config import GrpcClientConfig, target_of
from collector.net.http2.client_session import ClientSession
from collector.net.proxies import Proxy, proxy_for
from collector.net.tls import Reloading, TlsClientConfig, client_context

_SCHEME = "dns://"
# Bytes of a proxy's answer.
_MAX_PROXY_ANSWER = 16 * 1024
_ACCEPTED = re.compile(r"HTTP/1\.[01] 2[0-9]{2}( |$)")
# Seconds for the two sides of TLS to say goodbye.
_GOODBYE_SECONDS = 1.0


class Target(NamedTuple):
    """Where to send: a host and a port, or the path of a Unix socket."""

    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, endpoint: str) -> Self:
        """Return what an endpoint means that `target_of` takes.

        Raises:
            StartError: it asks for a DNS server of its own.

        """
        target = target_of(endpoint)
        if target.startswith("unix:"):
            path = target.removeprefix("unix:")
            return cls("localhost", 0, path.removeprefix("//") if path.startswith("///") else path)
        if target.startswith(_SCHEME):
            server, _, target = target.removeprefix(_SCHEME).rpartition("/")
            if server:
                raise StartError(
                    f"endpoint: only `client: grpcio` can ask the DNS server {server}: write dns:///{target}"
                )
        try:
            return cls(*Endpoint.parse(target))
        except ValueError as error:
            raise StartError(f"endpoint: {error}") from None

    @property
    def authority(self) -> str:
        """The name under which a server is asked."""
        return "localhost" if self.path else str(Endpoint(self.host, self.port))


class Address(NamedTuple):
    """One of the places where a target is; port 0 for a Unix socket, whose path is the host then."""

    host: str
    port: int

    def __str__(self) -> str:
        return str(Endpoint(self.host, self.port)) if self.port else self.host


class Dialer:
    """Opens connections for one configuration."""

    def __init__(self, config: GrpcClientConfig, settings: Settings) -> None:
        """Prepare.

        Raises:
            StartError: a certificate, the endpoint or the environment's proxy is not usable.

        """
        tls = config.client_tls
        self.target = target = Target.parse(config.endpoint)
        self.authority = config.authority or tls.server_name_override or target.authority
        self._server_name = tls.server_name_override or _host_of(config.authority) or target.host
        self._context = Reloading(lambda: _context(tls), tls, settings.clock, settings.logger)
        self._proxy = None if target.path else proxy_for(target.host, target.port, os.environ)

    async def resolve(self) -> tuple[Address, ...]:
        """Return where the target is by now; through a proxy that is the proxy's business.

        Raises:
            OSError: the name is not known.
            ValueError: it cannot be one of a host.

        """
        target = self.target
        if target.path or self._proxy is not None:
            return (Address(target.path or target.host, target.port),)
        found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        # Twice where a name stands twice in a hosts file.
        return tuple(dict.fromkeys(Address(str(entry[4][0]), target.port) for entry in found))

    async def dial(self, address: Address, make: Callable[[], ClientSession]) -> ClientSession:
        """Return a session whose server takes calls.

        Raises:
            OSError: nobody is there, or it is not trusted.
            ValueError: the name cannot be one of a host.
            CallFailure: it does not speak HTTP/2.

        """
        transport, session = await self._connect(address, make)
        try:
            _check_protocol(transport)
            await session.ready
        except BaseException:
            session.abort()
            raise
        return session

    async def _connect(
        self, address: Address, make: Callable[[], ClientSession]
    ) -> tuple[asyncio.BaseTransport, ClientSession]:
        loop = asyncio.get_running_loop()
        context = self._context.current()
        options: dict[str, Any] = {}
        if context is not None:
            options = {"ssl": context, "server_hostname": self._server_name, "ssl_shutdown_timeout": _GOODBYE_SECONDS}
        if self.target.path:
            return await loop.create_unix_connection(make, address.host, **options)
        if self._proxy is None:
            return await loop.create_connection(make, address.host, address.port, **options)
        tunnel = await _tunnel(self._proxy, address)
        try:
            return await loop.create_connection(make, sock=tunnel, **options)
        except BaseException:
            tunnel.close()
            raise


def _check_protocol(transport: asyncio.BaseTransport) -> None:
    encrypted = transport.get_extra_info("ssl_object")
    if encrypted is not None and encrypted.selected_alpn_protocol() != "h2":
        raise ConnectionError("an http1.x server: TLS was agreed upon, but not HTTP/2 (ALPN h2)")


async def _tunnel(proxy: Proxy, address: Address) -> socket.socket:
    """Return a socket that a proxy has joined to an address."""
    loop = asyncio.get_running_loop()
    [(family, kind, protocol, _, place), *_] = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    tunnel = socket.socket(family, kind, protocol)
    try:
        tunnel.setblocking(False)
        await loop.sock_connect(tunnel, place)
        await loop.sock_sendall(tunnel, proxy.request(address.host, address.port))
        await _pass_over_answer(tunnel)
    except OSError as error:
        tunnel.close()
        raise ConnectionError(f"the proxy {proxy.host}:{proxy.port}: {error}") from error
    except BaseException:
        tunnel.close()
        raise
    return tunnel


async def _pass_over_answer(tunnel: socket.socket) -> None:
    """Read a proxy's yes, byte by byte: what follows is the server's, which may speak first."""
    loop = asyncio.get_running_loop()
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(tunnel, 1)
        answer += byte
        if not byte or len(answer) > _MAX_PROXY_ANSWER:
            raise ConnectionError("it ended the connection, or talks too much")
    status = answer.partition(b"\r\n")[0].decode("latin-1")
    if not _ACCEPTED.match(status):
        raise ConnectionError(f"it refuses a tunnel: {status[:100]}")


def _context(config: TlsClientConfig) -> ssl.SSLContext | None:
    context = client_context(config)
    if context is not None:
        context.set_alpn_protocols(["h2"])
    return context


def _host_of(authority: str) -> str:
    """Return an authority without its port, if it has one."""
    host, colon, port = authority.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() else authority.strip("[]")
