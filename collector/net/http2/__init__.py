"""gRPC over HTTP/2 without a gRPC library: `collector.net.rpc` over our own frames.

Bottom up: `frames` and `frame_reader` are the wire; `header_blocks` and `heads` turn header blocks into requests;
`outbox` sends within the client's windows; `connection` is the protocol without a socket, bytes in, events and bytes
out. `calls` and `answers` are what gRPC adds: messages, deadlines, statuses. `keepalive` says when a connection has lived
long enough. `session` joins all that to a socket, and `server` is what a receiver starts.
"""

from collector.net.http2.server import GrpcServer

__all__ = ["GrpcServer"]
