"""What a kill leaves half done is finished by the configuration that holds at the next start."""

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.bootstrap import build_bot
from dantaro_runtime.errors import StoreError
from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import BotRig, FullDatabase, Killed, candle, make_config

pytestmark = pytest.mark.integration

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
FLAT = [candle(minute, "3240 3240 3240 3240") for minute in range(4)]


def changed(config: BotConfig, **fields: Any) -> BotConfig:
    return BotConfig.model_validate(config.model_dump(by_alias=True) | fields)


async def killed(rig: BotRig, commit: int) -> None:
    rig.start(dies_at=commit, after=True)
    with contextlib.suppress(Killed):
        await rig.run()


async def commits_of_a_run(make_rig: MakeRig) -> range:
    rig = make_rig(make_config(GRID), FLAT)
    rig.start()
    await rig.run()
    return range(1, rig.commits + 1)


@pytest.mark.parametrize(
    "wish",
    [pytest.param({"halt": True}, id="halt"), pytest.param({"drain": "Flatten"}, id="drain")],
)
async def test_an_entry_that_was_only_intended_is_not_sent_against_the_wishes(
    make_rig: MakeRig, wish: dict[str, Any]
) -> None:
    buys = "SELECT COUNT(*) FROM paper_orders WHERE side = 'Buy'"
    for commit in await commits_of_a_run(make_rig):
        rig = make_rig(make_config(GRID), FLAT)
        await killed(rig, commit)
        before = rig.rows(buys)
        rig.config = changed(rig.config, **wish)
        rig.start()
        await rig.run()
        assert rig.rows(buys) == before, f"killed at commit {commit}"


@pytest.mark.parametrize("budget", ["0", "1500000"])
async def test_a_budget_that_is_put_back_while_the_bot_is_down_leaves_equal_books(
    make_rig: MakeRig, budget: str
) -> None:
    for commit in await commits_of_a_run(make_rig):
        rig = make_rig(make_config(GRID), FLAT)
        await killed(rig, commit)
        rig.config = changed(make_config(GRID), budget=budget)
        await killed(rig, 1)
        rig.config = make_config(GRID)
        rig.start()
        await rig.run()
        assert rig.parts is not None
        await rig.parts.bot.turn()
        ledger = rig.parts.desk.desk.ledger
        venue = rig.rows("SELECT quote, base, contributed FROM paper_account")[0]
        assert tuple(map(Decimal, venue)) == (ledger.quote, ledger.base, ledger.contributed)


async def test_a_market_that_changes_while_the_bot_is_down_is_not_taken(make_rig: MakeRig) -> None:
    rig = make_rig(make_config(GRID), FLAT)
    rig.start()
    await rig.run()
    rig.config = changed(rig.config, symbol="KRW-BTC")
    report = rig.start().bot.report()
    assert report.symbol == "KRW-XRP"
    assert "cannot change" in report.message


def _states(link: sa.Connection, table: str) -> dict[str, str]:
    rows: list[Any] = list(link.execute(sa.text(f"SELECT client_id, state FROM {table}")))
    return {row.client_id: row.state for row in rows}


async def test_a_commit_that_fails_loses_no_order_and_no_fill_and_needs_nobody(
    make_rig: MakeRig, empty_store: Path
) -> None:
    candles = [*FLAT[:2], candle(2, "3240 3330 3090 3230"), candle(3, "3230 3240 3090 3100")]
    for commit in range(1, 40):
        rig = make_rig(make_config(GRID), candles)
        database = FullDatabase(f"sqlite:///{rig.folder / 'store.db'}", token="one")
        database.fails_at = commit
        parts = build_bot(rig.config, database, central=rig.central)
        for _ in range(4):
            with contextlib.suppress(StoreError):
                await parts.bot.turn()
        with database.read() as link:
            stored = _states(link, "orders")
            venue = _states(link, "paper_orders")
            fills = link.execute(sa.text("SELECT COUNT(*) FROM fills")).scalar()
            filled = link.execute(sa.text("SELECT COUNT(*) FROM paper_fills")).scalar()
        database.close()
        assert parts.bot.report().engine_state is EngineState.RUNNING
        assert {key: stored.get(key) for key in venue} == venue, f"commit {commit} failed"
        assert fills == filled
        live = {key for key, state in stored.items() if state in {"Pending", "Open"}}
        assert live == {order.client_id for order in parts.desk.orders}


async def test_a_loss_is_accepted_once_wherever_the_bot_is_killed(make_rig: MakeRig) -> None:
    fall = [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3240 3050 3050")]
    candles = [*fall, *(candle(minute, "3050 3050 3050 3050") for minute in range(2, 6))]
    config = make_config(GRID, risk={"maxDailyLoss": "20000"})

    async def tripped() -> BotRig:
        rig = make_rig(config, candles, market_time=candles[4].time)
        rig.start()
        await rig.run()
        rig.config = changed(config, acceptLoss="2026-01-01")
        rig.central.market_time = None
        return rig

    whole = await tripped()
    whole.start()
    await whole.run()
    events = "SELECT ts, message FROM engine_events WHERE reason = 'LossAccepted'"
    assert len(whole.rows(events)) == 1
    for commit in range(1, whole.commits + 1):
        rig = await tripped()
        await killed(rig, commit)
        rig.start()
        await rig.run()
        assert (rig.rows(events), rig.outcome()) == (whole.rows(events), whole.outcome())
