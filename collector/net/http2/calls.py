"""What gRPC makes of a request: how it is called, and the one message in its body."""

import asyncio
import re
from dataclasses import dataclass
from typing import Self

from collector.api import ConsumeError, PermanentError, StatusCode
from collector.net.auth import Headers
from collector.net.budget import Budget
from collector.net.compression import Encoding, inflate
from collector.net.http2.answers import ACCEPTED_ENCODINGS, Answer, plain
from collector.net.http2.header_blocks import Fields
from collector.net.http2.heads import RequestHead
from collector.net.rpc import UnaryMethod

_GRPC = re.compile(rb"application/grpc($|[+;])")
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
# Metadata that gRPC keeps for itself.
_RESERVED = frozenset({b"te", b"grpc-encoding", b"grpc-timeout", b"grpc-status", b"grpc-message", b"grpc-message-type"})
_NEVER = float("inf")
# In front of a message: whether it is compressed, and its length.
_PREFIX_SIZE = 5
# Chunks of a message are kept as they come, to be copied once; but for those that are not worth an object each.
_SMALL = 512


@dataclass(frozen=True, slots=True)
class CallHead:
    """The head of a request, read as gRPC has it.

    `stranger` is the answer where it is no gRPC at all, `refusal` what is wrong where it is. `timeout` is in seconds.
    """

    path: bytes
    content_length: int | None
    authority: bytes
    fields: Fields
    encoding: Encoding = ""
    timeout: float | None = None
    stranger: Answer | None = None
    refusal: ConsumeError | None = None

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Read a header block.

        Raises:
            StreamFailure: it is no valid request of HTTP/2.

        """
        request = RequestHead.of(fields)
        whole = (request.path, request.content_length, request.authority, request.fields)
        named = request.named
        if request.method != b"POST":
            return cls(*whole, stranger=plain(405, "this port takes gRPC, which is POST only"))
        if not _GRPC.match(named.get(b"content-type", b"")):
            return cls(*whole, stranger=plain(415, "this port takes gRPC: the content-type must be application/grpc"))
        encoding = named.get(b"grpc-encoding", b"identity").decode("latin-1")
        if encoding not in ACCEPTED_ENCODINGS:
            return cls(*whole, refusal=_unknown_encoding(encoding))
        timeout = None
        if b"grpc-timeout" in named:
            matched = _TIMEOUT.fullmatch(named[b"grpc-timeout"])
            if matched is None:
                return cls(*whole, refusal=_malformed("grpc-timeout is not digits and a unit"))
            timeout = int(matched[1]) * _SECONDS[matched[2]]
        return cls(*whole, encoding=ACCEPTED_ENCODINGS[encoding], timeout=timeout)

    def metadata(self) -> Headers:
        """Return the request's metadata as text; binary values are left out."""
        metadata: dict[str, tuple[str, ...]] = {}
        for name, value in ((b":authority", self.authority), *self.fields):
            if value and name not in _RESERVED and not name.endswith(b"-bin"):
                key = name.decode()
                metadata[key] = (*metadata.get(key, ()), value.decode("utf-8", "replace"))
        return metadata


class Call:
    """A request that is under way, and what it holds in memory.

    It is `running` from the moment when its task is, which a cancelled one may never be. `verdict` is the answer where it is refused whatever its message is: the message is then read past. `deadline` is
    when the client gives up, `expires` when the server does, both on the server's clock.
    """

    __slots__ = (
        "_chunks",
        "_left",
        "_limit",
        "_prefix",
        "_reservation",
        "answered",
        "deadline",
        "expires",
        "head",
        "method",
        "running",
        "stream_id",
        "task",
        "verdict",
    )

    def __init__(self, stream_id: int, head: CallHead, method: UnaryMethod | None, limit: int, budget: Budget) -> None:
        self.stream_id = stream_id
        self.head = head
        self.method = method
        self.verdict: Answer | None = None
        self.answered = self.running = False
        self.task: asyncio.Task[None] | None = None
        self.deadline = self.expires = _NEVER
        self._limit = limit
        self._reservation = budget.reserve()
        self._prefix = b""
        self._chunks: list[bytes] = []
        # What is missing of the message, once the prefix is there; of a refused call, what was read past, below zero.
        self._left = 0

    def begin(self, now: float, seconds: float) -> None:
        """Start the clock: so many seconds for the request to come whole, or less where the client says so."""
        if self.head.timeout is not None:
            self.deadline = now + self.head.timeout
        self.expires = min(self.deadline, now + seconds)

    def feed(self, chunk: bytes) -> None:
        """Take a part of the body.

        Raises:
            ConsumeError: the message is too large, by its own account; it is not one message; or there is no room.

        """
        if self.verdict is not None:
            self._left -= len(chunk)
            if self._left < -self._limit:
                raise _malformed("it goes on and on")
            return
        self._reservation.grow(len(chunk))
        if len(self._prefix) < _PREFIX_SIZE:
            start = self._prefix + chunk
            self._prefix, chunk = start[:_PREFIX_SIZE], start[_PREFIX_SIZE:]
            if len(self._prefix) < _PREFIX_SIZE:
                return
            self._left = self._announced()
        self._left -= len(chunk)
        if self._left < 0:
            raise _malformed("a unary call has one message, and more has come")
        if self._chunks and len(self._chunks[-1]) < _SMALL:
            self._chunks[-1] += chunk
        else:
            self._chunks.append(chunk)

    def _announced(self) -> int:
        length = int.from_bytes(self._prefix[1:], "big")
        if length > self._limit:
            raise PermanentError(
                f"the request is larger than the limit of {self._limit} bytes: send fewer items at once",
                reason="too_large",
                code=StatusCode.RESOURCE_EXHAUSTED,
            )
        if self._prefix[0] > 1 or (self._prefix[0] and not self.head.encoding):
            raise _malformed("a message is marked as compressed, and grpc-encoding does not say how")
        return length

    def release(self) -> None:
        """Give back what is held."""
        self._chunks = []
        self._reservation.release()

    def message(self) -> bytes:
        """Return the message, inflated.

        Raises:
            ConsumeError: it has not come whole, it is broken, or too large.

        """
        if len(self._prefix) < _PREFIX_SIZE or self._left:
            raise _malformed("the request ends within its message")
        message = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        if not self._prefix[0]:
            return message
        inflated = inflate(self.head.encoding, message, self._limit)
        self._reservation.grow(max(0, len(inflated) - len(message)))
        return inflated


def _malformed(detail: str) -> PermanentError:
    return PermanentError(detail, reason="malformed", code=StatusCode.INTERNAL)


def _unknown_encoding(name: str) -> PermanentError:
    return PermanentError(
        f'grpc-encoding "{name[:32]}" is not supported, use one of {", ".join(ACCEPTED_ENCODINGS)}',
        reason="unsupported_encoding",
        code=StatusCode.UNIMPLEMENTED,
    )
