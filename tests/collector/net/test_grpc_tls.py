"""gRPC credentials made of TLS blocks."""

import asyncio

import grpc
import pytest
import structlog

from collector.api import StartError
from collector.net.grpc_tls import channel_credentials, server_credentials
from collector.net.tls import TlsClientConfig, TlsServerConfig, client_context
from collector.testing import ManualClock


@pytest.mark.parametrize(
    "options",
    [
        {"min_version": "1.3"},
        {"max_version": "1.2"},
        {"cipher_suites": ["TLS_RSA_WITH_AES_128_CBC_SHA"]},
        {"curve_preferences": ["P256"]},
    ],
    ids=str,
)
def test_what_grpc_cannot_hold_is_refused_rather_than_ignored(certificates, options):
    [key] = options
    client = TlsClientConfig.model_validate(options)
    server = TlsServerConfig.model_validate(certificates.server_files | options)
    with pytest.raises(StartError, match=f"tls: {key}: gRPC speaks TLS 1.2 and 1.3"):
        channel_credentials(client)
    with pytest.raises(StartError, match=f"tls: {key}: gRPC speaks TLS 1.2 and 1.3"):
        server_credentials(server, ManualClock(), structlog.get_logger())


def test_verification_cannot_be_skipped():
    with pytest.raises(StartError, match="put the server's certificate into ca_file"):
        channel_credentials(TlsClientConfig(insecure_skip_verify=True))


def test_plain_text_has_no_credentials():
    assert channel_credentials(TlsClientConfig(insecure=True)) is None


def test_a_broken_file_is_found_before_the_first_connection(certificates):
    options = certificates.client_files | {"key_file": str(certificates.server_key)}
    with pytest.raises(StartError, match=r"client\.pem and .*server\.key are not a PEM certificate and its key"):
        channel_credentials(TlsClientConfig.model_validate(options))


async def test_handshakes_use_the_new_certificate_after_the_interval(authority):
    certificate, key = authority.issue("server")
    clock = ManualClock()
    config = TlsServerConfig.model_validate(
        {"cert_file": str(certificate), "key_file": str(key), "reload_interval": "1m"}
    )
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", server_credentials(config, clock, structlog.get_logger()))
    await server.start()
    context = client_context(TlsClientConfig.model_validate({"ca_file": str(authority.file)}))
    context.set_alpn_protocols(["h2"])

    async def seen():
        _, writer = await asyncio.open_connection("localhost", port, ssl=context)
        [[[_, name]]] = writer.get_extra_info("peercert")["subject"]
        writer.close()
        return name

    for file, new in zip((certificate, key), authority.issue("renewed"), strict=True):
        new.replace(file)
    assert "server" == await seen()
    await clock.advance(60)
    assert "renewed" == await seen()
    await server.stop(None)
