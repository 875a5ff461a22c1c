"""Keys of a throw-away cluster. They live as long as its folder."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["write_private", "write_service_account_key"]


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return path


def write_service_account_key(path: Path) -> Path:
    """Write the key that signs the tokens of service accounts (PEM, P-256).

    In the older of the two PEM forms: kube-apiserver does not take PKCS 8.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return write_private(
        path,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    )
