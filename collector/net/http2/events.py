"""What a connection says has come in."""

from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from collector.net.http2.frames import ErrorCode
from collector.net.http2.heads import AnswerHead


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


class Answered(NamedTuple):
    """An answer has begun; `ended` where it has no body."""

    stream_id: int
    head: AnswerHead
    ended: bool


class Body(NamedTuple):
    """A part of a body has come; `ended` where nothing follows."""

    stream_id: int
    chunk: bytes
    ended: bool


class Trailed(NamedTuple):
    """The trailers of an answer have come, and with them its end."""

    stream_id: int
    trailers: AnswerHead


class Reset(NamedTuple):
    """The peer has ended a stream before its time. The code may be one that nobody knows."""

    stream_id: int
    code: int


class Broken(NamedTuple):
    """A stream was reset for what the peer did wrong, perhaps before it was opened."""

    stream_id: int
    code: ErrorCode
    message: str


class Pinged(NamedTuple):
    """The peer has sent a PING, which was answered; or, with `answer`, the answer to one of ours."""

    answer: bool


class Settled(NamedTuple):
    """The server has sent SETTINGS, which may let more requests run at one time, or fewer."""


class GoingAway(NamedTuple):
    """The server takes no more requests, and has done nothing for those behind the last stream that it names."""

    last_stream_id: int
    code: int
    message: str


class Failed(NamedTuple):
    """The connection has ended. A GOAWAY that says why is to be taken and sent."""

    code: ErrorCode
    message: str


ServerEvent: TypeAlias = Opened[H] | Body | Reset | Broken | Pinged | Failed
ClientEvent: TypeAlias = Answered | Body | Trailed | Reset | Broken | Pinged | Settled | GoingAway | Failed
