"""Kubeconfig files: written for our own cluster, read for any."""

import base64
import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Access", "User", "build_kubeconfig", "load_access"]


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody whom the API server knows by a token."""

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


def build_kubeconfig(*, server: str, authority: bytes, user: User) -> str:
    """Return the text of a kubeconfig with one context, `dantaro`."""
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "dantaro", "cluster": cluster}],
        "users": [{"name": user.name, "user": {"token": user.token}}],
        "contexts": [{"name": "dantaro", "context": {"cluster": "dantaro", "user": user.name}}],
        "current-context": "dantaro",
    }
    return yaml.safe_dump(content, sort_keys=False)


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a client needs to reach an API server."""

    server: str
    trust: ssl.SSLContext
    """With the client's certificate, if it has one."""
    token: str | None


def load_access(path: Path) -> Access:
    """Read the current context of a kubeconfig.

    Raises:
        ValueError: Its user has neither a token nor a client certificate in the file.
    """
    content = yaml.safe_load(path.read_text())
    context = _named(content, "context", content["current-context"])
    cluster = _named(content, "cluster", context["cluster"])
    user = _named(content, "user", context["user"])
    authority = _bytes(cluster, "certificate-authority", path.parent)
    trust = ssl.create_default_context(cadata=authority.decode() if authority else None)
    certificate = _bytes(user, "client-certificate", path.parent)
    key = _bytes(user, "client-key", path.parent)
    if certificate and key:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # readable by its owner only
            file.write(certificate + b"\n" + key)
            file.flush()
            trust.load_cert_chain(file.name)
    elif "token" not in user:
        raise ValueError(
            f"user {context['user']} of {path.name} has neither a token nor a client certificate: "
            "the tests cannot run a login command; name a kubeconfig of a kind or test cluster"
        )
    return Access(server=cluster["server"], trust=trust, token=user.get("token"))


def _named(content: dict[str, Any], what: str, name: str) -> dict[str, Any]:
    found = next(item for item in content[f"{what}s"] if item["name"] == name)
    return dict(found[what])


def _bytes(section: dict[str, Any], name: str, folder: Path) -> bytes | None:
    """Return an entry that is given in the file or as the path of another."""
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data)
    return (folder / section[name]).read_bytes() if name in section else None
