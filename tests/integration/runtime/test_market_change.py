"""A bot that is given another market takes it up when it is flat, and keeps its books."""

import contextlib
import json
import random
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.bootstrap import build_bot
from dantaro_runtime.errors import StoreError
from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import BotRig, FullDatabase, Killed, candle, make_config

pytestmark = pytest.mark.integration

D = Decimal
STAGED = {"staged": {"stages": 2, "takeProfitPercent": "1"}}
OLD, NEW = "KRW-XRP", "KRW-ETH"

RISES = [
    candle(0, "3240 3240 3240 3240"),
    candle(1, "3240 3240 3240 3240"),
    candle(2, "3240 3240 3240 3240"),
    candle(3, "3240 3300 3240 3300"),
    *(candle(minute, "3300 3300 3300 3300") for minute in range(4, 14)),
]
"""A first buy at 3240, its sale at a profit in minute 3, and five minutes later another buy."""


def changed(config: BotConfig, **fields: Any) -> BotConfig:
    return BotConfig.model_validate(config.model_dump(by_alias=True) | fields)


async def run_to(rig: BotRig, minute: int) -> BotReport:
    """Consume the candles before a minute."""
    assert rig.parts is not None
    rig.central.market_time = rig.central.candles[minute].time
    await rig.run()
    return rig.parts.bot.report()


async def holding(make_rig: MakeRig, strategy: dict[str, Any] = STAGED, **fields: Any) -> BotRig:
    """Return a bot that holds coin of the old market and is asked to trade the new one."""
    rig = make_rig(make_config(strategy, **fields), list(RISES))
    rig.start()
    assert (await run_to(rig, 2)).position.amount > 0
    rig.config = changed(rig.config, symbol=NEW)
    assert rig.parts is not None
    rig.parts.bot.configure(rig.config)
    return rig


def markets(rig: BotRig) -> list[str]:
    return [row[0] for row in rig.rows("SELECT market FROM orders ORDER BY id")]


async def test_a_bot_that_holds_coin_goes_on_until_it_is_flat(make_rig: MakeRig) -> None:
    rig = await holding(make_rig)
    report = await run_to(rig, 3)
    assert (report.symbol, report.flat, report.market_cycles) == (OLD, False, 1)
    assert report.message == f"it goes on with {OLD} until it is flat, then trades {NEW}"
    assert len(report.open_orders) == 2

    report = await run_to(rig, 5)
    assert (report.symbol, report.market_cycles, report.flat) == (NEW, 0, True)
    report = await run_to(rig, 12)
    assert report.symbol == NEW
    # The next cycle has begun on the new market.
    assert (report.cycle, report.market_cycles, report.flat) == (2, 1, False)
    assert markets(rig).index(NEW) == 3
    assert set(markets(rig)[:3]) == {OLD}
    told = rig.rows("SELECT market, reason FROM decisions WHERE decision = 'MarketChanged'")
    assert told == [(NEW, f"trades {NEW}, no longer {OLD}")]


async def test_the_money_made_before_stays_in_the_books(make_rig: MakeRig) -> None:
    rig = await holding(make_rig)
    stays = make_rig(make_config(STAGED), list(RISES))
    stays.start()
    left, kept = await run_to(rig, 12), await run_to(stays, 12)

    assert left.pnl.realized == kept.pnl.realized > 0
    assert left.pnl.today == left.pnl.total
    assert (left.pnl.fees, left.budget, left.orders.filled) == (
        kept.pnl.fees,
        kept.budget,
        kept.orders.filled,
    )
    assert [o.client_id for o in left.open_orders] == [o.client_id for o in kept.open_orders]
    assert rig.rows("SELECT ts, price, volume FROM fills") == stays.rows(
        "SELECT ts, price, volume FROM fills"
    )


async def test_a_bot_that_never_bought_takes_it_up_at_once(make_rig: MakeRig) -> None:
    rig = make_rig(make_config(STAGED, state="Stopped"), list(RISES))
    rig.start()
    assert (await run_to(rig, 2)).flat
    assert rig.parts is not None
    rig.parts.bot.configure(changed(rig.config, symbol=NEW))
    await rig.parts.bot.turn()
    report = rig.parts.bot.report()
    assert (report.symbol, report.last_price, report.market_cycles) == (NEW, None, 0)
    assert report.ready.reason == "WaitingForMarket"
    report = await run_to(rig, 4)
    assert (report.symbol, report.last_price) == (NEW, D(3300))
    parts = rig.start()
    assert parts.bot.report().symbol == NEW


async def test_a_change_taken_back_in_time_changes_nothing(make_rig: MakeRig) -> None:
    rig = await holding(make_rig)
    assert rig.parts is not None
    await run_to(rig, 3)
    rig.parts.bot.configure(changed(rig.config, symbol=OLD))
    report = await run_to(rig, 12)
    assert (report.symbol, report.message, set(markets(rig))) == (OLD, "", {OLD})


async def test_money_of_another_currency_is_not_taken_along(make_rig: MakeRig) -> None:
    rig = make_rig(make_config(STAGED, state="Stopped"), list(RISES))
    rig.start()
    await run_to(rig, 2)
    assert rig.parts is not None
    rig.parts.bot.configure(changed(rig.config, symbol="USDT-BTC"))
    report = await run_to(rig, 4)
    assert report.symbol == OLD
    assert "the bot's money is in KRW" in report.message


async def test_a_grid_that_never_began_takes_another_market(make_rig: MakeRig) -> None:
    grid = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
    rig = make_rig(make_config(grid, state="Stopped"), list(RISES))
    rig.start()
    await run_to(rig, 2)
    assert rig.parts is not None
    rig.parts.bot.configure(changed(rig.config, symbol=NEW))
    assert (await run_to(rig, 4)).symbol == NEW


async def test_a_commit_that_fails_leaves_one_of_both_markets(make_rig: MakeRig) -> None:
    failed = 0
    for number in range(1, 6):
        rig = make_rig(make_config(STAGED, state="Stopped"), list(RISES))
        rig.central.market_time = RISES[2].time
        database = FullDatabase(f"sqlite:///{rig.folder / 'store.db'}", token="one")
        bot = build_bot(rig.config, database, central=rig.central).bot
        await bot.turn()
        database.fails_at = database.commits + number
        rig.central.market_time = RISES[4].time
        bot.configure(changed(rig.config, symbol=NEW))
        try:
            await bot.turn()
        except StoreError:
            failed += 1
        database.fails_at = 0
        for _ in range(2):
            await bot.turn()
        rig.central.market_time = RISES[6].time
        await bot.turn()
        report = bot.report()
        assert report.ready.ok
        assert (report.symbol, report.last_price) == (NEW, D(3300)), f"commit {number} failed"
        with database.read() as link:
            quote, last = link.execute(sa.text("SELECT quote, last FROM paper_account")).one()
            state = json.loads(link.execute(sa.text("SELECT desk FROM bot_state")).scalar_one())
        database.close()
        assert (state["market"], D(last)) == (NEW, D(3300))
        assert D(quote) == D(state["ledger"]["quote"]) == report.budget
    assert failed > 1


def walk(seed: int, minutes: int) -> list[Candle]:
    """Return a seeded random walk of candles around 3200, with some empty minutes."""
    rng = random.Random(seed)
    price, candles = 3240, []
    for minute in range(minutes):
        opened = price + rng.randint(-15, 15)
        close = opened + rng.randint(-110, 110) + (3250 - opened) // 12
        high, low = max(opened, close) + rng.randint(0, 40), min(opened, close) - rng.randint(0, 40)
        volume = "0" if rng.random() < 0.05 else "1"
        candles.append(candle(minute, f"{opened} {high} {low} {close}", volume))
        price = close
    return candles


async def changed_at(rig: BotRig, minute: int) -> None:
    """Run up to a minute, and ask for the other market."""
    rig.start()
    await run_to(rig, minute)
    rig.config = changed(rig.config, symbol=NEW)
    rig.central.market_time = None


async def test_a_kill_at_any_commit_of_a_change_leaves_one_of_both_markets(
    make_rig: MakeRig,
) -> None:
    candles = walk(4, 45)
    config = make_config({"staged": {**STAGED["staged"], "stopLossPercent": "2"}})
    undisturbed = make_rig(config, candles)
    await changed_at(undisturbed, 12)
    undisturbed.start()
    await undisturbed.run()
    want = undisturbed.outcome() | {"markets": markets(undisturbed)}
    assert want["markets"][0] == OLD
    assert want["markets"][-1] == NEW
    rng = random.Random(4)
    # The first commit of a start takes the store over.
    for point in range(1, undisturbed.commits + 1):
        rig = make_rig(config, candles, page=rng.choice([1, 7, 500]))
        await changed_at(rig, 12)
        rig.start(dies_at=point, after=rng.random() < 0.5)
        with contextlib.suppress(Killed):
            await rig.run()
        rig.start(dies_at=rng.randint(1, 5), after=rng.random() < 0.5)
        with contextlib.suppress(Killed):
            await rig.run()
        rig.start()
        await rig.run()
        found = rig.outcome() | {"markets": markets(rig)}
        assert found == want, f"killed at commit {point}"
        rig.close()
