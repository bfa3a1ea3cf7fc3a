"""What a connection says has come in."""

from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from collector.net.http2.frames import ErrorCode


class Head(Protocol):
    """What a connection itself has to know of a request."""

    @property
    def content_length(self) -> int | None:
        """What the client says that the size of the body is."""


H = TypeVar("H", bound=Head)


class Opened(NamedTuple, Generic[H]):
    """A request has begun; `ended` where it has no body."""

    stream_id: int
    head: H
    ended: bool


class Body(NamedTuple):
    """A part of a body has come; `ended` where nothing follows."""

    stream_id: int
    chunk: bytes
    ended: bool


class Reset(NamedTuple):
    """The client has given up a request before its answer was out."""

    stream_id: int


class Broken(NamedTuple):
    """A request was reset for what the client did wrong, perhaps before it was opened."""

    stream_id: int
    code: ErrorCode


class Pinged(NamedTuple):
    """The client has sent a PING, which was answered; or, with `answer`, the answer to one of ours."""

    answer: bool


class Failed(NamedTuple):
    """The connection has ended. A GOAWAY that says why is to be taken and sent."""

    code: ErrorCode
    message: str


Event: TypeAlias = Opened[H] | Body | Reset | Broken | Pinged | Failed
