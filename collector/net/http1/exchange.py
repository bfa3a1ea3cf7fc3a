"""One request as a handler sees it, and its body on the way from the socket into memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs

from collector.api import ConsumeError
from collector.data import NO_CLIENT, Client
from collector.net.auth import Headers
from collector.net.budget import Budget
from collector.net.compression import Encoding, Inflater
from collector.net.http import HttpError
from collector.net.http1.heads import RequestHead
from collector.net.server_config import HttpServerConfig

LEAVE = "100-continue"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a server takes, looked up once: the encodings of bodies by their names, and their largest size in bytes.

    `parameters` are those of the query that an authenticator wants to see.
    """

    encodings: Mapping[str, Encoding]
    body_limit: int
    parameters: Sequence[str] = ()

    @classmethod
    def of(cls, config: HttpServerConfig) -> Self:
        """Return what a configuration says."""
        encodings: dict[str, Encoding] = {name: name for name in config.encodings}
        if "" in encodings:
            encodings["identity"] = ""
        return cls(encodings, config.body_limit, config.auth.request_params if config.auth else ())


class Exchange:
    """An `HttpRequest`. It is `complete` once the whole body has come.

    Until a handler wants the body, what comes of it is held as it is: `held` bytes.
    """

    __slots__ = (
        "_arrival",
        "_ask",
        "_begun",
        "_chunks",
        "_discards",
        "_error",
        "_inflater",
        "_reservation",
        "_terms",
        "client",
        "complete",
        "head",
        "held",
        "method",
        "path",
    )

    def __init__(self, head: RequestHead, terms: Terms, budget: Budget, ask: Callable[[], None]) -> None:
        self.head = head
        self.method = head.method
        self.path = head.path
        self.client: Client = NO_CLIENT
        self.complete = False
        self.held = 0
        self._terms = terms
        self._reservation = budget.reserve()
        self._ask = ask
        self._chunks: list[bytes] = []
        self._inflater: Inflater | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._error: ConsumeError | None = None
        self._begun = self._discards = False

    # For the handler

    @property
    def query(self) -> str:
        """The query, as it came."""
        return self.head.query

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by names in any case."""
        return self.head.headers()

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""
        return self.head.media_type

    async def body(self) -> bytes:
        """Read the body, inflated."""
        if self._error is not None:
            raise self._error
        inflater = Inflater(self._encoding(), self._terms.body_limit)
        inflater.expect(self.head.length or 0)
        chunks, self._chunks, self.held = self._chunks, [], 0
        for chunk in chunks:
            self._reservation.grow(inflater.feed(chunk))
        if not self.complete:
            self._inflater = inflater
            self._arrival = asyncio.get_running_loop().create_future()
            self._ask()
            await self._arrival
        body = inflater.finish()
        self._reservation.grow(max(0, len(body) - inflater.size))
        return body

    def _encoding(self) -> Encoding:
        name = self.head.get(b"content-encoding").lower()
        encoding = self._terms.encodings.get(name)
        if encoding is None:
            supported = ", ".join(name for name in self._terms.encodings if name not in ("", "identity"))
            text = f'unsupported Content-Encoding "{name}", supported: [{supported}]'
            raise HttpError(415, text, reason="unsupported_encoding")
        return encoding

    # For the server

    def credentials(self) -> Headers:
        """Return every header, and the query parameters that an authenticator wants to see."""
        headers = self.head.all_headers()
        if self._terms.parameters:
            query = parse_qs(self.head.query, keep_blank_values=True)
            headers |= {name.lower(): tuple(query[name]) for name in self._terms.parameters if name in query}
        return headers

    def waits_for_leave(self) -> bool:
        """Return whether the sender keeps the body until it is told to send it."""
        return not self._begun and not self.complete and self.head.expectation == LEAVE

    def rest_may_come(self) -> bool:
        """Return whether what is missing of the body is worth reading past, for the sake of the next request."""
        return self.head.length is not None and self.head.length <= self._terms.body_limit

    def feed(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self._begun = True
        if self._discards:
            return
        if self._inflater is None:
            self._chunks.append(chunk)
            self.held += len(chunk)
            return
        try:
            self._reservation.grow(self._inflater.feed(chunk))
        except ConsumeError as error:
            self.fail(error)

    def end(self) -> None:
        """Take note that the body is complete."""
        self.complete = True
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def fail(self, error: ConsumeError) -> None:
        """Have the handler see an error instead of the body."""
        self.release()
        self._error = error
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_exception(error)

    def release(self) -> None:
        """Give back what is held, and forget what more comes."""
        self._discards = True
        self._chunks.clear()
        self.held = 0
        self._inflater = None
        self._reservation.release()
