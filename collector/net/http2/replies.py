"""What gRPC makes of an answer: a message, or the status of a call that failed.

See https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, and http-grpc-status-mapping.md beside it.
"""

import base64
import binascii
import re
from urllib.parse import unquote

from collector.api import ConsumeError, StatusCode
from collector.net.compression import inflate
from collector.net.http2.answers import ACCEPTED_ENCODINGS
from collector.net.http2.frames import ErrorCode
from collector.net.http2.heads import AnswerHead
from collector.net.unary import MAX_ANSWER, CallFailure

_GRPC = re.compile(rb"application/grpc($|[+;])")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
# In front of a message: whether it is compressed, and its length.
_PREFIX_SIZE = 5
# Bytes of an answer that is not gRPC, and characters of a status, that an error shows.
_EXCERPT = 200
_MAX_TEXT = 2000

_OF_HTTP = {
    400: StatusCode.INTERNAL,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.UNIMPLEMENTED,
    **dict.fromkeys((429, 502, 503, 504), StatusCode.UNAVAILABLE),
}
_OF_RESETS = {
    ErrorCode.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    ErrorCode.CANCEL: StatusCode.CANCELLED,
    ErrorCode.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
}


class Reply:
    """The answer to one call, as it comes."""

    __slots__ = ("_body", "_head")

    def __init__(self) -> None:
        self._head = AnswerHead(None, {}, None)
        self._body = bytearray()

    def begin(self, head: AnswerHead) -> None:
        """Take the header block."""
        self._head = head

    def feed(self, chunk: bytes) -> None:
        """Take a part of the body.

        Raises:
            CallFailure: it is too large.

        """
        if not self._is_grpc:
            self._body += chunk[: max(0, _EXCERPT - len(self._body))]
            return
        self._body += chunk
        announced = int.from_bytes(self._body[1:_PREFIX_SIZE], "big") if len(self._body) >= _PREFIX_SIZE else 0
        size = max(announced, len(self._body) - _PREFIX_SIZE)
        if size > MAX_ANSWER:
            raise CallFailure(
                StatusCode.RESOURCE_EXHAUSTED, f"the answer has {size} bytes, more than the limit of {MAX_ANSWER}"
            )

    def finish(self, trailers: AnswerHead | None) -> bytes:
        """Return the message of a whole answer; without trailers, the header block may say all.

        Raises:
            CallFailure: it is a refusal, or not what gRPC prescribes.

        """
        named = self._head.named if trailers is None else trailers.named
        status = named.get(b"grpc-status")
        if status is None:
            raise self._stranger()
        if status != b"0":
            raise _failure(status, named.get(b"grpc-message", b""), named.get(b"grpc-status-details-bin", b""))
        return self._message()

    @property
    def _is_grpc(self) -> bool:
        return self._head.status == 200 and bool(_GRPC.match(self._head.named.get(b"content-type", b"")))

    def _message(self) -> bytes:
        body = bytes(self._body)
        if len(body) < _PREFIX_SIZE or len(body) - _PREFIX_SIZE != int.from_bytes(body[1:_PREFIX_SIZE], "big"):
            raise CallFailure(StatusCode.INTERNAL, "the server said yes, but its answer is not one whole message")
        message = body[_PREFIX_SIZE:]
        if not body[0]:
            return message
        name = self._head.named.get(b"grpc-encoding", b"").decode("latin-1")
        encoding = ACCEPTED_ENCODINGS.get(name)
        if not encoding:
            raise CallFailure(StatusCode.INTERNAL, f"the answer is compressed with {name!r}, which was not asked for")
        try:
            return inflate(encoding, message, MAX_ANSWER)
        except ConsumeError as error:
            raise CallFailure(
                error.code, f"the answer cannot be inflated: it is not {name}, or larger than {MAX_ANSWER} bytes"
            ) from error

    def _stranger(self) -> CallFailure:
        """Return what an answer means that gRPC has not made."""
        if self._is_grpc:
            return CallFailure(
                StatusCode.INTERNAL, "the answer ends without a grpc-status: does a proxy on the way drop trailers?"
            )
        kind = _printable(self._head.named.get(b"content-type", b"no content-type"))
        excerpt = _printable(bytes(self._body))
        return CallFailure(
            _OF_HTTP.get(self._head.status or 0, StatusCode.UNKNOWN),
            f"HTTP status {self._head.status} ({kind}) and not gRPC: is this the port of a gRPC server, and does every "
            f"proxy on the way pass gRPC on? {excerpt}".rstrip(),
        )


def failure_of_reset(code: int) -> CallFailure:
    """Return what it means that the server has reset a stream."""
    known = ErrorCode(code) if code in ErrorCode.__members__.values() else None
    status = StatusCode.INTERNAL if known is None else _OF_RESETS.get(known, StatusCode.INTERNAL)
    return CallFailure(status, f"the server reset the stream: {code if known is None else known.name}")


def _failure(status: bytes, message: bytes, details: bytes) -> CallFailure:
    text = unquote(message.decode("utf-8", "replace"), errors="replace")[:_MAX_TEXT]
    code = int(status) if status.isdigit() and len(status) <= 2 else -1
    if code not in StatusCode.__members__.values():
        return CallFailure(StatusCode.UNKNOWN, f"unknown status {_printable(status)}: {text}")
    try:
        decoded = base64.b64decode(details + b"=" * (-len(details) % 4))
    except binascii.Error:
        decoded = b""
    return CallFailure(StatusCode(code), text, decoded)


def _printable(text: bytes) -> str:
    return _UNPRINTABLE.sub(" ", text[:_EXCERPT].decode("latin-1")).strip()
