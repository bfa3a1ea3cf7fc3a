"""Answers as header blocks and bodies: gRPC's, and plain HTTP for those who do not speak gRPC.

See https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Nothing here depends on a connection.
"""

import base64
from typing import NamedTuple
from urllib.parse import quote

from collector.api import ConsumeError
from collector.net.compression import Encoding
from collector.net.http2.header_blocks import encode_fields
from collector.net.status import code_of, status_of

# What `grpc-encoding` may be, and how bodies are inflated then. What gRPC calls snappy is its framed format.
ACCEPTED_ENCODINGS: dict[str, Encoding] = {
    "identity": "",
    "gzip": "gzip",
    "deflate": "deflate",
    "zstd": "zstd",
    "snappy": "x-snappy-framed",
}

# Clients refuse headers of more than 8 KiB, and the text is sent twice, with up to 12 bytes for a character.
_MAX_MESSAGE = 512
# Percent-encoding leaves printable ASCII as it is.
_AS_IT_IS = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")

_STATUS_200 = (b":status", b"200")
_GRPC = (b"content-type", b"application/grpc")
_HEAD = encode_fields((_STATUS_200, _GRPC))
_OK = encode_fields(((b"grpc-status", b"0"),))
_ACCEPTED = (b"grpc-accept-encoding", ",".join(ACCEPTED_ENCODINGS).encode())

_NOT_GRPC = b"this port takes gRPC over HTTP/2; OTLP over HTTP has a port of its own"
# All that a client of HTTP/1 is told.
HTTP_1_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_NOT_GRPC), _NOT_GRPC)
)


class Answer(NamedTuple):
    """A header block, and around a body, if there is one, a second."""

    head: bytes
    body: bytes = b""
    trailers: bytes = b""


def success(message: bytes) -> Answer:
    """Return the answer that carries a serialized message."""
    return Answer(_HEAD, b"\x00" + len(message).to_bytes(4, "big") + message, _OK)


def refusal(error: ConsumeError) -> Answer:
    """Return the answer to a refused call: a status without a message."""
    text = str(error)[:_MAX_MESSAGE]
    status = status_of(error)
    status.message = text
    details = base64.b64encode(status.SerializeToString()).rstrip(b"=")
    return Answer(
        encode_fields(
            (
                _STATUS_200,
                _GRPC,
                (b"grpc-status", b"%d" % code_of(error)),
                (b"grpc-message", quote(text, safe=_AS_IT_IS).encode()),
                (b"grpc-status-details-bin", details),
                _ACCEPTED,
            )
        )
    )


def plain(status: int, text: str) -> Answer:
    """Return an answer of HTTP alone."""
    return Answer(encode_fields(((b":status", b"%d" % status), (b"content-type", b"text/plain"))), text.encode())
