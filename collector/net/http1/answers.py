"""Answers as bytes."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from collector.api import Clock
from collector.net.http import HttpAnswer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# What would end a header, and begin another.
_BREAKS = re.compile(r"[\r\n\0]+")
_NANOSECONDS = 10**9
_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"


class AnswerWriter:
    """Writes answers with the headers that all answers of a server have."""

    def __init__(self, clock: Clock, common: Mapping[str, str]) -> None:
        self._clock = clock
        self._common = b"".join(_field(name, value) for name, value in common.items())
        self._second = -1
        self._date = b""

    def write(
        self,
        answer: HttpAnswer,
        more: Mapping[str, str] | None = None,
        *,
        version: str = "1.1",
        closes: bool = False,
        only_head: bool = False,
    ) -> bytes:
        """Return an answer, with more headers than it has itself.

        `version` is the client's. `closes` says that the connection ends with the answer, `only_head` that the body is
        not sent.
        """
        status, body, content_type, headers = answer
        parts = [_start(status, content_type), self._common]
        if headers or more:
            parts += [_field(name, value) for name, value in {**headers, **(more or {})}.items()]
        if closes:
            parts.append(_CLOSE)
        elif version == "1.0":
            parts.append(_KEEP)
        # The only status of a handler that has no body by its definition.
        if status != HTTPStatus.NO_CONTENT:
            parts.append(b"Content-Length: %d\r\n" % len(body))
        parts.append(self._date_field())
        if not only_head:
            parts.append(body)
        return b"".join(parts)

    def _date_field(self) -> bytes:
        """Return the last header with the empty line after it; made anew once a second."""
        second = self._clock.time_ns() // _NANOSECONDS
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
        return self._date


@lru_cache(maxsize=64)
def _start(status: int, content_type: str) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    line = f"HTTP/1.1 {status} {phrase}\r\n".encode()
    return line + _field("Content-Type", content_type) if content_type else line


def _field(name: str, value: str) -> bytes:
    """Return a header; what is not one line becomes one, so that no value can add headers."""
    return f"{name}: {_BREAKS.sub(' ', value).strip()}\r\n".encode()
