"""Where the Kubernetes binaries come from: `KUBEBUILDER_ASSETS`, the cache, or a build with Go.

The versions are those of the `go.mod` files below `go/`. Nothing here starts a binary.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.progress import Progress
from tests.cluster.tether import tied_to_caller

__all__ = [
    "CONTROL_PLANE",
    "NODE",
    "MissingBinaryError",
    "build_binaries",
    "cache_folder",
    "find_binaries",
    "find_binary",
]

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""What the `apiserver` tests need."""

NODE = ("kube-scheduler", "kubelet", "kube-proxy", "coredns", "pause")
"""What a node needs besides."""

_GO = Path(__file__).parent / "go"
_KUBERNETES = "k8s.io/kubernetes"


@dataclass(frozen=True, kw_only=True)
class GoModule:
    """A folder below `go/` with pinned requirements, and the binaries that it gives."""

    folder: str
    requirement: str | None
    """The Go module whose version names the cache folder; None: it has no requirements."""
    packages: dict[str, str]
    """Binary name to Go package."""

    @property
    def version(self) -> str:
        """The version in `go.mod`, such as `v1.36.3`; `v0` without a requirement."""
        if self.requirement is None:
            return "v0"
        text = (_GO / self.folder / "go.mod").read_text()
        found = re.search(
            rf"^(?:require|\t) ?{re.escape(self.requirement)} (v\S+)", text, re.MULTILINE
        )
        assert found, f"{self.folder}/go.mod does not require {self.requirement}"
        return found[1]

    @property
    def ldflags(self) -> str:
        """Linker flags. Without its version Kubernetes says v0.0.0 and clients refuse features."""
        if self.requirement != _KUBERNETES:
            return "-s -w"
        major, minor, _ = self.version.removeprefix("v").split(".")
        stamp = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
        return "-s -w " + " ".join(
            f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamp.items()
        )

    @property
    def cache(self) -> Path:
        """The folder of its binaries; its name changes with anything that changes them."""
        sources = sorted(p for p in (_GO / self.folder).iterdir() if p.suffix != ".md")
        content = b"\0".join(p.read_bytes() for p in sources) + self.ldflags.encode()
        digest = hashlib.sha256(content).hexdigest()[:8]
        return cache_folder() / self.folder / f"{self.version}-{digest}"


_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
_MODULES = (
    GoModule(folder="etcd", requirement="go.etcd.io/etcd/server/v3", packages={"etcd": "."}),
    GoModule(
        folder="kubernetes",
        requirement=_KUBERNETES,
        packages={name: f"{_KUBERNETES}/cmd/{name}" for name in _COMMANDS},
    ),
    GoModule(
        folder="coredns",
        requirement="github.com/coredns/coredns",
        packages={"coredns": "github.com/coredns/coredns"},
    ),
    GoModule(folder="pause", requirement=None, packages={"pause": "."}),
)
_MODULE_OF = {name: module for module in _MODULES for name in module.packages}


class MissingBinaryError(Exception):
    """A binary is neither in `KUBEBUILDER_ASSETS` nor in the cache."""


def cache_folder() -> Path:
    """Return the folder of everything that is slow to make, outside of the work tree."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dantaro" / "kubernetes"


def find_binary(name: str) -> Path:
    """Return the path of a binary that is there already.

    Raises:
        MissingBinaryError: It says where it was looked for and how to get it.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folders = [Path(assets)] if assets else []
    folders.append(_MODULE_OF[name].cache)
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    raise MissingBinaryError(
        f"there is no {name} in {' or '.join(map(str, folders))}: `make cluster-build` builds it "
        "with Go; or name a folder that has it in KUBEBUILDER_ASSETS"
    )


def find_binaries(names: Sequence[str]) -> dict[str, Path]:
    """Return the path of each binary; see `find_binary`."""
    return {name: find_binary(name) for name in names}


def build_binaries(names: Sequence[str], progress: Progress) -> dict[str, Path]:
    """Return the path of each binary, building those that are missing.

    Safe to run twice, at the same time and after a kill: one build holds the lock of its module,
    and a finished binary is moved into its place in one step.

    Raises:
        MissingBinaryError: Something has to be built and there is no Go, or the build failed.
    """
    for module in _MODULES:
        wanted = [name for name in names if name in module.packages]
        if _missing(wanted):
            with _locked(module, progress):
                if missing := _missing(wanted):
                    _build(module, missing, progress)
    return find_binaries(names)


def _missing(names: Sequence[str]) -> list[str]:
    missing = []
    for name in names:
        try:
            find_binary(name)
        except MissingBinaryError:
            missing.append(name)
    return missing


@contextmanager
def _locked(module: GoModule, progress: Progress) -> Iterator[None]:
    module.cache.mkdir(parents=True, exist_ok=True)
    with (module.cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"another process builds {module.folder} {module.version}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(module: GoModule, names: list[str], progress: Progress) -> None:
    go = shutil.which("go")
    if go is None:
        raise MissingBinaryError(
            f"{', '.join(names)} must be built and there is no `go` on the PATH: install Go 1.21 "
            "or newer (it fetches the version that go.mod asks for), or name a folder that has "
            "the binaries in KUBEBUILDER_ASSETS"
        )
    what = f"{', '.join(names)} {module.version}"
    packages = [module.packages[name] for name in names]
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    for left in module.cache.glob(".build-*"):  # of a killed build: this one holds the lock
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=module.cache, prefix=".build-") as folder:
        progress.begin(f"building {what} with Go, once (the result is cached)")
        total = _count_packages(go, module, packages, environment)
        command = [go, "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", module.ldflags]
        command += ["-o", f"{folder}/", *packages]
        lines: list[str] = []
        with subprocess.Popen(
            command,
            cwd=_GO / module.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=tied_to_caller(),  # noqa: PLW1509  # two system calls and nothing else
        ) as build:
            assert build.stderr is not None
            for line in build.stderr:
                lines.append(line.rstrip())
                progress.step(f"{len(lines)} of at most {total} packages")
        if build.returncode != 0:
            raise MissingBinaryError(f"building {what} failed:\n" + "\n".join(lines[-40:]))
        for name in names:
            (Path(folder) / name).replace(module.cache / name)
        progress.end(what)


def _count_packages(
    go: str, module: GoModule, packages: list[str], environment: dict[str, str]
) -> int:
    """Return how many packages a build from nothing compiles; fetches the sources."""
    answer = subprocess.run(
        [go, "list", "-deps", *packages],
        cwd=_GO / module.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise MissingBinaryError(f"go list in {module.folder} failed:\n{answer.stderr[-4000:]}")
    return len(answer.stdout.splitlines())
