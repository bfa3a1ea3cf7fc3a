"""The seam between a gRPC client and the transport under it: unary calls as bytes. `collector.net.rpc` is the server's."""

from typing import Protocol, TypeAlias

from collector.api import StatusCode

# Names in lower case. The values of names in -bin are bytes, all others printable ASCII.
Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

# An answer says yes or no; who sends more is no backend.
MAX_ANSWER = 4 * 1024 * 1024


class CallFailure(Exception):  # noqa: N818 - it is what gRPC calls a status, and becomes an error at the border
    """A call ended with a status other than OK; `details` is a serialized `google.rpc.Status`, or empty."""

    def __init__(self, code: StatusCode, text: str, details: bytes = b"") -> None:
        super().__init__(text)
        self.code = code
        self.details = details


class UnaryChannel(Protocol):
    """What makes calls to one target, any number at the same time."""

    async def call(self, method: str, request: bytes, metadata: Metadata) -> bytes:
        """Return the answer to a request; `method` is `/package.Service/Method`.

        Raises:
            CallFailure: the server refused it or could not be reached.

        """

    async def close(self) -> None:
        """End every connection; what still waits for an answer gets none."""
