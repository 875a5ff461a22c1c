"""The operator with thousands of bots on a real API server; `make bench-operator`.

The pods are stood in for by one HTTP server. A raw client replays every write of the run on a fresh
API server: the ratio of the two times is what the operator costs over the API server itself.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from tests.cluster.binaries import CONTROL_PLANE, find_binaries, find_binary
from tests.cluster.control_plane import ControlPlane, control_plane
from tests.cluster.kubeconfig import User, load_access
from tests.support.cluster import Cluster, open_cluster
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.eventually import eventually
from tests.support.processes import Running, command_path, cpu_seconds, memory_mib, running

__all__ = ["Figures", "measure_operator"]

PER_ACCOUNT = 10
SETTLE_SECONDS = 30.0
"""One cycle: what the start left to do is done."""
STEADY_SECONDS = 60.0
GIVE_UP_SECONDS = 600.0
CHILDREN = frozenset(
    {"statefulsets", "configmaps", "services", "serviceaccounts", "networkpolicies"}
)
WRITES = frozenset({"create", "update", "patch", "delete"})
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Request", "users": ["operator"], "verbs": sorted(WRITES)},
        {"level": "None"},
    ],
}
_JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one size gave.

    Attributes:
        bots: Number of bots.
        first: Seconds from the start of the operator until every bot has a status with its figures.
        writes: Writes of the operator in that time.
        raw: Seconds of a raw client for the same writes.
        cpu: CPU seconds of the operator in `first`.
        memory: Most resident memory, MiB.
        restart: Seconds until a restarted operator has seen every bot.
        restart_writes: Its writes to children.
        steady: Cores in steady state.
    """

    bots: int
    first: float
    writes: int
    raw: float
    cpu: float
    memory: float
    restart: float
    restart_writes: int
    steady: float


def measure_operator(bots: int) -> Figures:
    """Measure one size."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with _world(home / "one") as world:
            uids = _create(world.admin, bots)
            with _fleet(home, uids) as url, _operator(world, home / "a", url) as operator:
                first, pid = _wait_until_all_run(world.admin, bots, operator), operator.process.pid
                cpu, memory = cpu_seconds(pid), memory_mib(pid, "VmHWM")
                log = _audit(home / "one")
                writes = [entry for entry in log if entry["verb"] in WRITES]
                time.sleep(SETTLE_SECONDS)
                began, used = time.monotonic(), cpu_seconds(pid)
                time.sleep(STEADY_SECONDS)
                steady = (cpu_seconds(pid) - used) / (time.monotonic() - began)
                memory = max(memory, memory_mib(pid, "VmHWM"))
            known = len(_audit(home / "one"))
            with _fleet(home, uids) as url, _operator(world, home / "b", url) as operator:
                restart = _wait_until_all_seen(home / "b", bots)
                time.sleep(5)
                after = _audit(home / "one")[known:]
                touched = [e for e in after if e["objectRef"]["resource"] in CHILDREN]
        with _world(home / "two") as world:
            fresh = _create(world.admin, bots)
            raw = asyncio.run(_replay(world.plane, writes, {uids[k]: fresh[k] for k in uids}))
    return Figures(
        bots=bots,
        first=first,
        writes=len(writes),
        raw=raw,
        cpu=cpu,
        memory=memory,
        restart=restart,
        restart_writes=len(touched),
        steady=steady,
    )


@dataclass(frozen=True, kw_only=True)
class _World:
    plane: ControlPlane
    admin: Cluster


@contextmanager
def _world(folder: Path) -> Iterator[_World]:
    """A control plane that notes the writes of the user `operator`."""
    folder.mkdir(parents=True)
    policy = folder / "policy.json"
    policy.write_text(json.dumps(_POLICY))
    arguments = [f"--audit-policy-file={policy}", f"--audit-log-path={folder / 'audit.log'}"]
    users = [User(name="operator", groups=("system:masters",))]
    binaries = find_binaries(CONTROL_PLANE)
    with control_plane(
        binaries, folder / "run", users=users, api_server_arguments=arguments
    ) as plane:
        kubectl = find_binary("kubectl")
        with open_cluster(plane.kubeconfig, kubectl=kubectl, cache=folder / "kubectl") as admin:
            admin.install_crds()
            yield _World(plane=plane, admin=admin)


def _create(cluster: Cluster, bots: int) -> dict[str, str]:
    """Create accounts of ten grids each; return each uid: of bots by NAMESPACE/POD."""
    names = [f"n{number}" for number in range(bots // PER_ACCOUNT)]
    grids = range(PER_ACCOUNT)
    shares = [{"kind": "GridBot", "name": f"b{i}", "percent": 10} for i in grids]
    uids = {}
    for namespace in ["dantaro", *names]:
        _post(cluster, "/api/v1/namespaces", {"metadata": {"name": namespace}})
    for namespace in names:
        account = allocation_document(budget="100000000", shares=shares)
        made = _post(cluster, cluster.path("allocations", namespace), account)
        uids[namespace] = made["metadata"]["uid"]
        for i in grids:
            bot = grid_bot_document(
                f"b{i}", symbol=f"KRW-C{i}", lowerPrice="90000", upperPrice="110000", grids=20
            )
            made = _post(cluster, cluster.path("gridbots", namespace), bot)
            uids[f"{namespace}/gb-b{i}-0"] = made["metadata"]["uid"]
    return uids


def _post(cluster: Cluster, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
    answer = cluster.api.post(path, json=content)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@contextmanager
def _fleet(home: Path, uids: Mapping[str, str]) -> Iterator[str]:
    """The stand-in for all pods; yields the address for the operator's setting."""
    bots, port_file = home / "bots.json", home / "fleet.port"
    bots.write_text(json.dumps(uids))
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.bench.fleet_server", "--bots", str(bots)]
    with running([*command, "--port-file", str(port_file)], log=home / "fleet.log"):
        port = eventually(lambda: port_file.exists() and port_file.read_text())
        yield f"http://127.0.0.1:{port}/{{namespace}}/{{pod}}/status"


@contextmanager
def _operator(world: _World, folder: Path, status_url: str) -> Iterator[Running]:
    folder.mkdir()
    settings = {
        "bot_image": "example/runtime:1",
        "kubeconfig": world.plane.kubeconfig_for("operator"),
        "bot_status_url": status_url,
        "host": "127.0.0.1",
        "port": 0,
        "port_file": folder / "port",
    }
    environment = [f"DANTARO_OPERATOR_{key.upper()}={value}" for key, value in settings.items()]
    with running(
        ["env", *environment, command_path("dantaro"), "operator"], log=folder / "log"
    ) as run:
        yield run


def _wait_until_all_run(cluster: Cluster, bots: int, operator: Running) -> float:
    """Return the seconds until every bot has a status with its figures."""
    began = time.monotonic()
    path = "/apis/dantaro.io/v1alpha1/gridbots"
    while True:
        assert operator.process.poll() is None, operator.tail()
        items = cluster.api.get(path, params={"resourceVersion": "0"}, timeout=60).json()["items"]
        if sum(item["status"]["phase"] == "Running" for item in items) == bots:
            return time.monotonic() - began
        assert time.monotonic() - began < GIVE_UP_SECONDS, operator.tail()
        time.sleep(0.5)


def _wait_until_all_seen(folder: Path, bots: int) -> float:
    """Return the seconds until the operator counts every bot and no account waits."""
    began = time.monotonic()
    while time.monotonic() - began < GIVE_UP_SECONDS:
        with contextlib.suppress(OSError, httpx.HTTPError, ValueError):
            port = (folder / "port").read_text()
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            if _sum(text, "dantaro_operator_bots{") == bots and not _sum(
                text, "dantaro_operator_queue_depth "
            ):
                return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError("the restarted operator did not see every bot")


def _sum(text: str, prefix: str) -> float:
    lines = [line for line in text.splitlines() if line.startswith(prefix)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def _audit(folder: Path) -> list[dict[str, Any]]:
    """Return what the operator wrote so far, Lease and Events aside."""
    lines = (folder / "audit.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    return [e for e in entries if e["objectRef"]["resource"] != "leases"]


async def _replay(
    plane: ControlPlane, writes: list[dict[str, Any]], uids: Mapping[str, str]
) -> float:
    """Make the same writes with nothing but aiohttp, 20 at a time; return the seconds."""
    calls = [_call(entry, uids) for entry in writes]
    access = load_access(plane.kubeconfig_for("operator"))
    headers = {"Authorization": f"Bearer {access.token}"}
    connector = aiohttp.TCPConnector(limit=20, ssl=access.trust)
    refused = 0
    async with aiohttp.ClientSession(
        access.server, connector=connector, headers=headers
    ) as session:
        waiting = iter(calls)

        async def work() -> None:
            nonlocal refused
            for method, uri, content_type, body in waiting:
                kind = {"Content-Type": content_type}
                async with session.request(method, uri, data=body, headers=kind) as answer:
                    await answer.read()
                    refused += answer.status >= 300

        began = time.monotonic()
        await asyncio.gather(*(work() for _ in range(20)))
        took = time.monotonic() - began
    # Of two writes to one object the second may come first here and be refused.
    assert refused <= len(calls) / 100, f"{refused} of {len(calls)} were refused"
    return took


def _call(entry: Mapping[str, Any], uids: Mapping[str, str]) -> tuple[str, str, str, bytes]:
    body = json.dumps(entry.get("requestObject", {}))
    for old in {body[i : i + 36] for i in _places(body, '"uid": "')}:
        body = body.replace(old, uids.get(old, old))
    uri = entry["requestURI"]
    if entry["verb"] == "create":
        return "POST", uri, _JSON, body.encode()
    is_apply = "force=true" in uri
    kind = "application/apply-patch+yaml" if is_apply else "application/merge-patch+json"
    return "PATCH", uri, kind, body.encode()


def _places(text: str, mark: str) -> Iterator[int]:
    at = text.find(mark)
    while at >= 0:
        yield at + len(mark)
        at = text.find(mark, at + 1)


def main() -> None:
    """Print the figures of growing fleets beside their goals."""
    sizes = [int(text) for text in sys.argv[1:]] or [300, 1000, 3000]
    print(
        "bots   first s  writes  raw s  ratio (goal 2.5)  CPU s  MiB (230)  restart s (10)  "
        "writes to children (0)  steady cores (0.25)"
    )
    for size in sizes:
        f = measure_operator(size)
        print(
            f"{f.bots:5}  {f.first:7.1f}  {f.writes:6}  {f.raw:5.1f}  {f.first / f.raw:16.2f}  "
            f"{f.cpu:5.1f}  {f.memory:9.0f}  {f.restart:14.1f}  {f.restart_writes:22}  "
            f"{f.steady:19.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
