"""Reads a kubeconfig: which server, which authority, which user."""

import base64
import binascii
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dantaro_crds.errors import SpecError

__all__ = ["Login", "Secret", "read_kubeconfig"]

_UNSUPPORTED = {
    "exec": "login commands are not run by a process that nobody watches: name a kubeconfig with a "
    "token or a client certificate (`kubectl create token`), or run inside of the cluster",
    "auth-provider": "Kubernetes 1.26 removed it: name a kubeconfig with a token or a client "
    "certificate, or run inside of the cluster",
    "as": "impersonation is not supported: use a kubeconfig of that user",
    "username": "API servers take no passwords since Kubernetes 1.19: use a token",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A certificate or key: the path of a file, or its content (PEM)."""

    path: Path | None = None
    content: bytes = field(default=b"", repr=False)

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Give its path; content stands for that time in a file that only we can read."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.content)
            file.flush()
            yield Path(file.name)

    def text(self) -> str:
        """Return its content."""
        return (self.path.read_bytes() if self.path is not None else self.content).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One context of a kubeconfig."""

    server: str
    namespace: str
    authority: str | None = field(repr=False)
    """Certificates (PEM); None is those of the machine."""
    insecure: bool
    proxy: str | None
    token: str | None = field(repr=False)
    token_file: Path | None
    certificate: Secret | None
    key: Secret | None


def read_kubeconfig(path: Path, context: str | None) -> Login:
    """Return a context of a kubeconfig; None is its current one.

    Raises:
        SpecError: The file cannot be read, names what it does not have, or wants what we do not
            support.
    """
    content = _load(path)
    name = context or content.get("current-context")
    if not name:
        raise SpecError(
            f"{path.name} must have a current-context, has none: name a context",
            field="current-context",
        )
    chosen = _named(content, "context", name, path)
    cluster = _named(content, "cluster", chosen.get("cluster"), path)
    user = _named(content, "user", chosen.get("user"), path)
    _refuse(cluster, {"tls-server-name": "use a server address that its certificate names"}, path)
    _refuse(user, _UNSUPPORTED, path)
    authority = _secret(cluster, "certificate-authority", path)
    token_file = user.get("tokenFile")
    login = Login(
        server=str(cluster.get("server") or "").rstrip("/"),
        namespace=chosen.get("namespace") or "default",
        authority=authority.text() if authority else None,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        proxy=cluster.get("proxy-url"),
        token=user.get("token"),
        token_file=path.parent / token_file if token_file else None,
        certificate=_secret(user, "client-certificate", path),
        key=_secret(user, "client-key", path),
    )
    _check(login, chosen, path)
    return login


def _check(login: Login, context: Mapping[str, Any], path: Path) -> None:
    if not login.server.startswith("https://"):
        raise SpecError(
            f"cluster {context['cluster']} of {path.name} must have a server that begins with "
            f"https://, was {login.server!r}",
            field="clusters.server",
        )
    if not (login.token or login.token_file or (login.certificate and login.key)):
        raise SpecError(
            f"user {context['user']} of {path.name} must have a token, or a client certificate "
            "with its key, has neither",
            field="users",
        )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"kubeconfig {path} is no YAML") from error
    if not isinstance(content, dict):
        raise SpecError(f"kubeconfig {path} must be a mapping, was {type(content).__name__}")
    return content


def _named(content: Mapping[str, Any], what: str, name: str | None, path: Path) -> dict[str, Any]:
    entries = content.get(f"{what}s") or []
    for entry in entries:
        if entry.get("name") == name:
            return dict(entry.get(what) or {})
    known = ", ".join(str(entry.get("name")) for entry in entries) or "none"
    raise SpecError(f"{path.name} has no {what} {name}, has {known}", field=f"{what}s")


def _refuse(section: Mapping[str, Any], unsupported: Mapping[str, str], path: Path) -> None:
    for key, advice in unsupported.items():
        if section.get(key):
            raise SpecError(f"{path.name} uses {key}: {advice}", field=key)


def _secret(section: Mapping[str, Any], name: str, path: Path) -> Secret | None:
    """Return an entry that stands in the file or is the path of another, relative to it."""
    if data := section.get(f"{name}-data"):
        try:
            return Secret(content=base64.b64decode(data, validate=True))
        except (binascii.Error, TypeError) as error:
            raise SpecError(f"{name}-data of {path.name} must be base64", field=name) from error
    return Secret(path=path.parent / section[name]) if section.get(name) else None
