"""How we log in to an API server: a service account's files, or a kubeconfig.

The `kubernetes` package could read both for 11 MiB more; kopf's readers read a token only once.
Not supported, and refused by name: login commands (`exec`), `auth-provider`, impersonation,
`tls-server-name`, user names with passwords.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_operator.adapters.kubernetes.kubeconfig import Login, Secret, read_kubeconfig

__all__ = ["SERVICE_ACCOUNT", "Credentials", "ServiceAccount", "TokenFile", "load_credentials"]

REREAD_SECONDS = 60.0
"""Age at which a token file is read again. kubelet renews a token when a fifth of its life is left
(at least 2 minutes), so the old one is still good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Where the API server is and who we are.

    Attributes:
        server: Its address, without a slash at the end.
        trust: Whom we believe to be the server, with our certificate if we have one.
        authorization: Returns the header of a request that is sent now; None without a token.
        namespace: The one meant where none is named.
        proxy: An HTTP proxy on the way, if any.
    """

    server: str
    trust: ssl.SSLContext = field(repr=False)
    authorization: Callable[[], str | None] = field(repr=False)
    namespace: str = "default"
    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """What kubelet mounts into a pod.

    Attributes:
        folder: Holds `token`, `ca.crt` and `namespace`.
        server: The API server as pods reach it.
    """

    folder: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    server: str = "https://kubernetes.default.svc"


SERVICE_ACCOUNT = ServiceAccount()
"""Where every pod has it."""


class TokenFile:
    """A token that somebody else renews."""

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._header = self._read()
        self._read_at = self._clock.monotonic()

    def authorization(self) -> str:
        """Return the header with a token that was read at most a minute ago."""
        if self._clock.monotonic() - self._read_at >= REREAD_SECONDS:
            self._read_at = self._clock.monotonic()
            try:
                self._header = self._read()
            except (OSError, SpecError):
                return self._header  # It is being replaced, or the old one will be refused: a 401.
        return self._header

    def _read(self) -> str:
        token = self._path.read_text(encoding="utf-8").strip()
        if not token:
            raise SpecError(f"{self._path} must hold a token, was empty")
        return f"Bearer {token}"


def load_credentials(
    kubeconfig: Path | None,
    context: str | None = None,
    *,
    service_account: ServiceAccount = SERVICE_ACCOUNT,
) -> Credentials:
    """Return what a kubeconfig says, or without one the service account of this pod.

    Args:
        kubeconfig: A file; None inside of a cluster.
        context: One of its contexts; None is its current one.
        service_account: Where the files of a pod are.

    Raises:
        SpecError: There is nothing to log in with, or something that we do not support.
    """
    if kubeconfig is not None:
        return _from_kubeconfig(read_kubeconfig(kubeconfig, context))
    if context is not None:
        raise SpecError(f"context {context} needs a kubeconfig, none was given")
    if not (service_account.folder / "token").exists():
        raise SpecError(
            f"expected a service account at {service_account.folder} or a kubeconfig, found "
            "neither: run in a pod whose service account token is mounted, or name a kubeconfig"
        )
    return _from_pod(service_account)


def _from_pod(account: ServiceAccount) -> Credentials:
    authority, namespace = account.folder / "ca.crt", account.folder / "namespace"
    return Credentials(
        server=account.server,
        trust=_trust(authority.read_text(encoding="ascii") if authority.exists() else None),
        authorization=TokenFile(account.folder / "token").authorization,
        namespace=namespace.read_text(encoding="utf-8").strip()
        if namespace.exists()
        else "default",
    )


def _from_kubeconfig(login: Login) -> Credentials:
    trust = _trust(login.authority)
    if login.insecure:
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    if login.certificate is not None and login.key is not None:
        _present(trust, login.certificate, login.key)
    return Credentials(
        server=login.server,
        trust=trust,
        authorization=_authorization(login),
        namespace=login.namespace,
        proxy=login.proxy,
    )


def _authorization(login: Login) -> Callable[[], str | None]:
    if login.token_file is not None:
        return TokenFile(login.token_file).authorization
    header = f"Bearer {login.token}" if login.token else None
    return lambda: header


def _trust(authority: str | None) -> ssl.SSLContext:
    trust = ssl.create_default_context(cadata=authority)
    # Python 3.13 began to refuse authorities without a key identifier; old clusters have such ones,
    # and every other client takes them.
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return trust


def _present(trust: ssl.SSLContext, certificate: Secret, key: Secret) -> None:
    """Load a certificate and its key; OpenSSL takes them from files only."""
    with certificate.as_file() as certificate_file, key.as_file() as key_file:
        trust.load_cert_chain(certificate_file, key_file)
