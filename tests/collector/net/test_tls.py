"""TLS blocks: what they refuse, and handshakes between the contexts that they make."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError

from collector.api import StartError
from collector.net.tls import (
    TlsClientConfig,
    TlsServerConfig,
    client_context,
    reloading_server_context,
    server_context,
)
from collector.testing import ManualClock

LOGGER = structlog.get_logger()


def read(files, *keys):
    """Return `<key>_pem` options in place of `<key>_file` ones."""
    return {key.replace("file", "pem"): Path(files[key]).read_text() for key in keys}


async def handshake(server, client, name="localhost"):
    """Connect once; return the TLS version, the cipher and the certificate's common name as the client sees them."""

    async def greet(reader, writer):
        with suppress(ConnectionError, ssl.SSLError):
            writer.write(b"hello")
            await writer.drain()
        await close(writer)

    async with listening(server, greet) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        try:
            # With TLS 1.3 a server refuses a client's certificate only after the client has done its part.
            if await reader.read() != b"hello":
                raise ConnectionError("the server hung up")
            connection = writer.get_extra_info("ssl_object")
            certificate = connection.getpeercert() or {}
            return connection.version(), connection.cipher()[0], dict(p[0] for p in certificate.get("subject", ()))
        finally:
            await close(writer)


async def close(writer):
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


@asynccontextmanager
async def listening(context, greet):
    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca_file": "a", "ca_pem": "b"}, "ca_file or ca_pem, not both"),
        ({"cert_file": "a"}, "belong together"),
        ({"key_pem": "a"}, "belong together"),
        ({"min_version": "1.3", "max_version": "1.2"}, "min_version 1.3 is above max_version 1.2"),
        ({"min_version": "", "max_version": "1.1"}, "min_version 1.2 is above max_version 1.1"),
        ({"min_version": "1.4"}, "'1.2' or '1.3'"),
        ({"cipher_suites": ["TLS_NULL"]}, "unknown cipher_suites TLS_NULL"),
    ],
)
def test_a_block_that_contradicts_itself_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        TlsClientConfig.model_validate(options)


def test_a_server_needs_a_certificate():
    with pytest.raises(ValidationError, match="give cert_file and key_file"):
        TlsServerConfig.model_validate({})


def test_secrets_are_not_shown(certificates):
    config = TlsServerConfig.model_validate(read(certificates.server_files, "cert_file", "key_file"))
    assert "PRIVATE KEY" not in repr(config)
    assert "PRIVATE KEY" not in config.model_dump_json()


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("cert_file", None, r"tls: cert_file: cannot read .*missing.pem: No such file"),
        ("key_file", None, r"tls: key_file: cannot read .*missing.pem: No such file"),
        ("cert_file", "nonsense", r"broken.pem and .*server.key are not a PEM certificate and its key"),
        ("client_ca_file", None, r"tls: client_ca_file: cannot read .*missing.pem"),
        ("client_ca_file", "nonsense", r"tls: client_ca_file holds no PEM certificates"),
    ],
)
def test_a_broken_server_file_is_named(certificates, tmp_path, key, content, message):
    file = tmp_path / ("missing.pem" if content is None else "broken.pem")
    if content is not None:
        file.write_text(content)
    config = TlsServerConfig.model_validate(certificates.server_files | {key: str(file)})
    with pytest.raises(StartError, match=message):
        server_context(config)


def test_a_key_of_another_certificate_is_refused(certificates):
    files = certificates.server_files | {"key_file": str(certificates.client_key)}
    with pytest.raises(StartError, match=r"server\.pem and .*client\.key are not a PEM certificate and its key"):
        server_context(TlsServerConfig.model_validate(files))


def test_a_key_with_a_passphrase_is_refused_without_asking(certificates, tmp_path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(certificates.server_key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    config = TlsServerConfig.model_validate(certificates.server_files | {"key_file": str(locked)})
    with pytest.raises(StartError, match="passphrase; store it without one"):
        server_context(config)


def test_a_missing_ca_file_of_a_client_is_named(tmp_path):
    config = TlsClientConfig.model_validate({"ca_file": str(tmp_path / "no.pem")})
    with pytest.raises(StartError, match=r"tls: ca_file: cannot read .*no\.pem"):
        client_context(config)


def test_insecure_is_plain_text_unless_authorities_are_given(certificates):
    assert client_context(TlsClientConfig.model_validate({"insecure": True})) is None
    assert client_context(TlsClientConfig.model_validate({"insecure": True, "ca_file": str(certificates.ca)}))


def test_a_client_trusts_the_system_by_default():
    context = client_context(TlsClientConfig())
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == ssl.create_default_context().cert_store_stats()["x509_ca"]


def test_the_system_is_trusted_beside_own_authorities_where_asked(certificates):
    alone = client_context(TlsClientConfig.model_validate({"ca_file": str(certificates.ca)}))
    beside = client_context(
        TlsClientConfig.model_validate({"ca_file": str(certificates.ca), "include_system_ca_certs_pool": True})
    )
    assert 1 == alone.cert_store_stats()["x509_ca"]
    assert beside.cert_store_stats()["x509_ca"] == 1 + ssl.create_default_context().cert_store_stats()["x509_ca"]


async def test_client_and_server_meet(certificates):
    server = server_context(TlsServerConfig.model_validate(certificates.server_files))
    client = client_context(TlsClientConfig.model_validate({"ca_file": str(certificates.ca)}))
    version, _, subject = await handshake(server, client)
    assert ("TLSv1.3", {"commonName": "server"}) == (version, subject)


async def test_pem_texts_do_as_files_do(certificates):
    server = server_context(TlsServerConfig.model_validate(read(certificates.server_files, "cert_file", "key_file")))
    client = client_context(TlsClientConfig.model_validate(read(certificates.client_files, "ca_file")))
    _, _, subject = await handshake(server, client)
    assert {"commonName": "server"} == subject


async def test_a_stranger_server_is_refused_unless_verification_is_off(certificates):
    server = server_context(TlsServerConfig.model_validate(certificates.server_files))
    stranger = {"ca_file": str(certificates.other_ca)}
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(server, client_context(TlsClientConfig.model_validate(stranger)))
    trusting = client_context(TlsClientConfig.model_validate(stranger | {"insecure_skip_verify": True}))
    await handshake(server, trusting)


async def test_versions_and_suites_are_restricted(certificates):
    suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
    server = server_context(
        TlsServerConfig.model_validate(
            certificates.server_files | {"max_version": "1.2", "cipher_suites": [suite], "curve_preferences": ["P256"]}
        )
    )
    config = {"ca_file": str(certificates.ca)}
    version, cipher, _ = await handshake(server, client_context(TlsClientConfig.model_validate(config)))
    assert ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305") == (version, cipher)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await handshake(server, client_context(TlsClientConfig.model_validate(config | {"min_version": "1.3"})))


async def test_clients_without_a_certificate_are_refused_where_one_is_required(certificates):
    server = server_context(
        TlsServerConfig.model_validate(certificates.server_files | {"client_ca_file": str(certificates.ca)})
    )
    await handshake(server, client_context(TlsClientConfig.model_validate(certificates.client_files)))
    nameless = client_context(TlsClientConfig.model_validate({"ca_file": str(certificates.ca)}))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await handshake(server, nameless)


async def test_handshakes_use_the_new_certificate_after_the_interval(authority):
    certificate, key = authority.issue("server")
    clock = ManualClock()
    config = TlsServerConfig.model_validate(
        {"cert_file": str(certificate), "key_file": str(key), "reload_interval": "1m"}
    )
    server = reloading_server_context(config, clock, LOGGER)
    client = client_context(TlsClientConfig.model_validate({"ca_file": str(authority.file)}))
    for file, new in zip((certificate, key), authority.issue("renewed"), strict=True):
        new.replace(file)

    await clock.advance(59)
    assert {"commonName": "server"} == (await handshake(server, client))[2]
    await clock.advance(1)
    assert {"commonName": "renewed"} == (await handshake(server, client))[2]


async def test_a_certificate_that_breaks_later_leaves_the_old_one(authority):
    certificate, key = authority.issue("server")
    clock = ManualClock()
    config = TlsServerConfig.model_validate(
        {"cert_file": str(certificate), "key_file": str(key), "reload_interval": "1m"}
    )
    server = reloading_server_context(config, clock, LOGGER)
    client = client_context(TlsClientConfig.model_validate({"ca_file": str(authority.file)}))
    certificate.write_text("half a fi")
    await clock.advance(60)
    assert {"commonName": "server"} == (await handshake(server, client))[2]


async def test_the_authorities_of_clients_are_loaded_again_when_the_file_changes(certificates, tmp_path):
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(certificates.other_ca.read_bytes())
    server = reloading_server_context(
        TlsServerConfig.model_validate(
            certificates.server_files | {"client_ca_file": str(authorities), "client_ca_file_reload": True}
        ),
        ManualClock(),
        LOGGER,
    )
    client = client_context(TlsClientConfig.model_validate(certificates.client_files))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await handshake(server, client)
    new = tmp_path / "new.pem"
    new.write_bytes(certificates.ca.read_bytes())
    new.replace(authorities)
    await handshake(server, client)
