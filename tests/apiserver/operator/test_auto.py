"""Bots whose market is picked, on a real API server with real bots and a real central."""

from collections.abc import Iterator

import pytest

from dantaro_crds.wire.recommendations import Recommendations
from tests.support.bots import share
from tests.support.central_process import CentralClient, central
from tests.support.cluster import Cluster
from tests.support.documents import allocation_document, trading_bot_document
from tests.support.operated_namespace import OperatedNamespace
from tests.support.pod_runner import pod_runner

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

AUTOS = ("one", "two")
NAMES = ("named", *AUTOS)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralClient]:
    folder = tmp_path_factory.mktemp("auto") / "central"
    with central(folder, "--source", "simulated", "--speed", "60") as running:
        yield running


@pytest.fixture(scope="module")
def world(cluster: Cluster, market: CentralClient) -> Iterator[OperatedNamespace]:
    with (
        cluster.namespace() as namespace,
        pod_runner(
            cluster.kubeconfig,
            namespace=namespace,
            folder=market.folder.parent / "pods",
            key_file=market.key_file,
        ) as runner,
    ):
        opened = OperatedNamespace(cluster, namespace, runner, market)
        try:
            yield opened
        finally:
            opened.close()


def symbol_of(world: OperatedNamespace, name: str) -> str | None:
    found: str | None = world.get("tradingbots", name)["status"].get("symbol")
    return found


def picks(world: OperatedNamespace) -> list[str]:
    return [told for name in AUTOS for told in world.told("SymbolPicked", name)]


@pytest.fixture(scope="module")
def three(world: OperatedNamespace, market: CentralClient) -> OperatedNamespace:
    """One bot that names the best market, and two that take what is free; all ready."""
    text = market.get("/api/v1/recommendations").text
    best = Recommendations.model_validate_json(text).recommendations[0].symbol
    shares = [share("TradingBot", name, 30) for name in NAMES]
    # It buys nothing, so that it may go wherever it is sent.
    named = trading_bot_document("named", symbol=best, state="Stopped")
    autos = [trading_bot_document(name, symbol="auto") for name in AUTOS]
    world.create(allocation_document(shares=shares), named, *autos)
    world.wait_for(
        lambda: all(world.is_ready("tradingbots", name) for name in NAMES), "all three to be ready"
    )
    return world


def test_bots_get_markets_that_are_free_and_keep_them(three: OperatedNamespace) -> None:
    world = three
    given = [symbol_of(world, name) for name in AUTOS]
    assert len({symbol_of(world, "named"), *given}) == 3
    assert [world.report(f"tb-{name}-0")["symbol"] for name in AUTOS] == given
    assert [told.partition(":")[0] for told in picks(world)] == given
    assert all("; volume: " in told for told in picks(world))
    row = world.kubectl("get", "tb", "one", "--no-headers").split()
    assert row[2] == given[0]

    before = world.children()
    world.restart_operator()
    assert world.children() == before
    assert [symbol_of(world, name) for name in AUTOS] == given
    assert len(picks(world)) == 2


def test_a_flat_bot_takes_up_a_named_market_without_a_restart(three: OperatedNamespace) -> None:
    world = three
    process = world.runner.pid("tb-named-0")
    taken = {symbol_of(world, name) for name in NAMES}
    free = next(s for s in ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL") if s not in taken)

    world.change("tradingbots", "named", symbol=free)

    world.wait_for(lambda: symbol_of(world, "named") == free, f"it to trade {free}")
    assert world.report("tb-named-0")["symbol"] == free
    assert world.runner.pid("tb-named-0") == process


def test_a_flat_bot_makes_way_for_one_that_names_its_market(world: OperatedNamespace) -> None:
    shares = [share("TradingBot", name, 40) for name in ("polite", "naming")]
    # Nothing is bought, so that the bot stays flat while it runs.
    account = allocation_document("halted", shares=shares, halt=True)
    own = {"allocationRef": {"name": "halted"}}
    world.create(account, trading_bot_document("polite", symbol="auto", **own))
    world.wait_for(lambda: world.is_ready("tradingbots", "polite"), "it to be ready")
    given, process = symbol_of(world, "polite"), world.runner.pid("tb-polite-0")

    world.create(trading_bot_document("naming", symbol=given, **own))

    world.wait_for(lambda: symbol_of(world, "polite") != given, "it to go elsewhere")
    world.wait_for(lambda: world.is_ready("tradingbots", "naming"), "the other one to be ready")
    assert world.report("tb-naming-0")["symbol"] == given
    assert world.report("tb-polite-0")["symbol"] == symbol_of(world, "polite")
    assert world.runner.pid("tb-polite-0") == process
    _, moved = world.told("SymbolPicked", "polite")
    words = f"in place of {given}, TradingBot/naming asks for {given} by name: score "
    assert words in moved


def test_without_a_recommendation_a_bot_waits_and_those_that_have_a_market_go_on(
    three: OperatedNamespace,
) -> None:
    world = three
    given = [symbol_of(world, name) for name in AUTOS]
    world.restart_operator(central_key_file="/nowhere/key")
    shares = [share("TradingBot", "late", 100)]
    late = trading_bot_document("late", symbol="auto", allocationRef={"name": "late"})
    world.create(allocation_document("late", shares=shares), late)

    def reason() -> str | None:
        ready = world.conditions("tradingbots", "late").get("Ready", {})
        found: str | None = ready.get("reason")
        return found

    world.wait_for(lambda: reason() == "CentralUnreachable", "the reason")
    assert symbol_of(world, "late") is None
    assert not world.exists(world.stateful_set("tb-late-0"))
    assert [symbol_of(world, name) for name in AUTOS] == given
    assert all(world.is_ready("tradingbots", name) for name in AUTOS)

    world.restart_operator()
    world.wait_for(lambda: world.is_ready("tradingbots", "late"), "it to be ready")
    assert len(world.told("SymbolPicked", "late")) == 1
