"""A Kubernetes API server as the tests use it: requests, kubectl, namespaces and our CRDs."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import yaml

from tests.cluster.kubeconfig import load_access
from tests.support.eventually import eventually

__all__ = ["CRDS", "Cluster", "open_cluster", "start_cluster"]

CRDS = sorted((Path(__file__).parents[2] / "crds").glob("*.yaml"))
"""The generated files, one per kind."""

GROUP = "/apis/dantaro.io/v1alpha1"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """An API server, and the administrator's ways to it."""

    kubeconfig: Path
    api: httpx.Client
    kubectl_path: Path
    cache: Path

    def kubectl(
        self, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl and return what it said; a refusal is an answer, not an error."""
        fixed = [
            str(self.kubectl_path),
            f"--kubeconfig={self.kubeconfig}",
            f"--cache-dir={self.cache}",
        ]
        return subprocess.run(
            [*fixed, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def path(self, plural: str, namespace: str, name: str = "") -> str:
        """Return the path of our objects of a kind, or of one of them."""
        return f"{GROUP}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """Make a namespace for the length of a block, unless it is removed sooner."""
        name = f"test-{secrets.token_hex(5)}"
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.api.post("/api/v1/namespaces", json=manifest).raise_for_status()
        try:
            yield name
        finally:
            answer = self.api.delete(f"/api/v1/namespaces/{name}")
            assert answer.is_success or answer.status_code == 404, answer.text

    def install_crds(self) -> None:
        """Apply our CRDs and wait until the server takes objects of each."""
        for file in CRDS:
            answer = self.apply_crd(file.read_text())
            assert answer.is_success, f"{file.name}: {answer.text}"
        for file in CRDS:
            eventually(partial(self._serves, file.stem))

    def apply_crd(self, text: str, *, dry_run: bool = False) -> httpx.Response:
        """Apply the YAML of a CRD on the server's side; a dry run checks schema and rule cost."""
        name = yaml.safe_load(text)["metadata"]["name"]
        return self.api.patch(
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}",
            params={"fieldManager": "dantaro-tests", "force": "true"}
            | ({"dryRun": "All"} if dry_run else {}),
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=text,
        )

    def _serves(self, plural: str) -> bool:
        """Whether it takes objects, and documents them for `kubectl explain`, which comes later."""
        documented = self.api.get(f"/openapi/v3{GROUP}")
        return (
            f"{GROUP}/{plural}" in documented.text and self.api.get(f"{GROUP}/{plural}").is_success
        )


def start_cluster(folder: Path, *, owner: int) -> Path:
    """Start a control plane that ends with a process, even when that is killed.

    Returns:
        The administrator's kubeconfig.

    Raises:
        AssertionError: With the log of what did not start.
    """
    command = [sys.executable, "-m", "tests.cluster", "start", "--owner", str(owner)]
    answer = subprocess.run(
        [*command, "--folder", str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return Path(answer.stdout.strip())


@contextmanager
def open_cluster(kubeconfig: Path, *, kubectl: Path, cache: Path) -> Iterator[Cluster]:
    """Open a client to the current context of a kubeconfig."""
    access = load_access(kubeconfig)
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    with httpx.Client(
        base_url=access.server, verify=access.trust, headers=headers, timeout=30, trust_env=False
    ) as api:
        yield Cluster(kubeconfig=kubeconfig, api=api, kubectl_path=kubectl, cache=cache)
