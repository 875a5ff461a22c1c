"""What a node needs of the machine, and how it gets there."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.progress import Progress

__all__ = ["IMAGE_TOOLS", "NODE_TOOLS", "MissingToolError", "install_tools"]

NODE_TOOLS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "mount": "mount",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
}
"""Command to Debian package."""

IMAGE_TOOLS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
"""The same for building images."""

_CNI_PACKAGE = "containernetworking-plugins"
_CNI_PLUGINS = ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge", "/usr/libexec/cni/bridge")


class MissingToolError(Exception):
    """A command is not there and could not be installed."""


def install_tools(tools: dict[str, str], progress: Progress, *, cni: bool = False) -> None:
    """Install the Debian packages of the commands that are not there.

    Never removes a package: where one would have to go (Docker's own containerd), it stops.

    Raises:
        MissingToolError: This is no Debian, or apt-get failed; it names what to install.
    """
    missing = _missing_packages(tools, cni=cni)
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise MissingToolError(
            f"missing here: {_commands(tools)}. This machine has no apt-get: install what Debian "
            f"calls {names}"
        )
    progress.begin(f"installing the Debian packages {names}")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "--no-remove", *missing]
    for command in (["apt-get", "update"], install):
        _run(command, hint=f"install by hand: {names}")
    if still := _missing_packages(tools, cni=cni):
        raise MissingToolError(f"apt-get did its work and {' '.join(still)} is not usable")
    progress.end("packages")


def _missing_packages(tools: dict[str, str], *, cni: bool) -> list[str]:
    packages = {package for tool, package in tools.items() if shutil.which(tool) is None}
    if cni and not any(Path(plugin).exists() for plugin in _CNI_PLUGINS):
        packages.add(_CNI_PACKAGE)
    return sorted(packages)


def _commands(tools: Iterable[str]) -> str:
    return ", ".join(tool for tool in tools if shutil.which(tool) is None)


def _run(command: list[str], *, hint: str) -> None:
    done = subprocess.run(
        ["env", "DEBIAN_FRONTEND=noninteractive", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MissingToolError(
            f"`{' '.join(command)}` failed; {hint}\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
        )
