"""The options of the receiver `jaeger`, with the Go collector's keys and defaults."""

from typing import Self

from pydantic import model_validator

from collector.api import ComponentConfig, Duration, option
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.server_config import GrpcServerConfig, HttpServerConfig, ListenAddress


class GrpcProtocol(GrpcServerConfig):
    """Jaeger's protobuf (`api_v2`) over gRPC."""

    endpoint: ListenAddress = option("localhost:14250", "Where to listen: `host:port`.")


class ThriftHttpProtocol(HttpServerConfig):
    """Thrift in the binary protocol over HTTP."""

    endpoint: ListenAddress = option("localhost:14268", "Where to listen: `host:port`.")


class UdpProtocol(ComponentConfig):
    """Thrift over UDP, which Jaeger's agent took."""

    endpoint: ListenAddress = option(description="Where to listen: `host:port`.")
    queue_size: int = option(1000, "Packets that may wait to be read; further ones are dropped.", ge=1)
    max_packet_size: int = option(65_000, "Largest packet in bytes; larger ones are dropped.", ge=1)
    workers: int = option(10, "Packets that may wait for the pipelines at one time.", ge=1)
    socket_buffer_size: int = option(
        0, "Bytes that the system may hold until they are read; 0 for its own choice. It may allow less.", ge=0
    )


class ThriftCompactProtocol(UdpProtocol):
    """Thrift in the compact protocol over UDP."""

    endpoint: ListenAddress = option("localhost:6831", "Where to listen: `host:port`.")


class ThriftBinaryProtocol(UdpProtocol):
    """Thrift in the binary protocol over UDP."""

    endpoint: ListenAddress = option("localhost:6832", "Where to listen: `host:port`.")


class Protocols(ComponentConfig):
    """What to listen for."""

    grpc: GrpcProtocol | None = option(None, "Protobuf over gRPC; off where left out.")
    thrift_http: ThriftHttpProtocol | None = option(None, "Thrift over HTTP, at /api/traces; off where left out.")
    thrift_compact: ThriftCompactProtocol | None = option(
        None, "Thrift in the compact protocol over UDP; off where left out."
    )
    thrift_binary: ThriftBinaryProtocol | None = option(
        None, "Thrift in the binary protocol over UDP; off where left out."
    )


class RemoteSampling(GrpcClientConfig):
    """What this receiver's older versions served to the samplers of clients."""

    host_endpoint: str = option("", "Accepted for compatibility; has no effect.")
    strategy_file: str = option("", "Accepted for compatibility; has no effect.")
    strategy_file_reload_interval: Duration = option(0.0, "Accepted for compatibility; has no effect.")


class Config(ComponentConfig):
    """Takes Jaeger's spans: protobuf over gRPC, Thrift over HTTP and UDP.

    ```yaml
    protocols:
      grpc:
      thrift_http:
        endpoint: 0.0.0.0:14268
      thrift_compact:
    ```
    """

    protocols: Protocols = option(Protocols, "The protocols to listen for, at least one.")
    remote_sampling: RemoteSampling | None = option(
        None,
        "Accepted for compatibility; has no effect.",
        deprecated="it has no effect: use the extension jaegerremotesampling",
    )

    @model_validator(mode="after")
    def _check_protocols(self) -> Self:
        if not any(value is not None for _, value in self.protocols):
            raise ValueError(
                "must specify at least one protocol when using the Jaeger receiver: name `grpc:`, `thrift_http:`, "
                "`thrift_compact:` or `thrift_binary:` under protocols"
            )
        return self
