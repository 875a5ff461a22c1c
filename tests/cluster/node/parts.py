"""The processes of the cluster, started one after the other inside of its namespaces."""

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cluster.control_plane import ControlPlane, StartError, control_plane
from tests.cluster.kubeconfig import User, load_access
from tests.cluster.node.archive import build_archive
from tests.cluster.node.certificates import ClientCertificate, write_client_certificate
from tests.cluster.node.configs import (
    build_cni,
    build_containerd,
    build_corefile,
    build_kube_proxy,
    build_kubelet,
)
from tests.cluster.node.isolation import INSIDE, run
from tests.cluster.node.manifests import COREDNS_USER, build_all
from tests.cluster.node.place import Place, write_at_once
from tests.cluster.node.volumes import Volumes
from tests.cluster.progress import Progress
from tests.cluster.tether import Tethered, start_tethered

__all__ = ["CONTAINERD_SOCKET", "NODE_NAME", "Parts"]

NODE_NAME = "dantaro"
"""Name of the one node."""

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
"""As seen inside."""

_PAUSE_IMAGE = "localhost/dantaro/pause:v1"
_KUBELET_USER, _PROXY_USER = f"system:node:{NODE_NAME}", "system:kube-proxy"
_SCHEDULER_USER = "system:kube-scheduler"
_USERS = (
    User(name=_KUBELET_USER, groups=("system:nodes",)),
    User(name=_PROXY_USER),
    User(name=_SCHEDULER_USER),
    User(name=COREDNS_USER),
)
_READY_SECONDS = 60.0
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")


@dataclass(kw_only=True)
class Parts:
    """Starts the parts and watches them."""

    binaries: Mapping[str, Path]
    address: str
    """The address of the node and of the API server."""
    volumes: Volumes
    max_pods: int
    progress: Progress
    running: list[Tethered] = field(default_factory=list)

    def start(self, stack: ExitStack) -> httpx.Client:
        """Start everything; the node is ready then, and the kubeconfig lies in `INSIDE`.

        Returns:
            An administrator's client of the API server.

        Raises:
            StartError: A part did not get ready; the message ends with its log.
        """
        for name in ("config", "logs"):
            (INSIDE / name).mkdir()
        self._start_containerd()
        plane = self._start_control_plane(stack)
        self.running.extend(plane.parts.values())
        self._make_objects(plane)
        write_at_once(Place(folder=INSIDE).kubeconfig, plane.kubeconfig.read_bytes())
        api = stack.enter_context(_client(plane))
        self._start_node(plane, api)
        return api

    def check(self) -> None:
        """Raise with its log when a part has ended.

        Raises:
            RuntimeError: It names the part.
        """
        for part in self.running:
            part.check()

    def _start_containerd(self) -> None:
        self.progress.begin("containerd")
        cni = INSIDE / "config" / "cni"
        cni.mkdir()
        (cni / "10-dantaro.conflist").write_text(build_cni())
        config = self._config(
            "containerd.toml",
            build_containerd(
                socket=CONTAINERD_SOCKET,
                pause_image=_PAUSE_IMAGE,
                cni_binaries=_cni_folder(),
                cni_configs=str(cni),
            ),
        )
        part = self._run("containerd", _tool("containerd"), f"--config={config}")
        self._wait(part, lambda: bool(_ctr("version")))
        archive = INSIDE / "pause.tar"
        archive.write_bytes(build_archive(self.binaries["pause"], tag=_PAUSE_IMAGE))
        _ctr("images", "import", archive)
        self.progress.end("containerd")

    def _start_control_plane(self, stack: ExitStack) -> ControlPlane:
        self.progress.begin("control plane")
        certificate = write_client_certificate(
            INSIDE / "config", "dantaro-apiserver", group="system:masters"
        )
        plane = stack.enter_context(
            control_plane(
                self.binaries,
                INSIDE / "control-plane",
                address=self.address,
                users=_USERS,
                api_server_arguments=_kubelet_access(certificate),
            )
        )
        self.progress.end("control plane")
        return plane

    def _make_objects(self, plane: ControlPlane) -> None:
        self.volumes.make()
        folders = {name: str(folder) for name, folder in self.volumes.folders.items()}
        objects = build_all(address=self.address, volumes=folders)
        manifest = self._config("objects.yaml", yaml.safe_dump_all(objects))
        kubeconfig = f"--kubeconfig={plane.kubeconfig}"
        run(self.binaries["kubectl"], kubeconfig, "create", "-f", manifest)

    def _start_node(self, plane: ControlPlane, api: httpx.Client) -> None:
        self.progress.begin("node")
        self._run(
            "kube-scheduler",
            self.binaries["kube-scheduler"],
            f"--kubeconfig={plane.kubeconfig_for(_SCHEDULER_USER)}",
            "--leader-elect=false",
            "--secure-port=0",
        )
        coredns = self._run("coredns", self.binaries["coredns"], "-conf", self._corefile(plane))
        proxy = self._run(
            "kube-proxy",
            self.binaries["kube-proxy"],
            f"--config={self._proxy_config(plane)}",
            f"--hostname-override={NODE_NAME}",
        )
        kubelet = self._run(
            "kubelet",
            self.binaries["kubelet"],
            f"--config={self._kubelet_config()}",
            f"--kubeconfig={plane.kubeconfig_for(_KUBELET_USER)}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={self.address}",
        )
        self._wait(coredns, lambda: _answers("http://127.0.0.1:8181/ready"))
        self._wait(proxy, lambda: _answers("http://127.0.0.1:10256/livez"))
        self._wait(kubelet, lambda: _is_ready(api))
        self.progress.end("node")

    def _corefile(self, plane: ControlPlane) -> Path:
        kubeconfig = str(plane.kubeconfig_for(COREDNS_USER))
        return self._config("Corefile", build_corefile(address=self.address, kubeconfig=kubeconfig))

    def _proxy_config(self, plane: ControlPlane) -> Path:
        kubeconfig = str(plane.kubeconfig_for(_PROXY_USER))
        return self._config("kube-proxy.yaml", build_kube_proxy(kubeconfig=kubeconfig))

    def _kubelet_config(self) -> Path:
        authority = str(INSIDE / "config" / "dantaro-apiserver.crt")
        config = build_kubelet(
            socket=CONTAINERD_SOCKET, client_authority=authority, max_pods=self.max_pods
        )
        return self._config("kubelet.yaml", config)

    def _config(self, name: str, content: str | dict[str, Any]) -> Path:
        path = INSIDE / "config" / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    def _run(self, name: str, *command: str | Path) -> Tethered:
        part = start_tethered(name, command, log=INSIDE / "logs" / f"{name}.log")
        self.running.append(part)
        return part

    def _wait(self, part: Tethered, check: Callable[[], bool]) -> None:
        give_up = time.monotonic() + _READY_SECONDS
        while True:
            trouble = "it did not say so"
            try:
                part.check()
                if check():
                    return
            except (OSError, httpx.HTTPError) as error:
                trouble = str(error)
            except RuntimeError as error:
                if part.process.poll() is not None:
                    raise StartError(str(error)) from error
                trouble = str(error)
            if time.monotonic() > give_up:
                raise StartError(
                    f"{part.name} was not ready within {_READY_SECONDS:.0f} s ({trouble}):\n"
                    f"{part.tail()}"
                )
            time.sleep(0.05)


def _kubelet_access(certificate: ClientCertificate) -> list[str]:
    return [
        f"--kubelet-client-certificate={certificate.certificate}",
        f"--kubelet-client-key={certificate.key}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StartError(f"there is no {name} on the PATH")
    return found


def _cni_folder() -> str:
    for folder in _CNI_FOLDERS:
        if (Path(folder) / "bridge").exists():
            return folder
    raise StartError(f"there is no CNI plugin `bridge` in {', '.join(_CNI_FOLDERS)}")


def _ctr(*arguments: str | Path) -> str:
    return run(_tool("ctr"), f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", *arguments)


def _client(plane: ControlPlane) -> httpx.Client:
    access = load_access(plane.kubeconfig)
    headers = {"Authorization": f"Bearer {access.token}"}
    return httpx.Client(
        base_url=access.server, verify=access.trust, headers=headers, timeout=10, trust_env=False
    )


def _is_ready(api: httpx.Client) -> bool:
    answer = api.get(f"/api/v1/nodes/{NODE_NAME}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return False
    node = answer.raise_for_status().json()
    states = {c["type"]: c["status"] for c in node["status"].get("conditions", ())}
    return states.get("Ready") == "True" and not node["spec"].get("taints")


def _answers(url: str) -> bool:
    return httpx.get(url, timeout=2, trust_env=False).is_success
