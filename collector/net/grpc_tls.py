"""gRPC's credentials, made of the same TLS blocks as the contexts of `collector.net.tls`."""

import ssl
from pathlib import Path

import grpc
import structlog

from collector.api import Clock, StartError
from collector.net.tls import (
    Reloading,
    TlsClientConfig,
    TlsConfig,
    TlsServerConfig,
    client_context,
    read_file,
    read_pem,
    reloads,
    server_context,
)


def server_credentials(
    config: TlsServerConfig, clock: Clock, logger: structlog.typing.FilteringBoundLogger
) -> grpc.ServerCredentials:
    """Return the credentials of a server; its handshakes follow the files where the block asks for it.

    Raises:
        StartError: a file is missing or broken, or the block has a restriction that gRPC cannot hold.

    """
    _check(config)
    source = Reloading(lambda: _certificates(config), config, clock, logger)
    mutual = bool(config.client_ca_file)
    if reloads(config):
        return grpc.dynamic_ssl_server_credentials(source.current(), source.current, mutual)
    return grpc.dynamic_ssl_server_credentials(source.current(), lambda: None, mutual)


def channel_credentials(config: TlsClientConfig) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel, or None where it is to be an insecure one.

    `server_name_override` is the caller's to pass on as `grpc.ssl_target_name_override`.

    Raises:
        StartError: a file is missing or broken, or the block has something that gRPC cannot hold.

    """
    # The same files must pass OpenSSL: gRPC itself says nothing about a broken one before it fails to connect.
    if client_context(config) is None:
        return None
    _check(config)
    if config.insecure_skip_verify:
        raise StartError(
            "tls: insecure_skip_verify: gRPC always verifies; put the server's certificate into ca_file, "
            "and its name into server_name_override where it differs"
        )
    return grpc.ssl_channel_credentials(
        root_certificates=_authorities(config),
        private_key=read_pem(config, "key") or None,
        certificate_chain=read_pem(config, "cert") or None,
    )


def _certificates(config: TlsServerConfig) -> grpc.ServerCertificateConfiguration:
    server_context(config)  # gRPC would take broken files and then refuse every client
    clients = read_file("client_ca_file", config.client_ca_file) if config.client_ca_file else None
    return grpc.ssl_server_certificate_configuration([(read_pem(config, "key"), read_pem(config, "cert"))], clients)


def _check(config: TlsConfig) -> None:
    """Refuse what gRPC would silently not do: it speaks TLS 1.2 and 1.3 with its own choice of suites."""
    unable = {
        "min_version": config.min_version == "1.3",
        "max_version": config.max_version not in ("", "1.3"),
        "cipher_suites": bool(config.cipher_suites),
        "curve_preferences": bool(config.curve_preferences),
    }
    for key in (key for key, asked in unable.items() if asked):
        raise StartError(f"tls: {key}: gRPC speaks TLS 1.2 and 1.3 with its own suites and curves; leave {key} out")


def _authorities(config: TlsClientConfig) -> bytes:
    authorities = read_pem(config, "ca")
    if authorities and not config.include_system_ca_certs_pool:
        return authorities
    # gRPC would trust a list that it carries; an operator expects the system's, as everywhere else.
    system = ssl.get_default_verify_paths().cafile
    return authorities + b"\n" + (Path(system).read_bytes() if system else b"")
