"""What gRPC makes of a request: its header block, and a body with one message."""

import base64

from collector.net.client import USER_AGENT
from collector.net.compressor import grpc_compressor
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.http2.answers import ACCEPTED_ENCODINGS
from collector.net.http2.header_blocks import encode_fields
from collector.net.unary import Metadata

_MAX_CACHED = 8


class RequestWriter:
    """Writes the requests of one client. What is the same in all of them is encoded once."""

    def __init__(self, config: GrpcClientConfig, authority: str) -> None:
        self._compress = grpc_compressor(config.compression)
        self._target = (
            (b":method", b"POST"),
            (b":scheme", b"http" if config.client_tls.plaintext else b"https"),
            (b":authority", authority.encode()),
        )
        self._fields = (
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            (b"user-agent", f"{config.user_agent} {USER_AGENT}".strip().encode()),
            *(((b"grpc-encoding", self._compress.coding.encode()),) if self._compress is not None else ()),
            (b"grpc-accept-encoding", ",".join(ACCEPTED_ENCODINGS).encode()),
        )
        self._heads: dict[tuple[str, Metadata], bytes] = {}

    def head(self, method: str, metadata: Metadata) -> bytes:
        """Return the header block of a request."""
        known = self._heads.get((method, metadata))
        if known is None:
            known = encode_fields((*self._target, (b":path", method.encode()), *self._fields, *map(_field, metadata)))
            # An authenticator may sign each request anew.
            if len(self._heads) == _MAX_CACHED:
                self._heads.clear()
            self._heads[method, metadata] = known
        return known

    async def body(self, message: bytes) -> tuple[bytes, ...]:
        """Return the body with a message, in parts that go one after the other."""
        if self._compress is not None:
            message = await self._compress.offloaded(message)
        prefix = bytes((self._compress is not None,)) + len(message).to_bytes(4, "big")
        return prefix, message


def _field(header: tuple[str, str | bytes]) -> tuple[bytes, bytes]:
    name, value = header
    if isinstance(value, bytes):
        return name.encode(), base64.b64encode(value).rstrip(b"=")
    return name.encode(), value.encode()
