"""The seam between a receiver and the transport under it: unary calls as bytes.

A transport looks a path up, asks the method for admission, takes and inflates the message, and has it handled. What
a method raises (`collector.api.errors`) the transport translates into its own status. A receiver that is written
against this module does not know which HTTP/2 implementation serves it.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from collector.api import Host
from collector.data import Client
from collector.net.addresses import Endpoint


class UnaryMethod(Protocol):
    """One request, one response."""

    def admit(self) -> None:
        """Refuse a call before anything is done for it.

        Raises:
            ConsumeError: the call is refused.

        """

    async def handle(self, request: bytes, client: Client) -> bytes:
        """Return the serialized response to a serialized, inflated request.

        Raises:
            PermanentError: the request will never be taken.
            RetryableError: the request may be taken later.

        """


# Methods by path, such as `/package.Service/Method`.
Methods: TypeAlias = Mapping[str, UnaryMethod]


class UnaryServer(Protocol):
    """What serves methods. `address` is where, once it has started; for a Unix socket its path and port 0."""

    address: Endpoint

    async def start(self, host: Host) -> None:
        """Listen.

        Raises:
            StartError: the endpoint is taken, or the configuration names a file or an extension that is not there.

        """

    async def shutdown(self) -> None:
        """Take no more requests, and wait a while for those that run."""
