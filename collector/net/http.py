"""The seam between a receiver and the HTTP server under it: requests, answers, and handlers by path."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from collector.api import ConsumeError, PermanentError
from collector.data import Client
from collector.net.status import http_status_of, retry_after_header

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class HttpError(PermanentError):
    """A refusal that only HTTP knows, by its status."""

    def __init__(self, status: int, message: str, *, reason: str) -> None:
        super().__init__(message, reason=reason)
        self.status = status


class HttpRequest(Protocol):
    """A request of which the headers have come."""

    @property
    def method(self) -> str:
        """The method, such as POST."""

    @property
    def path(self) -> str:
        """The path, without escapes and query."""

    @property
    def query(self) -> str:
        """The query, as it came."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by names in any case."""

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""

    @property
    def client(self) -> Client:
        """Who sends."""

    async def body(self) -> bytes:
        """Read the body, inflated; once. Where the sender goes away or is too slow, the handler is cancelled.

        Raises:
            ConsumeError: it is too large, broken or in an encoding that is not taken.

        """


class HttpAnswer(NamedTuple):
    """What to answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = _NO_HEADERS


Handler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpAnswer]]
ErrorAnswer: TypeAlias = Callable[[HttpRequest, ConsumeError], HttpAnswer]


def status_of_answer(error: ConsumeError) -> int:
    """Return the HTTP status of a refusal."""
    return error.status if isinstance(error, HttpError) else http_status_of(error)


def retry_headers(error: ConsumeError) -> Mapping[str, str]:
    """Return the headers that say when to try again."""
    delay = retry_after_header(error)
    return _NO_HEADERS if delay is None else {"Retry-After": delay}


def plain_error(request: HttpRequest, error: ConsumeError) -> HttpAnswer:  # noqa: ARG001 - an ErrorAnswer's arguments
    """Answer a refusal with its message as plain text."""
    return HttpAnswer(status_of_answer(error), str(error).encode(), headers=retry_headers(error))
