"""Which gRPC server there is: the one that a configuration chooses."""

from collector.api import Settings
from collector.net.rpc import Methods, UnaryServer
from collector.net.server_config import GrpcServerConfig


def grpc_server(config: GrpcServerConfig, methods: Methods, settings: Settings) -> UnaryServer:
    """Build the server that the configuration chooses; only that one is imported."""
    if config.server == "grpcio":
        from collector.net.grpc_server import GrpcServer  # noqa: PLC0415

        return GrpcServer(config, methods, settings)
    from collector.net import http2  # noqa: PLC0415

    return http2.GrpcServer(config, methods, settings)
