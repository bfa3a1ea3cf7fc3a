"""What every test runs under."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import settings

# A deadline would be a timed assertion, and fail on a busy machine.
settings.register_profile("spanmill", deadline=None)
settings.load_profile("spanmill")


@dataclass(frozen=True)
class Certificates:
    """Files of a certificate authority, of a server and a client that it vouches for, and of an authority apart."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    other_ca: Path

    @property
    def server_files(self) -> dict[str, str]:
        """The keys of a `tls` block that make a server."""
        return {"cert_file": str(self.server), "key_file": str(self.server_key)}

    @property
    def client_files(self) -> dict[str, str]:
        """The keys of a `tls` block that make a client with a certificate of its own."""
        return {"ca_file": str(self.ca), "cert_file": str(self.client), "key_file": str(self.client_key)}


class Authority:
    """A certificate authority that signs what a test needs, for localhost."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(self._sign(self._name, self._key, is_ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Write a certificate for localhost and its key; return their files, which are named after it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate.write_bytes(self._sign(subject, key, is_ca=False))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, key_file

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> bytes:
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            # From 3.13 on, Python's default is to want these.
            .add_extension(_usage(is_ca=is_ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    unused = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(digital_signature=True, key_cert_sign=is_ca, crl_sign=is_ca, **unused)


@pytest.fixture
def authority(tmp_path) -> Authority:
    """Make an authority whose files are the test's own."""
    return Authority(tmp_path, "authority")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    """Write certificates for localhost; tests must not change them."""
    directory = tmp_path_factory.mktemp("certificates")
    authority = Authority(directory, "ca")
    return Certificates(
        authority.file,
        *authority.issue("server"),
        *authority.issue("client"),
        Authority(directory, "other").file,
    )
