"""What a request says before its body, as far as the server itself has to know it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

# Names in lower case, with the values as they came.
Fields = list[tuple[bytes, bytes]]

_MAX_FIELDS = 128


class BadHeadError(Exception):
    """A head that is refused; the connection ends with the answer, for what follows the head cannot be told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RequestHead:
    """The head of a request.

    `length` is that of the body; None where it comes in chunks, which say themselves how long they are. `keeps_alive`
    says whether the client wants to send further requests. `expectation` is what it waits for before it sends the body,
    in lower case; HTTP/1.0 has nothing of the kind.
    """

    __slots__ = ("_named", "expectation", "fields", "keeps_alive", "length", "method", "target", "version")

    def __init__(self, method: bytes, target: bytes, version: str, fields: Fields, *, keeps_alive: bool) -> None:
        """Read a head that the parser has found well-formed.

        Raises:
            BadHeadError: it is none that this server understands, or one that servers in a row could read differently.

        """
        if version not in ("1.1", "1.0"):
            raise BadHeadError(505, "this server speaks HTTP/1.1 and HTTP/1.0")
        if len(fields) > _MAX_FIELDS:
            raise BadHeadError(431, f"the request has more than {_MAX_FIELDS} headers")
        named = dict(fields)
        if len(named) < len(fields):
            named = _joined(fields)
        if b"host" not in named and version == "1.1":
            raise BadHeadError(400, "the Host header is missing")
        self.method = "POST" if method == b"POST" else method.decode("ascii")
        self.target = target
        self.version = version
        self.fields = fields
        self.keeps_alive = keeps_alive
        self._named = named
        self.length: int | None = int(named.get(b"content-length", 0))
        if b"transfer-encoding" in named:
            self._check_chunked(named[b"transfer-encoding"])
            self.length = None
        self.expectation = self.get(b"expect").lower() if b"expect" in named and version == "1.1" else ""

    def _check_chunked(self, coding: bytes) -> None:
        if coding.strip().lower() != b"chunked":
            raise BadHeadError(501, "the only Transfer-Encoding that is taken is chunked")
        if self.version == "1.0":
            raise BadHeadError(400, "HTTP/1.0 has no Transfer-Encoding")

    def get(self, name: bytes) -> str:
        """Return a header by its name in lower case, empty where it has not come; repeated ones joined by commas."""
        value = self._named.get(name)
        return "" if value is None else value.strip().decode("utf-8", "replace")

    @property
    def path(self) -> str:
        """The path, without escapes."""
        return _path_of(self.target)

    @property
    def query(self) -> str:
        """The query, as it came."""
        return self.target.partition(b"?")[2].decode("latin-1")

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters."""
        return _media_type_of(self._named.get(b"content-type", b""))

    def headers(self) -> Mapping[str, str]:
        """Return the headers by names in any case."""
        return _Headers(self._named)

    def all_headers(self) -> dict[str, tuple[str, ...]]:
        """Return every value of every header, names in lower case."""
        found: dict[str, tuple[str, ...]] = {}
        for raw_name, value in self.fields:
            name = raw_name.decode("ascii")
            found[name] = (*found.get(name, ()), value.strip().decode("utf-8", "replace"))
        return found


class _Headers(Mapping[str, str]):
    """Reads as text what is asked for, and only that."""

    def __init__(self, named: Mapping[bytes, bytes]) -> None:
        self._named = named

    def __getitem__(self, name: str) -> str:
        try:
            return self._named[name.lower().encode("latin-1")].strip().decode("utf-8", "replace")
        except (KeyError, UnicodeEncodeError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return (name.decode("ascii") for name in self._named)

    def __len__(self) -> int:
        return len(self._named)


def _joined(fields: Fields) -> dict[bytes, bytes]:
    """Return the headers by name, where some come more than once."""
    named: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in (b"host", b"content-length") and name in named:
            raise BadHeadError(400, f"the header {name.decode()} has come twice")
        named[name] = named[name] + b", " + value if name in named else value
    return named


# A few senders make nearly all requests: their targets and types are read once. The caches are small, and what they
# keep is no larger than a target or a header may be.
@lru_cache(maxsize=64)
def _path_of(target: bytes) -> str:
    path = target.partition(b"?")[0]
    # What a proxy is asked for has a host in front, and * is about the server as a whole.
    if not path.startswith(b"/") and path != b"*":
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return unquote_to_bytes(path).decode("utf-8", "replace")


@lru_cache(maxsize=64)
def _media_type_of(value: bytes) -> str:
    return value.partition(b";")[0].strip().lower().decode("utf-8", "replace")
