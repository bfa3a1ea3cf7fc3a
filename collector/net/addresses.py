"""Endpoints as configuration files write them: `host:port`."""

import asyncio
import socket
from typing import NamedTuple, Self

from collector.api import StartError

_FAMILIES = {"tcp4": socket.AF_INET, "tcp6": socket.AF_INET6}
_EVERY_INTERFACE = {"tcp4": "0.0.0.0", "tcp6": "::"}  # noqa: S104 - the operator asked for it by naming no host


class Endpoint(NamedTuple):
    """Where to listen. An empty host means every interface, port 0 one that the system chooses."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `host:port`, `:port` or `[v6 address]:port` spells.

        Raises:
            ValueError: it spells nothing of the kind; the message shows what does.

        """
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host) != bracketed:
            raise ValueError(f'"{text}" is not an endpoint: write host:port, such as localhost:4317 or [::1]:4317')
        return cls(host[1:-1] if bracketed else host, int(port))

    @classmethod
    def to_listen_on(cls, text: str) -> Self:
        """Return what a text spells.

        Raises:
            StartError: it spells no endpoint.

        """
        try:
            return cls.parse(text)
        except ValueError as error:
            raise StartError(f"endpoint: {error}") from None

    async def resolve(self, transport: str = "tcp") -> Self:
        """Return the endpoint with an IP address for a name, IPv4 where the name has both, as Go does.

        `transport` may be `tcp4` or `tcp6`, to have only that.

        Raises:
            StartError: the name is not known.

        """
        if not self.host:
            return self._replace(host=_EVERY_INTERFACE.get(transport, ""))
        loop = asyncio.get_running_loop()
        family = _FAMILIES.get(transport, socket.AF_UNSPEC)
        try:
            found = await loop.getaddrinfo(self.host, self.port, family=family, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise StartError(f"endpoint: cannot find the address of {self.host}: {error.strerror}") from error
        first = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        return self._replace(host=str(first[4][0]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
