"""The life of bots on a real API server: the real operator, real bots, central; only no node."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.support.central_process import central
from tests.support.cluster import Cluster
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.operated_namespace import COLLECTIONS, PLURALS, Object, OperatedNamespace
from tests.support.pod_runner import pod_runner

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

EXAMPLE = Path(__file__).parents[3] / "examples" / "01-quickstart"
DOCUMENTS = [
    document
    for file in ("account.yaml", "bots.yaml")
    for document in yaml.safe_load_all((EXAMPLE / file).read_text())
]
BOTS = {
    "gb-btc-grid-0": ("gridbots", "btc-grid"),
    "tb-eth-stages-0": ("tradingbots", "eth-stages"),
    "tb-xrp-stages-0": ("tradingbots", "xrp-stages"),
}
"""The example's bots by their pods."""

BUDGET = 10_000_000


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatedNamespace]:
    """One operator and one central for all tests of a worker."""
    folder = tmp_path_factory.mktemp("life")
    with (
        cluster.namespace() as namespace,
        central(folder / "central", "--source", "simulated", "--speed", "60") as market,
        pod_runner(
            cluster.kubeconfig,
            namespace=namespace,
            folder=folder / "pods",
            key_file=market.key_file,
        ) as runner,
    ):
        opened = OperatedNamespace(cluster, namespace, runner, market)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture
def example(world: OperatedNamespace) -> OperatedNamespace:
    """The quickstart, as its files declare it, all of it ready."""
    for document in DOCUMENTS:
        plural, name = PLURALS[document["kind"]], document["metadata"]["name"]
        path = world.path(plural, name)
        if not world.exists(path):
            world.kubectl("apply", "-f", str(EXAMPLE))
        world.wait_for(partial(world.replace_spec, plural, name, document["spec"]), "the spec")
    world.wait_for(lambda: is_settled(world), "the quickstart to be ready")
    return world


def is_settled(world: OperatedNamespace) -> bool:
    pods = f"/api/v1/namespaces/{world.namespace}/pods"
    rolled_out = all(
        is_rolled_out(world.read(world.stateful_set(pod)))
        and is_pod_ready(world.read(f"{pods}/{pod}"))
        for pod in BOTS
    )
    return rolled_out and all(
        world.is_ready(plural, name) and world.get(plural, name)["status"]["orders"]["open"] > 0
        for plural, name in BOTS.values()
    )


def is_rolled_out(stateful_set: Object) -> bool:
    status = stateful_set["status"]
    return bool(
        status.get("observedGeneration") == stateful_set["metadata"]["generation"]
        and status.get("currentRevision") == status.get("updateRevision")
        and status.get("readyReplicas") == 1
    )


def pids(world: OperatedNamespace) -> dict[str, int]:
    return {pod: world.runner.pid(pod) for pod in BOTS}


@contextmanager
def own_account(world: OperatedNamespace, name: str) -> Iterator[str]:
    """An account with one grid of its own, which is ready; the name of both."""
    share = {"kind": "GridBot", "name": name, "percent": 100}
    world.create(allocation_document(name, shares=[share]), grid(name))
    try:
        world.wait_for(lambda: world.is_ready("gridbots", name), f"{name} to be ready")
        yield f"gb-{name}-0"
    finally:
        for plural in ("gridbots", "allocations"):
            if world.exists(world.path(plural, name)):
                world.note(plural, name, force_delete="true")
                world.cluster.api.delete(world.path(plural, name))


def grid(name: str) -> Object:
    bounds = {"lowerPrice": "115000000", "upperPrice": "205000000"}
    return grid_bot_document(name, allocationRef={"name": name}, **bounds)


def test_quickstart_gets_ready_and_trades(example: OperatedNamespace) -> None:
    waited = example.kubectl("wait", "--for=condition=Ready", "gb,tb,alloc", "--all")

    assert waited.count("condition met") == 4
    for plural, name in BOTS.values():
        row = example.kubectl("get", plural, name, "--no-headers").split()
        assert row[:2] == [name, "Paper"], row
        assert re.fullmatch(r"KRW-(BTC|ETH|XRP)", row[2]), row
        assert row[3:5] in (["grid", "Running"], ["staged", "Running"]), row
        assert int(row[5]) in (5_000_000, 3_000_000, 2_000_000), row
        assert int(row[6]) > -BUDGET, row
        assert int(row[7]) > 0, row
    status = example.get("allocations", "main")["status"]
    assert status["allocatedPercent"] == 100
    assert sum(int(bot["budget"]) for bot in status["bots"]) == BUDGET
    profit = sum(int(bot["pnl"]) for bot in status["bots"])
    # Each figure is rounded by itself.
    assert abs(int(status["equity"]) - BUDGET - profit) <= 2
    assert abs(int(status["realizedPnl"]) + int(status["unrealizedPnl"]) - profit) <= 4


def test_applying_again_and_an_operator_with_newer_defaults_touch_nothing(
    example: OperatedNamespace,
) -> None:
    before, processes = example.children(), pids(example)
    since = example.version(example.path("tradingbots"))

    example.kubectl("apply", "-f", str(EXAMPLE))
    example.restart_operator(bot_image="localhost/dantaro/runtime:next")

    assert example.children() == before
    assert pids(example) == processes
    for _, bot in example.history(example.path("tradingbots"), since):
        ready = next(item for item in bot["status"]["conditions"] if item["type"] == "Ready")
        assert (ready["status"], bot["status"]["phase"]) == ("True", "Running")


def test_stopped_cancels_orders_and_running_places_them_again(example: OperatedNamespace) -> None:
    pod, bot = "tb-eth-stages-0", BOTS["tb-eth-stages-0"]
    process = example.runner.pid(pod)

    example.change(*bot, state="Stopped")

    def is_stopped() -> bool:
        status = example.get(*bot)["status"]
        return bool(status["phase"] == "Stopped" and status["orders"]["open"] == 0)

    example.wait_for(is_stopped, "phase Stopped without orders")
    assert example.report(pod)["openOrders"] == []
    assert example.is_ready(*bot), example.conditions(*bot)
    example.change(*bot, state="Running")
    example.wait_for(lambda: example.get(*bot)["status"]["orders"]["open"] > 0, "orders again")
    assert example.get(*bot)["status"]["phase"] == "Running"
    assert example.runner.pid(pod) == process


def test_a_changed_budget_and_share_reach_the_bots_without_a_restart(
    example: OperatedNamespace,
) -> None:
    processes = pids(example)
    shares = [
        {"kind": "GridBot", "name": "btc-grid", "percent": 40},
        {"kind": "TradingBot", "name": "eth-stages", "percent": 15},
        {"kind": "TradingBot", "name": "xrp-stages", "percent": 45},
    ]

    example.change("allocations", "main", budget="20000000", shares=shares)

    wanted = {"gb-btc-grid-0": 8, "tb-eth-stages-0": 3, "tb-xrp-stages-0": 9}
    millions = {pod: Decimal(count * 1_000_000) for pod, count in wanted.items()}
    example.wait_for(
        lambda: {pod: Decimal(example.report(pod)["budget"]) for pod in BOTS} == millions,
        "the bots' new budgets",
    )
    example.wait_for(
        lambda: (
            {pod: Decimal(example.get(*bot)["status"]["budget"]) for pod, bot in BOTS.items()}
            == millions
        ),
        "the new budgets in the status",
    )
    pod_path = f"/api/v1/namespaces/{example.namespace}/pods/tb-xrp-stages-0"
    mark = "dantaro.io/config-hash"
    told = example.read(example.stateful_set("tb-xrp-stages-0"))["metadata"]["annotations"][mark]
    assert example.read(pod_path)["metadata"]["annotations"][mark] == told
    assert pids(example) == processes


def test_halt_reaches_every_bot(example: OperatedNamespace) -> None:
    processes = pids(example)

    example.change("allocations", "main", halt=True)

    for pod, bot in BOTS.items():
        example.wait_for_condition(bot, "TradingHalted", "True")
        example.wait_for_condition(bot, "Ready", "True")
        report = example.report(pod)
        assert not report["halted"]["ok"]
        assert all(order["side"] == "Sell" for order in report["openOrders"])
    halted = example.conditions("allocations", "main")["Halted"]
    assert (halted["status"], halted["reason"]) == ("True", "Halted")
    example.change("allocations", "main", halt=False)
    for bot in BOTS.values():
        example.wait_for_condition(bot, "TradingHalted", "False")
    assert pids(example) == processes


@pytest.mark.parametrize(
    ("pod", "field", "value", "reason"),
    [
        pytest.param("tb-eth-stages-0", "symbol", "KRW-BTC", "SymbolTaken", id="market-taken"),
        pytest.param(
            "gb-btc-grid-0", "lowerPrice", "204000000", "PlanRefused", id="grid-that-loses"
        ),
    ],
)
def test_a_refused_change_is_told_and_the_bot_goes_on(
    example: OperatedNamespace, pod: str, field: str, value: str, reason: str
) -> None:
    bot, before, process = BOTS[pod], example.config(pod), example.runner.pid(pod)

    example.change(*bot, **{field: value})

    example.wait_for_condition(bot, "Stalled", "True")
    conditions = example.conditions(*bot)
    assert conditions["Stalled"]["reason"] == conditions["Ready"]["reason"] == reason
    assert conditions["Ready"]["message"].startswith("spec.")
    assert conditions["Ready"]["message"].endswith("; it goes on as it was")
    assert example.config(pod) == before
    assert example.report(pod)["orders"]["open"] > 0
    assert example.runner.pid(pod) == process
    example.wait_for(lambda: example.told(reason, bot[1]), "the Event")


def test_a_reset_is_handled_once_and_told(example: OperatedNamespace) -> None:
    bot, process = BOTS["gb-btc-grid-0"], example.runner.pid("gb-btc-grid-0")

    example.note(*bot, reset="2026-01-31T09:00:00Z")

    example.wait_for(
        lambda: example.get(*bot)["status"].get("lastReset") == "2026-01-31T09:00:00Z", "the reset"
    )
    assert example.runner.pid("gb-btc-grid-0") == process


def test_drift_is_repaired_and_named_and_marks_of_others_stay(example: OperatedNamespace) -> None:
    pod = "tb-xrp-stages-0"
    path = example.stateful_set(pod)
    before = example.read(path)
    foreign = {"annotations": {"team": "a"}, "labels": {"team": "a"}}
    example.patch(path, {"metadata": foreign}).raise_for_status()

    changed = example.cluster.api.patch(
        path,
        json=[
            {"op": "remove", "path": "/metadata/ownerReferences"},
            {"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1managed-by"},
            {"op": "replace", "path": "/metadata/labels/dantaro.io~1account", "value": "x"},
            {"op": "replace", "path": "/spec/replicas", "value": 0},
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:1"},
        ],
        headers={"Content-Type": "application/json-patch+json"},
    )

    assert changed.is_success, changed.text

    def is_repaired() -> bool:
        found = example.read(path)
        return bool(
            found["metadata"].get("ownerReferences") == before["metadata"]["ownerReferences"]
            and found["metadata"]["labels"] == before["metadata"]["labels"] | {"team": "a"}
            and found["spec"] == before["spec"]
            and found["metadata"]["annotations"]["team"] == "a"
            and is_rolled_out(found)
        )

    example.wait_for(is_repaired, "the repair")
    (told,) = example.wait_for(lambda: example.told("DriftRepaired", "xrp-stages"), "the Event")
    for field in (
        "metadata.labels[app.kubernetes.io/managed-by]",
        "metadata.labels[dantaro.io/account]",
        "metadata.ownerReferences",
        "spec.replicas",
        "spec.template.spec.containers[bot].image",
    ):
        assert field in told


def test_a_named_image_moves_one_bot_of_an_account_at_a_time(example: OperatedNamespace) -> None:
    grid_process = example.runner.pid("gb-btc-grid-0")
    moved = ("tb-eth-stages-0", "tb-xrp-stages-0")
    image = "localhost/dantaro/runtime:named"
    most = 0

    for pod in moved:
        example.change(*BOTS[pod], image=image)

    def have_moved() -> bool:
        nonlocal most
        pods = example.read(f"/api/v1/namespaces/{example.namespace}/pods")["items"]
        ready = {pod["metadata"]["name"] for pod in pods if is_pod_ready(pod)}
        most = max(most, len(set(moved) - ready))
        images = {
            pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
            for pod in pods
            if pod["metadata"]["name"] in moved
        }
        return ready.issuperset(moved) and set(images.values()) == {image}

    example.wait_for(have_moved, "two new pods")
    assert most == 1
    assert example.runner.pid("gb-btc-grid-0") == grid_process


def is_pod_ready(pod: Object) -> bool:
    conditions = {item["type"]: item["status"] for item in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def test_a_deleted_account_stays_halted_until_its_drained_bots_are_gone(
    world: OperatedNamespace,
) -> None:
    with own_account(world, "leaving") as pod:
        since = world.version(world.path("gridbots"))
        claim = f"/api/v1/namespaces/{world.namespace}/persistentvolumeclaims/data-{pod}"
        assert world.exists(claim)

        world.cluster.api.delete(world.path("allocations", "leaving")).raise_for_status()

        world.wait_for(lambda: not world.report(pod)["halted"]["ok"], "the halt")
        ready = world.conditions("allocations", "leaving")["Ready"]
        assert (ready["reason"], "GridBot/leaving" in ready["message"]) == ("BotsRemain", True)
        world.wait_for(
            lambda: world.conditions("gridbots", "leaving")["TradingHalted"]["status"] == "True",
            "the halt to be told",
        )

        world.kubectl("delete", "gridbot", "leaving", "--timeout=40s")

        history = world.history(world.path("gridbots"), since)
        last = [item for _, item in history if item["metadata"]["name"] == "leaving"][-1]
        assert last["status"]["orders"]["open"] == 0
        world.wait_for(
            lambda: not world.exists(world.path("allocations", "leaving")), "the account to go"
        )
        config_map = f"/api/v1/namespaces/{world.namespace}/configmaps/gb-leaving"
        for path in (world.stateful_set(pod), config_map, claim):
            world.wait_until_gone(path)
        assert world.told("Released", "leaving") == [
            "CancelOrders is carried out: the bot is let go"
        ]


def test_a_bot_that_cannot_answer_is_let_go_by_force_and_what_is_left_is_told(
    world: OperatedNamespace,
) -> None:
    with own_account(world, "frozen") as pod:
        world.wait_for(
            lambda: world.get("gridbots", "frozen")["status"]["orders"]["open"] > 0, "orders"
        )
        orders = world.get("gridbots", "frozen")["status"]["orders"]["open"]
        os.kill(world.runner.pid(pod), signal.SIGSTOP)

        world.kubectl("delete", "gridbot", "frozen", "--wait=false")
        (told,) = world.wait_for(lambda: world.told("DrainFailed", "frozen"), "the silence")
        assert re.search(r"has not answered since \d{4}-\d\d-\d\dT[\d:]{8}Z$", told)
        assert world.exists(world.path("gridbots", "frozen"))
        world.note("gridbots", "frozen", force_delete="true")

        world.wait_for(
            lambda: not world.exists(world.path("gridbots", "frozen")), "the bot to be let go"
        )
        (told,) = world.told("ForceDeleted", "frozen")
        assert f"left on the exchange: {orders} orders and " in told
        assert re.search(r" of KRW-BTC, worth [\d,]+ KRW, at the last look$", told)
        world.wait_for(lambda: not world.exists(world.stateful_set(pod)), "its StatefulSet to go")


def test_a_namesake_created_at_once_is_a_new_bot_with_a_new_store(world: OperatedNamespace) -> None:
    with own_account(world, "again") as pod:
        old = world.get("gridbots", "again")["metadata"]["uid"]
        process = world.runner.pid(pod)

        world.kubectl("delete", "gridbot", "again", "--timeout=40s")
        world.create(grid("again"))

        world.wait_for(lambda: world.is_ready("gridbots", "again"), "the new bot to be ready")
        new = world.get("gridbots", "again")["metadata"]["uid"]
        assert new != old
        assert world.report(pod)["uid"] == new
        assert world.runner.pid(pod) != process
        stores = {path.name for path in world.runner.pod(pod).store.glob("*.db")}
        assert f"paper-{new}.db" in stores


def test_rivals_for_shares_never_get_more_than_there_is(example: OperatedNamespace) -> None:
    path = example.path("allocations", "main")
    watched = [path.rpartition("/")[0], COLLECTIONS["ConfigMap"].format(example.namespace)]
    since = {collection: example.version(collection) for collection in watched}
    before = {pod.removesuffix("-0"): Decimal(example.config(pod)["budget"]) for pod in BOTS}

    def patch(shares: list[Object]) -> bool:
        return example.patch(path, {"spec": {"shares": shares}}).is_success

    def replace(shares: list[Object]) -> bool:
        """Holds for the version that was read only."""
        found = example.get("allocations", "main")
        found["spec"]["shares"] = shares
        return example.cluster.api.put(path, json=found).is_success

    def apply(manager: str, shares: list[Object]) -> bool:
        """Owns some entries, and leaves the others to their managers."""
        text = yaml.safe_dump(DOCUMENTS[0] | {"spec": {"shares": shares}})
        arguments = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}")
        answer = example.cluster.kubectl("-n", example.namespace, *arguments, "-f", "-", stdin=text)
        return answer.returncode == 0

    splits = [(70, 20, 10), (30, 60, 10), (60, 30, 20), (30, 20, 50), (34, 33, 33), (80, 80, 5)]
    with ThreadPoolExecutor(4) as writers:
        done = [
            writers.submit(
                write, split_shares(split) if part is None else split_shares(split)[part]
            )
            for split in splits
            for write, part in (
                (patch, None),
                (replace, None),
                (partial(apply, "one"), slice(0, 1)),
                (partial(apply, "two"), slice(1, 3)),
            )
        ]
    outcomes = [item.result() for item in done]

    assert True in outcomes
    assert False in outcomes
    versions = [item for _, item in example.history(watched[0], since[watched[0]])]
    assert (
        max(sum(share["percent"] for share in item["spec"]["shares"]) for item in versions) <= 100
    )
    for item in versions:
        assert sum(int(bot["budget"]) for bot in item["status"]["bots"]) <= BUDGET
    budgets = dict(before)
    for _, item in example.history(watched[1], since[watched[1]]):
        if (name := item["metadata"]["name"]) in budgets:
            budgets[name] = budget_in(item)
            assert sum(budgets.values()) <= BUDGET


def budget_in(config_map: Object) -> Decimal:
    return Decimal(yaml.safe_load(config_map["data"]["config.json"])["budget"])


def split_shares(percents: tuple[int, int, int]) -> list[Object]:
    owners = [(bot["kind"], bot["metadata"]["name"]) for bot in DOCUMENTS[1:]]
    return [
        {"kind": kind, "name": name, "percent": percent}
        for (kind, name), percent in zip(owners, percents, strict=True)
    ]


def test_a_bot_that_answers_no_new_operator_keeps_its_figures_and_is_told_silent(
    world: OperatedNamespace,
) -> None:
    with own_account(world, "quiet") as pod:
        bot = ("gridbots", "quiet")
        world.wait_for(lambda: world.get(*bot)["status"]["orders"]["open"] > 0, "orders")
        process = world.runner.pid(pod)
        os.kill(process, signal.SIGSTOP)
        try:
            world.restart_operator()

            world.wait_for(
                lambda: world.conditions(*bot)["Ready"]["reason"] == "NotReporting", "the silence"
            )
            found, account = world.get(*bot)["status"], world.get("allocations", "quiet")["status"]
            assert found["phase"] == "Running"
            assert found["orders"]["open"] > 0
            made = int(found["pnl"]["total"])
            assert abs(int(account["equity"]) - BUDGET - made) <= 1
        finally:
            os.kill(process, signal.SIGCONT)
        world.wait_for(lambda: world.is_ready(*bot), "the bot to answer again")
