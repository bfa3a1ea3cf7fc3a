"""The channel of `collector.net.unary` over grpcio."""

import json
from typing import Any

import grpc

from collector.api import StatusCode
from collector.net.client import USER_AGENT
from collector.net.grpc_client_config import GrpcClientConfig, target_of
from collector.net.grpc_tls import channel_credentials
from collector.net.unary import MAX_ANSWER, CallFailure, Metadata

_DETAILS = "grpc-status-details-bin"


class GrpcioChannel:
    """A channel of grpcio's, and what its errors mean."""

    def __init__(self, config: GrpcClientConfig) -> None:
        """Open the channel, which connects with the first request.

        Raises:
            StartError: a certificate is not usable.

        """
        self._wait_for_ready = config.wait_for_ready
        self._methods: dict[str, Any] = {}
        credentials = channel_credentials(config.client_tls)
        target = target_of(config.endpoint)
        plain = config.compression in ("none", "")
        compression = grpc.Compression.NoCompression if plain else grpc.Compression.Gzip
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(target, _options(config), compression)
        else:
            self._channel = grpc.aio.secure_channel(target, credentials, _options(config), compression)

    async def call(self, method: str, request: bytes, metadata: Metadata) -> bytes:
        """Return the answer to a unary request.

        Raises:
            CallFailure: the server refused it or could not be reached.

        """
        if method not in self._methods:
            self._methods[method] = self._channel.unary_unary(method)
        try:
            answer: bytes = await self._methods[method](request, metadata=metadata, wait_for_ready=self._wait_for_ready)
        except grpc.aio.AioRpcError as error:
            details = next((value for key, value in error.trailing_metadata() or () if key == _DETAILS), b"")
            raise CallFailure(StatusCode(error.code().value[0]), error.details() or "", details) from error
        return answer

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


def _options(config: GrpcClientConfig) -> list[tuple[str, Any]]:
    """Return the channel arguments, whose names are those of gRPC's `grpc/impl/channel_arg_names.h`."""
    options: list[tuple[str, Any]] = [
        ("grpc.primary_user_agent", f"{config.user_agent} {USER_AGENT}".strip()),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", MAX_ANSWER),
        # A backend that comes back is found within seconds; by default that may take two minutes.
        ("grpc.initial_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Components with the same endpoint do not share a connection, nor the pause after a failed one.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if config.write_buffer_size:
        options.append(("grpc.http2.write_buffer_size", config.write_buffer_size))
    if config.balancer_name:
        options.append(("grpc.service_config", json.dumps({"loadBalancingConfig": [{config.balancer_name: {}}]})))
    if config.authority:
        options.append(("grpc.default_authority", config.authority))
    if config.tls.server_name_override:
        options.append(("grpc.ssl_target_name_override", config.tls.server_name_override))
    if config.keepalive is not None:
        options += [
            ("grpc.keepalive_time_ms", round(config.keepalive.time * 1e3)),
            ("grpc.keepalive_timeout_ms", round(config.keepalive.timeout * 1e3)),
            ("grpc.keepalive_permit_without_calls", int(config.keepalive.permit_without_stream)),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    return options
