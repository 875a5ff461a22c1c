"""Stands in for a node: runs the bots' pods of a namespace as real processes on loopback.

The StatefulSet controller makes the pods. What kubelet would do is done here: bind, mount, start,
probe, start again, end. No image is looked at: every pod runs this environment's `dantaro-bot`.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from dantaro_operator.core.cluster.names import shared_labels
from dantaro_operator.core.cluster.pod_template import CLAIM, CONTAINER
from dantaro_operator.core.cluster.settings import CONFIG_KEY
from tests.cluster.kubeconfig import load_access
from tests.support.pod_process import RunningPod

__all__ = ["PodRunner", "pod_runner"]

_OURS = ",".join(f"{key}={value}" for key, value in shared_labels().items())

_PROBE_SECONDS = 0.1
"""Pause between two looks at a process; kubelet takes its time, a test has none."""

_RESTART_SECONDS = 0.5
"""Pause before a process that ended is started again."""

_POD_ADDRESS = "192.0.2.1"
"""Every pod's, and nobody's (RFC 5737): in an EndpointSlice the API server refuses loopback."""

_START_SECONDS = 20.0
"""Most that the runner itself may take to begin and to end."""


class PodRunner:
    """Runs pods until it is told to stop. Its properties may be read from any thread."""

    def __init__(self, kubeconfig: Path, *, namespace: str, folder: Path, key_file: Path) -> None:
        """Prepare.

        Args:
            kubeconfig: The administrator's.
            namespace: Whose pods are run.
            folder: Holds what pods and claims keep.
            key_file: Key for central, mounted into every pod.
        """
        self.namespace = namespace
        self.node = f"node-{namespace}"
        self.began = threading.Event()
        self._access = load_access(kubeconfig)
        self._folder = folder
        self._key_file = key_file
        self._pods: dict[str, RunningPod] = {}
        self._configs: dict[str, str] = {}
        self._port = 0
        self._end: Callable[[], object] = lambda: None

    @property
    def status_url(self) -> str:
        """For the operator's setting of that name."""
        return f"http://127.0.0.1:{self._port}/{{namespace}}/{{pod}}/status"

    def pod(self, name: str) -> RunningPod:
        """Return the pod that has a name now.

        Raises:
            AssertionError: None has.
        """
        found = [pod for pod in list(self._pods.values()) if pod.name == name]
        assert found, f"no pod {name} runs"
        return found[-1]

    def pid(self, name: str) -> int:
        """Return the id of a pod's process.

        Raises:
            AssertionError: It does not run.
        """
        pod = self.pod(name)
        assert pod.is_up, f"{name} is down"
        assert pod.process is not None
        return pod.process.process.pid

    def end(self) -> None:
        """End every process and return from `run` (any thread)."""
        self._end()

    async def run(self) -> None:
        """Run pods until `end`."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._end = lambda: loop.call_soon_threadsafe(ended.set)
        access = self._access
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        async with (
            httpx.AsyncClient(
                base_url=access.server, verify=access.trust, headers=headers, trust_env=False
            ) as api,
            httpx.AsyncClient(timeout=2, trust_env=False) as bots,
            self._serving(bots),
        ):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.node}}
            (await api.post("/api/v1/nodes", json=node)).raise_for_status()
            async with asyncio.TaskGroup() as group:
                kubelet = _Kubelet(self, api, bots, group)
                tasks = [
                    group.create_task(kubelet.follow("configmaps", kubelet.take_config)),
                    group.create_task(kubelet.follow("pods", kubelet.take_pod)),
                ]
                self.began.set()
                await ended.wait()
                for task in tasks:
                    task.cancel()
                for pod in self._pods.values():
                    pod.leaving.set()
            await api.delete(f"/api/v1/nodes/{self.node}")

    @contextlib.asynccontextmanager
    async def _serving(self, bots: httpx.AsyncClient) -> Any:
        """Answer for every pod: the operator reaches a bot by its name."""

        async def forward(request: web.Request) -> web.Response:
            with contextlib.suppress(AssertionError, httpx.HTTPError):
                port = self.pod(request.match_info["pod"]).port
                if port is not None and request.match_info["namespace"] == self.namespace:
                    answer = await bots.get(f"http://127.0.0.1:{port}/status")
                    return web.Response(body=answer.content, status=answer.status_code)
            return web.Response(status=503)

        app = web.Application()
        app.router.add_get("/{namespace}/{pod}/status", forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._port = runner.addresses[0][1]
            yield
        finally:
            await runner.cleanup()


class _Kubelet:
    """The part that talks to the API server."""

    def __init__(
        self,
        runner: PodRunner,
        api: httpx.AsyncClient,
        bots: httpx.AsyncClient,
        group: asyncio.TaskGroup,
    ) -> None:
        self._runner = runner
        self._api = api
        self._bots = bots
        self._group = group
        self._path = f"/api/v1/namespaces/{runner.namespace}"

    async def follow(self, plural: str, take: Callable[[str, Any], None]) -> None:
        """Hand on what is there and what changes, until cancelled."""
        query = {"watch": "1", "labelSelector": _OURS}
        while True:
            async with self._api.stream(
                "GET", f"{self._path}/{plural}", params=query, timeout=None
            ) as answer:
                async for line in answer.aiter_lines():
                    event = json.loads(line)
                    take(event["type"], event["object"])

    def take_config(self, kind: str, found: Mapping[str, Any]) -> None:
        """Keep a ConfigMap, and bring it to the pods that mount it."""
        name, runner = found["metadata"]["name"], self._runner
        if kind == "DELETED":
            runner._configs.pop(name, None)
            return
        runner._configs[name] = text = found["data"].get(CONFIG_KEY, "")
        for pod in runner._pods.values():
            if pod.config_map == name and pod.process is not None:
                pod.mount(text, key_file=runner._key_file)

    def take_pod(self, kind: str, found: Mapping[str, Any]) -> None:
        """Begin to run a pod, or to end it."""
        metadata, pods = found["metadata"], self._runner._pods
        pod = pods.get(metadata["uid"])
        if pod is None and kind != "DELETED":
            pod = pods[metadata["uid"]] = self._read(found)
            self._group.create_task(self._live(pod))
        if pod is not None and (kind == "DELETED" or "deletionTimestamp" in metadata):
            pod.leaving.set()

    def _read(self, found: Mapping[str, Any]) -> RunningPod:
        metadata, spec = found["metadata"], found["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        container = next(item for item in spec["containers"] if item["name"] == CONTAINER)
        folder = self._runner._folder / f"{metadata['name']}-{metadata['uid']}"
        folder.mkdir(parents=True)
        return RunningPod(
            name=metadata["name"],
            uid=metadata["uid"],
            image=container["image"],
            config_map=volumes["config"]["configMap"]["name"],
            claim=volumes[CLAIM]["persistentVolumeClaim"]["claimName"],
            folder=folder,
        )

    async def _live(self, pod: RunningPod) -> None:
        await self._bind(pod)
        await _until(pod.leaving, lambda: pod.config_map in self._runner._configs)
        while not pod.leaving.is_set():
            pod.mount(self._runner._configs[pod.config_map], key_file=self._runner._key_file)
            pod.start()
            await _until(pod.leaving, lambda: not pod.is_up, each=lambda: self._tell(pod))
            await pod.stop()
            if not pod.leaving.is_set():
                await self._tell(pod)
                await _until(pod.leaving, lambda: True, pause=_RESTART_SECONDS)
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}
        await self._api.request("DELETE", f"{self._path}/pods/{pod.name}", json=options)
        self._runner._pods.pop(pod.uid)

    async def _bind(self, pod: RunningPod) -> None:
        answer = await self._api.get(f"{self._path}/persistentvolumeclaims/{pod.claim}")
        pod.store = self._runner._folder / answer.raise_for_status().json()["metadata"]["uid"]
        pod.store.mkdir(exist_ok=True)
        target = {"apiVersion": "v1", "kind": "Node", "name": self._runner.node}
        binding = {"metadata": {"name": pod.name, "uid": pod.uid}, "target": target}
        await self._api.post(f"{self._path}/pods/{pod.name}/binding", json=binding)

    async def _tell(self, pod: RunningPod) -> None:
        """Write the pod's status if it changed."""
        state = (pod.is_up, await self._is_ready(pod), pod.starts)
        if state == pod.told:
            return
        up, ready, starts = pod.told = state
        running: dict[str, Any] = {"running": {}} if up else {"waiting": {"reason": "Restarting"}}
        conditions = ("Initialized", True), ("ContainersReady", ready), ("Ready", ready)
        status = {
            "phase": "Running",
            "podIP": _POD_ADDRESS,
            "podIPs": [{"ip": _POD_ADDRESS}],
            "conditions": [{"type": name, "status": str(is_so)} for name, is_so in conditions],
            "containerStatuses": [
                {"name": CONTAINER, "image": pod.image, "imageID": pod.image, "ready": ready}
                | {"restartCount": starts - 1, "started": up, "state": running}
            ],
        }
        await self._api.patch(
            f"{self._path}/pods/{pod.name}/status",
            content=json.dumps({"metadata": {"uid": pod.uid}, "status": status}),
            headers={"Content-Type": "application/strategic-merge-patch+json"},
        )

    async def _is_ready(self, pod: RunningPod) -> bool:
        if not pod.is_up or pod.port is None:
            return False
        try:
            return (await self._bots.get(f"http://127.0.0.1:{pod.port}/readyz")).is_success
        except httpx.HTTPError:
            return False


async def _until(
    leaving: asyncio.Event,
    check: Callable[[], bool],
    *,
    each: Callable[[], Awaitable[None]] | None = None,
    pause: float = _PROBE_SECONDS,
) -> None:
    """Wait for a condition, looked at after every pause; less long when the pod must leave."""
    while not leaving.is_set():
        if each is not None:
            await each()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await leaving.wait()
        if check():
            return


@contextlib.contextmanager
def pod_runner(
    kubeconfig: Path, *, namespace: str, folder: Path, key_file: Path
) -> Iterator[PodRunner]:
    """Run the pods of a namespace for the length of a block, in a thread of its own."""
    runner = PodRunner(kubeconfig, namespace=namespace, folder=folder, key_file=key_file)
    with ThreadPoolExecutor(1, thread_name_prefix="pod-runner") as pool:
        run = pool.submit(asyncio.run, runner.run())
        try:
            assert runner.began.wait(_START_SECONDS), run.exception(0) or "it did not begin"
            yield runner
        finally:
            runner.end()
            run.result(_START_SECONDS)
