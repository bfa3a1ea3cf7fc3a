"""HTTP/2 by hand, from either side: every frame can be right or wrong, as a test wants it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hpack import Decoder, Encoder

from collector.net.http2 import frames

# The least that a client begins with.
START = frames.PREFACE + frames.settings(())
PATH = "/test.Service/Echo"
Field = tuple[str, str]


class Frame(NamedTuple):
    """A frame as it is on the wire."""

    kind: int
    flags: int
    stream_id: int
    payload: bytes


class Client:
    """Writes requests with a header table of its own, and reads answers."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._decoder = Decoder()

    def block(self, *extra: Field, path: str = PATH) -> bytes:
        """Return the header block of a gRPC request; a field of `extra` stands in for ours of the same name."""
        fields = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "test",
            "content-type": "application/grpc",
            "te": "trailers",
        }
        replaced = [(name, dict(extra).get(name, value)) for name, value in fields.items()]
        return self._encoder.encode([*replaced, *(field for field in extra if field[0] not in fields)])

    def encode(self, fields: Sequence[Field]) -> bytes:
        """Return a header block of just these fields."""
        return self._encoder.encode(list(fields))

    def headers(self, stream_id: int, *extra: Field, path: str = PATH, flags: int = 0) -> bytes:
        """Return the HEADERS of a gRPC request."""
        return frames.header_frames(stream_id, self.block(*extra, path=path), flags)

    def request(self, stream_id: int, message: bytes, *extra: Field, path: str = PATH) -> bytes:
        """Return a whole gRPC request."""
        body = frames.frame(frames.DATA, frames.END_STREAM, stream_id, prefixed(message))
        return self.headers(stream_id, *extra, path=path) + body

    def fields(self, frame: Frame) -> dict[str, str]:
        """Return the fields of a HEADERS frame of the server."""
        return {str(name): str(value) for name, value in self._decoder.decode(frame.payload)}


def prefixed(message: bytes, *, compressed: bool = False) -> bytes:
    """Return a message as gRPC puts it into a body."""
    return bytes([compressed]) + len(message).to_bytes(4, "big") + message


def parse(data: bytes) -> list[Frame]:
    """Return the whole frames that bytes are."""
    return list(_parse(data))


def _parse(data: bytes) -> Iterator[Frame]:
    while data:
        high, low, kind, flags, stream_id = frames.HEADER.unpack_from(data)
        end = frames.HEADER_SIZE + (high << 8 | low)
        if len(data) < end:
            raise ValueError("the last frame is not whole")
        yield Frame(kind, flags, stream_id, data[frames.HEADER_SIZE : end])
        data = data[end:]


class Server:
    """Writes answers with a header table of its own, and reads requests."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._decoder = Decoder()

    def headers(self, stream_id: int, *fields: Field, flags: int = 0) -> bytes:
        """Return a HEADERS frame of just these fields."""
        return frames.header_frames(stream_id, self._encoder.encode(list(fields)), flags)

    def head(self, stream_id: int, *extra: Field) -> bytes:
        """Return the HEADERS with which an answer of gRPC begins."""
        return self.headers(stream_id, (":status", "200"), ("content-type", "application/grpc"), *extra)

    def trailers(self, stream_id: int, *fields: Field) -> bytes:
        """Return the HEADERS with which an answer ends; without fields, that of a call that went well."""
        return self.headers(stream_id, *(fields or (("grpc-status", "0"),)), flags=frames.END_STREAM)

    def answer(self, stream_id: int, message: bytes) -> bytes:
        """Return a whole answer of gRPC."""
        body = frames.frame(frames.DATA, 0, stream_id, prefixed(message))
        return self.head(stream_id) + body + self.trailers(stream_id)

    def fields(self, frame: Frame) -> dict[str, str]:
        """Return the fields of a HEADERS frame of the client."""
        return {str(name): str(value) for name, value in self._decoder.decode(frame.payload)}
