"""TLS: the configuration blocks of servers and clients, with the Go collector's keys, and contexts made of them.

The contexts serve asyncio and aiohttp; `collector.net.grpc_tls` makes gRPC's credentials of the same blocks.
Certificates are loaded again on the first handshake after `reload_interval`, so no timer runs.
"""

import contextlib
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar

import structlog
from pydantic import model_validator

from collector.api import Clock, ComponentConfig, Duration, SecretStr, StartError, option
from collector.net.cipher_suites import CIPHER_SUITES

T = TypeVar("T")
Version = Literal["", "1.0", "1.1", "1.2", "1.3"]
Curve = Literal["X25519", "P256", "P384", "P521", "X25519MLKEM768"]

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_OPENSSL_CURVES = {"P256": "prime256v1", "P384": "secp384r1", "P521": "secp521r1"}


class TpmConfig(ComponentConfig):
    """A private key in a trusted platform module, which is not supported."""

    enabled: bool = option(False, "Not supported: give the key in a file.")
    path: str = option("", "Accepted for compatibility; see enabled.")
    auth: SecretStr | None = option(None, "Accepted for compatibility; see enabled.")
    owner_auth: SecretStr | None = option(None, "Accepted for compatibility; see enabled.")


class TlsConfig(ComponentConfig):
    """What the two sides have in common."""

    ca_file: str = option("", "File of the certificate authorities to trust, PEM; empty for the system's.")
    ca_pem: SecretStr | None = option(None, "The certificate authorities themselves, PEM; instead of `ca_file`.")
    include_system_ca_certs_pool: bool = option(False, "Trust the system's authorities beside those given here.")
    cert_file: str = option("", "File of the own certificate and its chain, PEM.")
    cert_pem: SecretStr | None = option(None, "The own certificate itself, PEM; instead of `cert_file`.")
    key_file: str = option("", "File of the private key, PEM, without a passphrase.")
    key_pem: SecretStr | None = option(None, "The private key itself, PEM; instead of `key_file`.")
    min_version: Version = option("1.2", "The oldest TLS version to speak.")
    max_version: Version = option("", "The newest TLS version to speak; empty for the newest there is.")
    cipher_suites: list[str] = option([], "Names of the suites to allow up to TLS 1.2; empty for OpenSSL's choice.")
    curve_preferences: list[Curve] = option(
        [], "The curve for key exchange. Several are only a preference, for which OpenSSL's own order stands."
    )
    tpm: TpmConfig = option(TpmConfig, "A private key in a trusted platform module, which is not supported.")
    reload_interval: Duration = option(0.0, "Load the files again after this time; 0 for never.", ge=0)

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        for name in ("ca", "cert", "key"):
            if getattr(self, f"{name}_file") and getattr(self, f"{name}_pem") is not None:
                raise ValueError(f"give {name}_file or {name}_pem, not both")
        if self.has_certificate != bool(self.key_file or self.key_pem):
            raise ValueError("a certificate and its key belong together: give both (cert_file and key_file) or neither")
        if self.max_version and (self.min_version or "1.2") > self.max_version:
            raise ValueError(f"min_version {self.min_version or '1.2'} is above max_version {self.max_version}")
        if unknown := [suite for suite in self.cipher_suites if suite not in CIPHER_SUITES]:
            raise ValueError(f"unknown cipher_suites {', '.join(unknown)}: known are {', '.join(CIPHER_SUITES)}")
        return self

    @property
    def has_certificate(self) -> bool:
        """Whether an own certificate is given."""
        return bool(self.cert_file or self.cert_pem)

    @property
    def has_ca(self) -> bool:
        """Whether authorities are given."""
        return bool(self.ca_file or self.ca_pem)


class TlsServerConfig(TlsConfig):
    """Encrypts what a server receives; needs a certificate and its key."""

    client_ca_file: str = option("", "Require client certificates, signed by the authorities in this file (mTLS).")
    client_ca_file_reload: bool = option(False, "Load `client_ca_file` again as soon as it changes.")

    @model_validator(mode="after")
    def _check_certificate(self) -> Self:
        if not self.has_certificate:
            raise ValueError("a TLS server needs a certificate: give cert_file and key_file (or cert_pem and key_pem)")
        return self


class TlsClientConfig(TlsConfig):
    """Encrypts what a client sends; on by default."""

    insecure: bool = option(False, "Send in plain text.")
    insecure_skip_verify: bool = option(False, "Encrypt, but take whatever certificate the server shows.")
    server_name_override: str = option(
        "", "The name that the server's certificate must have; empty for the endpoint's host."
    )

    @property
    def plaintext(self) -> bool:
        """Whether nothing is encrypted: `insecure`, and no authorities given that would ask for TLS after all."""
        return self.insecure and not self.has_ca


def server_context(config: TlsServerConfig, alpn: Sequence[str] = ()) -> ssl.SSLContext:
    """Return the context of a server, which agrees with its clients on one of the protocols of `alpn`.

    Raises:
        StartError: a file is missing or broken; the message names its key and its path.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if alpn:
        context.set_alpn_protocols(alpn)
    _restrict(context, config)
    _load_certificate(context, config)
    if config.client_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, "client_ca_file", read_file("client_ca_file", config.client_ca_file))
    return context


def client_context(config: TlsClientConfig) -> ssl.SSLContext | None:
    """Return the context of a client, or None where it sends in plain text.

    `server_name_override` is the caller's to pass on as the `server_hostname` of a connection.

    Raises:
        StartError: a file is missing or broken; the message names its key and its path.

    """
    if config.plaintext:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _restrict(context, config)
    if config.has_certificate:
        _load_certificate(context, config)
    if config.has_ca:
        _trust(context, f"ca_{'file' if config.ca_file else 'pem'}", read_pem(config, "ca"))
    if config.include_system_ca_certs_pool or not config.has_ca:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def reloading_server_context(
    config: TlsServerConfig,
    clock: Clock,
    logger: structlog.typing.FilteringBoundLogger,
    alpn: Sequence[str] = (),
) -> ssl.SSLContext:
    """Return the context of a server whose handshakes use the certificates that the files hold by then.

    Raises:
        StartError: as `server_context` does, now. A later failure is logged and the old certificates stay.

    """
    outer = server_context(config, alpn)
    if not reloads(config):
        return outer
    source = Reloading(lambda: server_context(config, alpn), config, clock, logger)

    def switch(connection: ssl.SSLObject, _name: str | None, _outer: ssl.SSLContext) -> None:
        connection.context = source.current()

    # OpenSSL calls it in every handshake, whether or not the client names a server.
    outer.sni_callback = switch
    return outer


def reloads(config: TlsConfig) -> bool:
    """Return whether the configuration asks for its files to be loaded again."""
    return config.reload_interval > 0 or (isinstance(config, TlsServerConfig) and config.client_ca_file_reload)


class Reloading(Generic[T]):
    """A value made of a TLS block's files, made again when somebody asks after the files may have changed."""

    def __init__(
        self,
        build: Callable[[], T],
        config: TlsConfig,
        clock: Clock,
        logger: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._build = build
        self._interval = config.reload_interval
        watched = isinstance(config, TlsServerConfig) and config.client_ca_file_reload and config.client_ca_file
        self._watched = Path(watched) if watched else None
        self._clock = clock
        self._logger = logger
        self._value = build()
        self._built_at = clock.monotonic()
        self._seen = self._version()

    def current(self) -> T:
        """Return the value, made again where it is due; the old one where that fails, which is logged."""
        seen = self._version()
        due = self._interval > 0 and self._clock.monotonic() - self._built_at >= self._interval
        if due or seen != self._seen:
            self._built_at, self._seen = self._clock.monotonic(), seen
            try:
                self._value = self._build()
            except StartError as error:
                self._logger.warning("certificates were not loaded again, the old ones stay", error=str(error))
        return self._value

    def _version(self) -> tuple[int, int]:
        """Return what changes when the watched file does."""
        if self._watched is None:
            return (0, 0)
        try:
            status = self._watched.stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_ino)


def read_pem(config: TlsConfig, name: Literal["ca", "cert", "key"]) -> bytes:
    """Return the PEM text under `<name>_pem` or in `<name>_file`; empty where neither is given.

    Raises:
        StartError: the file cannot be read.

    """
    pem: SecretStr | None = getattr(config, f"{name}_pem")
    if pem is not None:
        return pem.get_secret_value().encode()
    file: str = getattr(config, f"{name}_file")
    return read_file(f"{name}_file", file) if file else b""


def read_file(key: str, file: str) -> bytes:
    """Return what a file holds.

    Raises:
        StartError: it cannot be read; the message has the key and the path.

    """
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise StartError(f"tls: {key}: cannot read {file}: {error.strerror}") from error


def _restrict(context: ssl.SSLContext, config: TlsConfig) -> None:
    if config.tpm.enabled:
        raise StartError(
            "tls: tpm: keys in a trusted platform module are not supported: give key_file and set enabled to false"
        )
    context.minimum_version = _VERSIONS[config.min_version or "1.2"]
    if config.max_version:
        context.maximum_version = _VERSIONS[config.max_version]
    if config.cipher_suites:
        context.set_ciphers(":".join(CIPHER_SUITES[suite] for suite in config.cipher_suites))
    if len(config.curve_preferences) == 1:
        [curve] = config.curve_preferences
        try:
            context.set_ecdh_curve(_OPENSSL_CURVES.get(curve, curve))
        except ValueError as error:
            raise StartError(f"tls: curve_preferences: this machine's OpenSSL does not know {curve}") from error


def _load_certificate(context: ssl.SSLContext, config: TlsConfig) -> None:
    with _as_file(config, "cert") as certificate, _as_file(config, "key") as key:
        try:
            context.load_cert_chain(certificate, key, _no_passphrase)
        except (ssl.SSLError, ValueError) as error:
            raise StartError(
                f"tls: {config.cert_file or 'cert_pem'} and {config.key_file or 'key_pem'} are not a PEM certificate "
                f"and its key: {_reason(error)}"
            ) from error


@contextlib.contextmanager
def _as_file(config: TlsConfig, name: Literal["cert", "key"]) -> Iterator[str]:
    """Give the path of what is configured, for Python's ssl takes an own certificate from files only."""
    pem = read_pem(config, name)  # also where it is a file, for a clear error
    if file := getattr(config, f"{name}_file"):
        yield file
        return
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(pem)
        copy.flush()
        yield copy.name


def _no_passphrase() -> str:
    # Without this, OpenSSL would ask on the terminal.
    raise ValueError("the key has a passphrase; store it without one")


def _trust(context: ssl.SSLContext, key: str, authorities: bytes) -> None:
    try:
        context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        raise StartError(f"tls: {key} holds no PEM certificates: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return (isinstance(error, ssl.SSLError) and error.reason) or str(error)
