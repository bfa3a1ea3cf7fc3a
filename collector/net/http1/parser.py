"""HTTP/1 without a socket: bytes in, events out.

llhttp, the parser of Node.js, does the reading in its strict mode, so that nothing passes which two servers in a row
could read differently. Here is what it leaves open: limits, and what of HTTP this server does without.
"""

from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from collector.net.http1.heads import BadHeadError, Fields, RequestHead

MAX_HEAD = 64 * 1024
MAX_TARGET = 8 * 1024
# Bytes that may come beside the body of a request in chunks, over as many as the body has: sizes, extensions, trailers.
MAX_FRAMING = 16 * 1024

# Has a parser read what follows as chunks.
_CHUNKED = b"POST / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n"


class Sign(Enum):
    """An event that says no more than that it happened."""

    END = "the request is complete"


class Failure(NamedTuple):
    """What has come is not taken, and nothing after it will be."""

    status: int
    message: str


Data: TypeAlias = bytes | memoryview
# Bytes are a part of the body.
Event: TypeAlias = RequestHead | bytes | Sign | Failure
END: Final = Sign.END


class Parser:
    """Reads one connection. For each request there is its head, then its body in any number of parts, then END."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        # Nothing more is taken: the client said so, or it has failed.
        self._over = False
        # The request of which the body is being read.
        self._head: RequestHead | None = None
        # What has come of a head, and later the trailers.
        self._target = b""
        self._fields: Fields = []
        self._begun = False
        self._head_size = 0
        # What is missing of a body that is taken past llhttp.
        self._missing = 0
        # Sizes of what a body in chunks has brought, and how.
        self._body_size = self._wire_size = 0
        self._failure: Failure | None = None
        self._parts: list[bytes] = []
        # What llhttp calls: an attribute, so that it spends no Python on a part of a body.
        self.on_body = self._parts.append
        self._llhttp = HttpRequestParser(self)

    @property
    def within_head(self) -> bool:
        """Whether a part of a head has come."""
        return self._begun and self._head is None

    def receive(self, data: bytes) -> list[Event]:
        """Return what has come about."""
        events = self._events = []
        rest = self._pass_by(data) if self._missing else data
        while rest and not self._over:
            rest = self._feed(rest)
        return events

    def _pass_by(self, data: Data) -> Data:
        """Take the rest of a body that came in several reads as it is; return what follows it."""
        chunk = bytes(data[: self._missing])
        self._missing -= len(chunk)
        self._events.append(chunk)
        if not self._missing:
            self._end()
        return data[len(chunk) :]

    def _feed(self, data: Data) -> Data:
        """Have llhttp read; return what it has left."""
        if self._head is None:
            self._head_size += len(data)
        else:
            self._wire_size += len(data)
        try:
            self._llhttp.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._flush()
            return self._stay(memoryview(data)[upgrade.args[0] :])
        except HttpParserError as error:
            # A client that wants to send no more may have sent more.
            if not self._over:
                self._flush()
                self._fail(self._failure or Failure(400, _reason(bytes(data[:4]), error)))
            return b""
        if self._parts:
            self._flush()
        if self._begun:
            self._check_sizes()
        return b""

    def _check_sizes(self) -> None:
        head = self._head
        if head is None:
            if self._head_size > MAX_HEAD:
                self._fail(_too_large())
        elif head.length is None:
            if self._wire_size > 2 * self._body_size + MAX_FRAMING:
                self._fail(Failure(400, "the chunks of the body are too small, or bring too much that is no body"))
        else:
            # The rest needs no reading, and no copying.
            self._missing = head.length - self._body_size
            self._llhttp = HttpRequestParser(self)

    def _stay(self, rest: Data) -> Data:
        """Ignore that the client wants to change to another protocol, which llhttp does not; return what is left."""
        head = self._head
        self._llhttp = HttpRequestParser(self)
        if head is None:
            return b""
        if head.method == "CONNECT":
            self._fail(Failure(405, "this server is no proxy"))
            return b""
        if head.length is None:
            self._llhttp.feed_data(_CHUNKED)
            return rest
        self._missing = head.length
        if not self._missing:
            self._end()
            return rest
        return self._pass_by(rest)

    def _flush(self) -> None:
        """Hand on what has come of a body."""
        parts = self._parts
        chunk = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._body_size += len(chunk)
        if chunk:
            self._events.append(chunk)

    def _end(self) -> None:
        self._over = self._head is not None and not self._head.keeps_alive
        self._head = None
        self._begun = False
        self._head_size = self._body_size = self._wire_size = 0
        self._events.append(END)

    def _fail(self, failure: Failure) -> None:
        self._over = True
        self._events.append(failure)

    # What llhttp calls, beside on_body

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._begun = True

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part
        if len(self._target) > MAX_TARGET:
            self._failure = Failure(414, f"the URL is longer than {MAX_TARGET} bytes")
            raise ValueError(self._failure.message)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header or a trailer."""
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take a head."""
        if self._head is not None:
            return  # it was `_CHUNKED`
        target, self._target = self._target, b""
        fields, self._fields = self._fields, []
        llhttp = self._llhttp
        try:
            if self._head_size > MAX_HEAD:
                _check_size(target, fields)
            head = RequestHead(
                llhttp.get_method(),
                target,
                llhttp.get_http_version(),
                fields,
                keeps_alive=llhttp.should_keep_alive(),
            )
        except BadHeadError as error:
            self._failure = Failure(error.status, error.message)
            raise
        self._head = head
        self._events.append(head)

    def on_message_complete(self) -> None:
        """End a request."""
        # Trailers say nothing that is known here.
        self._target = b""
        self._fields = []
        if not self._llhttp.should_upgrade():
            if self._parts:
                self._flush()
            self._end()


def _reason(start: bytes, error: Exception) -> str:
    """Return what is wrong with what starts like this."""
    if start.startswith(b"\x16\x03"):
        return "this port takes HTTP/1.1, and without TLS"
    if start == b"PRI ":
        return "this port takes HTTP/1.1; gRPC, which is HTTP/2, has a port of its own"
    return f"the request is not valid HTTP/1.1: {error}"


def _check_size(target: bytes, fields: Fields) -> None:
    """Refuse a head that is too large; what has come with it, such as its body, does not count."""
    if len(target) + sum(len(name) + len(value) + 4 for name, value in fields) > MAX_HEAD:
        failure = _too_large()
        raise BadHeadError(failure.status, failure.message)


def _too_large() -> Failure:
    return Failure(431, f"the head of the request is larger than {MAX_HEAD} bytes")
