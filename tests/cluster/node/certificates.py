"""The certificate by which the API server makes itself known to kubelet (logs, exec)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cluster.keys import write_private

__all__ = ["ClientCertificate", "write_client_certificate"]

_VALID = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """Files of a client certificate that signs itself."""

    certificate: Path
    key: Path


def write_client_certificate(folder: Path, name: str, *, group: str) -> ClientCertificate:
    """Make a certificate that is its own authority.

    Args:
        folder: Where the two files go.
        name: Whom it stands for; also the name of the files.
        group: The group that Kubernetes takes the bearer for a member of.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return ClientCertificate(
        certificate=write_private(folder / f"{name}.crt", certificate.public_bytes(pem)),
        key=write_private(
            folder / f"{name}.key",
            key.private_bytes(
                pem,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
        ),
    )
