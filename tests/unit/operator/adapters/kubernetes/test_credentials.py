import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dantaro_crds.errors import SpecError
from dantaro_operator.adapters.kubernetes.credentials import (
    REREAD_SECONDS,
    ServiceAccount,
    TokenFile,
    load_credentials,
)
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """A certificate that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def write(folder: Path, **changes: Any) -> Path:
    """Write a kubeconfig; changes are of the `user`, `cluster`, `context` or `current` one."""
    content = {
        "clusters": [
            {"name": "c", "cluster": {"server": "https://k:6443/"} | changes.get("cluster", {})}
        ],
        "users": [{"name": "u", "user": changes.get("user", {"token": "secret"})}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"} | changes.get("context", {})},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "desk"}},
        ],
        "current-context": changes.get("current", "one"),
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_token_in_a_kubeconfig_is_used(tmp_path: Path) -> None:
    credentials = load_credentials(write(tmp_path, cluster={"proxy-url": "http://p:1"}))
    assert (credentials.server, credentials.namespace) == ("https://k:6443", "default")
    assert (credentials.authorization(), credentials.proxy) == ("Bearer secret", "http://p:1")
    assert credentials.trust.verify_mode is ssl.CERT_REQUIRED
    assert "secret" not in repr(credentials)


def test_a_context_can_be_named(tmp_path: Path) -> None:
    assert load_credentials(write(tmp_path), "two").namespace == "desk"


@pytest.mark.parametrize("inline", [True, False])
def test_authority_and_client_certificate_stand_in_the_file_or_beside_it(
    tmp_path: Path, pair: tuple[bytes, bytes], inline: bool
) -> None:
    certificate, key = pair
    names = {"certificate-authority": certificate, "client-certificate": certificate}
    names["client-key"] = key
    entries: dict[str, str] = {}
    for name, content in names.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
        entries |= (
            {f"{name}-data": base64.b64encode(content).decode()}
            if inline
            else {name: f"{name}.pem"}
        )
    authority = {key: entries.pop(key) for key in list(entries) if "authority" in key}
    credentials = load_credentials(write(tmp_path, cluster=authority, user=entries))
    assert credentials.authorization() is None
    (trusted,) = credentials.trust.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "test"),),)


def test_only_a_cluster_that_says_so_is_not_verified(tmp_path: Path) -> None:
    path = write(tmp_path, cluster={"insecure-skip-tls-verify": True})
    assert load_credentials(path).trust.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "uses exec: login commands are not run"),
        ({"user": {"auth-provider": {"name": "x"}}}, "uses auth-provider: Kubernetes 1.26"),
        ({"user": {"token": "x", "as": "admin"}}, "uses as: impersonation"),
        ({"user": {"username": "x", "password": "y"}}, "uses username: API servers take no"),
        ({"cluster": {"tls-server-name": "x"}}, "uses tls-server-name: use a server address"),
        ({"user": {}}, "user u of config.yaml must have a token, or a client certificate"),
        ({"user": {"client-certificate": "x"}}, "must have a token, or a client certificate"),
        ({"user": {"client-key-data": "%%"}}, "client-key-data of config.yaml must be base64"),
        ({"cluster": {"server": "http://k"}}, "must have a server that begins with https://"),
        ({"cluster": {"server": None}}, "must have a server that begins with https://"),
        ({"context": {"cluster": "other"}}, "config.yaml has no cluster other, has c"),
        ({"context": {"user": "other"}}, "config.yaml has no user other, has u"),
        ({"current": "three"}, "config.yaml has no context three, has one, two"),
        ({"current": None}, "must have a current-context"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], want: str
) -> None:
    with pytest.raises(SpecError, match=want):
        load_credentials(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("text", "want"), [("a: [", "is no YAML"), ("- a", "must be a mapping, was list")]
)
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path, text: str, want: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(SpecError, match=want):
        load_credentials(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        load_credentials(tmp_path / "nothing")


def test_without_kubeconfig_and_pod_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"run in a pod .* or name a kubeconfig"):
        load_credentials(None, service_account=ServiceAccount(folder=tmp_path))
    with pytest.raises(SpecError, match="context one needs a kubeconfig"):
        load_credentials(None, "one", service_account=ServiceAccount(folder=tmp_path))


def test_a_pod_has_all_it_needs(tmp_path: Path, pair: tuple[bytes, bytes]) -> None:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "namespace").write_text("desk")
    (tmp_path / "ca.crt").write_bytes(pair[0])
    credentials = load_credentials(None, service_account=ServiceAccount(folder=tmp_path))
    assert credentials.server == "https://kubernetes.default.svc"
    assert (credentials.authorization(), credentials.namespace) == ("Bearer secret", "desk")
    assert len(credentials.trust.get_ca_certs()) == 1


def test_a_renewed_token_is_read_after_a_minute_and_a_missing_one_keeps_the_old(
    tmp_path: Path,
) -> None:
    clock, path = StepClock(), tmp_path / "token"
    path.write_text("one")
    token = TokenFile(path, clock=clock)
    path.write_text("two")
    clock.seconds = REREAD_SECONDS - 1
    assert token.authorization() == "Bearer one"
    clock.seconds = REREAD_SECONDS
    assert token.authorization() == "Bearer two"
    for content in ("", None):
        path.unlink() if content is None else path.write_text(content)
        clock.seconds += REREAD_SECONDS
        assert token.authorization() == "Bearer two"
    path.write_text("three")
    clock.seconds += REREAD_SECONDS
    assert token.authorization() == "Bearer three"
