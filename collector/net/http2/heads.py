"""What the header fields of a request or an answer say, and whether they may (RFC 9113 section 8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from collector.net.http2.frames import ErrorCode, StreamFailure
from collector.net.http2.header_blocks import Fields

# Names, and what no value may have, in all of a block joined by newlines: one search costs less than many.
_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+(\n[!#$%&'*+\-.^_`|~0-9a-z]+)*")
_BAD_VALUES = re.compile(rb"[\x00\r]|(?:^|\n)[ \t]|[ \t](?:\n|$)")
_OF_REQUESTS = frozenset({b":method", b":scheme", b":path", b":authority"})
_OF_ANSWERS = frozenset({b":status"})
_OF_HTTP_1 = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A valid request, less its body.

    `fields` are the regular ones, in the order in which they came; `named` has the last of each name.
    """

    method: bytes
    path: bytes
    authority: bytes
    fields: Fields
    named: Mapping[bytes, bytes]
    content_length: int | None

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Read the fields of a header block.

        Raises:
            StreamFailure: they are malformed.

        """
        pseudo, regular = _divide(fields)
        named = dict(regular)
        if not pseudo.keys() >= {b":method", b":scheme", b":path"} or not pseudo[b":path"]:
            raise malformed("a request needs :method, :scheme and :path")
        if named.get(b"te", b"trailers") != b"trailers":
            raise malformed("the header te can only be trailers")
        return cls(
            pseudo[b":method"],
            pseudo[b":path"],
            pseudo.get(b":authority", b""),
            regular,
            named,
            _content_length(named, regular),
        )


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The header fields of an answer or, where `status` is None, of its trailers; `named` has the last of each name."""

    status: int | None
    named: Mapping[bytes, bytes]
    content_length: int | None

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Read the fields of a header block.

        Raises:
            StreamFailure: they are malformed.

        """
        pseudo, regular = _divide(fields, _OF_ANSWERS)
        named = dict(regular)
        status = pseudo.get(b":status")
        if status is None:
            return cls(None, named, None)
        if not (len(status) == 3 and status.isdigit()):
            raise malformed(":status is not a number of three digits")
        return cls(int(status), named, _content_length(named, regular))


def check_trailers(fields: Fields) -> None:
    """Check the fields behind the body of a request.

    Raises:
        StreamFailure: they are malformed.

    """
    pseudo, _ = _divide(fields)
    if pseudo:
        raise malformed("trailers must not have pseudo-header fields")


def malformed(detail: str) -> StreamFailure:
    """Return the error of a malformed request or answer."""
    return StreamFailure(ErrorCode.PROTOCOL_ERROR, detail)


def _divide(fields: Fields, known: frozenset[bytes] = _OF_REQUESTS) -> tuple[dict[bytes, bytes], Fields]:
    """Return the pseudo-header fields, which must come first, and the regular ones."""
    pseudo: dict[bytes, bytes] = {}
    count = 0
    for name, value in fields:
        if not name.startswith(b":"):
            break
        if name not in known or name in pseudo:
            raise malformed("a pseudo-header field is unknown or repeated")
        pseudo[name] = value
        count += 1
    _check_values([value for _, value in fields])
    regular = fields[count:]
    if regular:
        _check_names([name for name, _ in regular])
    return pseudo, regular


def _check_names(names: list[bytes]) -> None:
    joined = b"\n".join(names)
    if joined.count(b"\n") >= len(names) or not _NAMES.fullmatch(joined):
        raise malformed("a header field has a name that HTTP/2 does not allow")
    if not _OF_HTTP_1.isdisjoint(names):
        raise malformed("a header field is of HTTP/1 only")


def _check_values(values: list[bytes]) -> None:
    joined = b"\n".join(values)
    if joined.count(b"\n") >= max(1, len(values)) or _BAD_VALUES.search(joined):
        raise malformed("a header field has a value that HTTP/2 does not allow")


def _content_length(named: Mapping[bytes, bytes], fields: Fields) -> int | None:
    if b"content-length" not in named:
        return None
    lengths = {value for name, value in fields if name == b"content-length"}
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > 18:
        raise malformed("content-length is not one number")
    return int(length)
