"""etcd, kube-apiserver and kube-controller-manager in one folder, on free ports.

Everything is a child of the calling process and ends with it. A start that fails raises with the
end of the log of the part that failed.
"""

import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.keys import write_private, write_service_account_key
from tests.cluster.kubeconfig import User, build_kubeconfig
from tests.cluster.tether import Tethered, start_tethered

__all__ = ["ADMIN", "SERVICE_RANGE", "ControlPlane", "StartError", "control_plane"]

SERVICE_RANGE = "10.96.0.0/16"
"""Addresses of Services; the first is the API server's own."""

_READY_SECONDS = 60.0
_ATTEMPTS = 3
_LOOPBACK = "127.0.0.1"


class StartError(Exception):
    """A part did not start; the message ends with its log."""


ADMIN = "admin"
"""The name of the user that may do everything."""


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """A running control plane."""

    directory: Path
    server: str
    """The URL of the API server; its certificate names the address."""
    authority: Path
    """The certificate that clients check the API server with (PEM)."""
    users: Mapping[str, User]
    parts: Mapping[str, Tethered]

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the administrator."""
        return self.kubeconfig_for(ADMIN)

    def kubeconfig_for(self, user: str) -> Path:
        """Return a kubeconfig for one of its users; it can be read by its owner only."""
        path = self.directory / f"{user.replace(':', '-')}.kubeconfig"
        if not path.exists():
            text = build_kubeconfig(
                server=self.server, authority=self.authority.read_bytes(), user=self.users[user]
            )
            write_private(path, text.encode())
        return path

    def check(self) -> None:
        """Raise with its log when a part has ended.

        Raises:
            RuntimeError: It names the part.
        """
        for part in self.parts.values():
            part.check()


@contextmanager
def control_plane(
    binaries: Mapping[str, Path],
    directory: Path,
    *,
    address: str = _LOOPBACK,
    users: Sequence[User] = (),
    api_server_arguments: Sequence[str] = (),
) -> Iterator[ControlPlane]:
    """Run a control plane for the length of a block, ready when the block begins.

    Args:
        binaries: Paths of `etcd`, `kube-apiserver` and `kube-controller-manager`.
        directory: A folder of its own; what it holds afterwards may be removed.
        address: Where the API server listens; the other parts stay on loopback.
        users: Whom it knows besides the administrator.
        api_server_arguments: More arguments of kube-apiserver.

    Raises:
        StartError: A part did not get ready; the message ends with its log.
    """
    known = {user.name: user for user in (User(name=ADMIN, groups=("system:masters",)), *users)}
    _write_inputs(directory, known)
    with ExitStack() as stack:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                plane = _start(stack, binaries, directory, address, known, api_server_arguments)
                break
            except StartError as error:
                stack.close()
                # A port that was free a moment ago may have been taken since.
                if "address already in use" not in str(error) or attempt == _ATTEMPTS:
                    raise
        yield plane


def _write_inputs(directory: Path, users: Mapping[str, User]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    write_service_account_key(directory / "service-account.key")
    lines = [f'{u.token},{u.name},{u.name},"{",".join(u.groups)}"\n' for u in users.values()]
    write_private(directory / "tokens.csv", "".join(lines).encode())


def _start(
    stack: ExitStack,
    binaries: Mapping[str, Path],
    directory: Path,
    address: str,
    users: Mapping[str, User],
    api_server_arguments: Sequence[str],
) -> ControlPlane:
    client, peer, secure = _free_ports(address)
    etcd_url, peer_url = f"http://{_LOOPBACK}:{client}", f"http://{_LOOPBACK}:{peer}"
    parts: dict[str, Tethered] = {}

    def start(name: str, *arguments: str) -> Tethered:
        log = directory / f"{name}.log"
        log.unlink(missing_ok=True)
        parts[name] = start_tethered(name, [binaries[name], *arguments], log=log)
        stack.callback(parts[name].stop)
        return parts[name]

    start(
        "etcd",
        f"--data-dir={directory / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={etcd_url}",
        f"--advertise-client-urls={etcd_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
    )
    on_loopback = address == _LOOPBACK
    plane = ControlPlane(
        directory=directory,
        server=f"https://{address}:{secure}",
        authority=directory / "certificates" / "apiserver.crt",
        users=users,
        parts=parts,
    )
    start(
        "kube-apiserver",
        f"--etcd-servers={etcd_url}",
        f"--bind-address={address}",
        # Nobody reaches an API server on loopback through the `kubernetes` Service.
        *(
            ["--endpoint-reconciler-type=none"]
            if on_loopback
            else [f"--advertise-address={address}"]
        ),
        f"--secure-port={secure}",
        f"--cert-dir={plane.authority.parent}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        f"--service-account-key-file={directory / 'service-account.key'}",
        f"--service-account-signing-key-file={directory / 'service-account.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        *api_server_arguments,
    )
    _wait(plane, "kube-apiserver", lambda: _get(plane, "/readyz") == b"ok")
    start(
        "kube-controller-manager",
        f"--kubeconfig={plane.kubeconfig}",
        f"--service-account-private-key-file={directory / 'service-account.key'}",
        f"--root-ca-file={plane.authority}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        # At the default of 20 requests a second it takes 4 s to start.
        "--kube-api-qps=500",
        "--kube-api-burst=500",
    )
    # The controllers run when the namespace `default` has got its service account.
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _wait(plane, "kube-controller-manager", lambda: b'"uid"' in _get(plane, account))
    return plane


def _wait(plane: ControlPlane, name: str, check: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _READY_SECONDS
    while True:
        trouble = "it did not say so"
        try:
            plane.check()
            if check():
                return
        except RuntimeError as error:
            raise StartError(str(error)) from error
        except OSError as error:
            trouble = str(error)
        if time.monotonic() > give_up:
            raise StartError(
                f"{name} was not ready within {_READY_SECONDS:.0f} s ({trouble}):\n"
                f"{plane.parts[name].tail()}"
            )
        time.sleep(0.05)


def _get(plane: ControlPlane, path: str) -> bytes:
    """Return the body of an answer, whatever its status."""
    trust = ssl.create_default_context(cafile=str(plane.authority))
    headers = {"Authorization": f"Bearer {plane.users[ADMIN].token}"}
    request = urllib.request.Request(plane.server + path, headers=headers)
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    try:
        with direct.open(request, timeout=5) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.read()


def _free_ports(address: str) -> tuple[int, int, int]:
    with ExitStack() as stack:
        ports = []
        for host in (_LOOPBACK, _LOOPBACK, address):
            listener = stack.enter_context(socket.socket())
            listener.bind((host, 0))
            ports.append(int(listener.getsockname()[1]))
    return ports[0], ports[1], ports[2]
