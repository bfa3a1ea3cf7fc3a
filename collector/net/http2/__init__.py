"""gRPC over HTTP/2 without a gRPC library: `collector.net.rpc` and `collector.net.unary` over our own frames.

Bottom up: `frames` and `frame_reader` are the wire; `header_blocks` and `heads` turn header blocks into requests and
answers; `outbox` sends within the peer's windows; `connection` is the protocol without a socket, bytes in, events and
bytes out, and `server_connection` and `client_connection` are its two sides. `keepalive` says when a connection has lived
long enough.

What gRPC adds for a server are `calls` and `answers`: messages, deadlines, statuses. `session` joins all that to a socket,
and `server` is what a receiver starts. For a client it is `requests` and `replies`; `client_session` has the socket,
`dialing` and `lines` the ways to a server, and `channel` is what an exporter calls.
"""

from collector.net.http2.server import GrpcServer

__all__ = ["GrpcServer"]
