"""What a running bot does when its configuration changes."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.errors import SafetyError
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState
from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import BotRig, candle, make_config

pytestmark = pytest.mark.integration

D = Decimal
GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
FLAT = [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3240 3240 3240")]


def changed(config: BotConfig, **fields: Any) -> BotConfig:
    return BotConfig.model_validate(config.model_dump(by_alias=True) | fields)


async def started(make_rig: MakeRig, config: BotConfig, candles: list[Any] | None = None) -> BotRig:
    rig = make_rig(config, candles or list(FLAT))
    rig.start()
    await rig.run()
    return rig


async def turned(rig: BotRig, **fields: Any) -> BotReport:
    """Return the report after a changed configuration and a turn."""
    assert rig.parts is not None
    rig.config = changed(rig.config, **fields)
    rig.parts.bot.configure(rig.config)
    await rig.parts.bot.turn()
    return rig.parts.bot.report()


def sides(report: BotReport) -> list[str]:
    return [f"{order.side} {order.price}" for order in report.open_orders]


FIVE = ["Sell 3500", "Sell 3400", "Sell 3300", "Buy 3100", "Buy 3000"]


async def test_a_fresh_grid_reports_its_orders_and_books(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert sides(report) == FIVE
    assert (report.engine_state, report.strategy_state) == (EngineState.RUNNING, "Running")
    assert report.position.amount == D("189.53860617")
    assert report.pnl.total == report.pnl.realized + report.pnl.unrealized
    assert report.caught_up
    assert report.ready.ok


async def test_stopped_cancels_all_and_keeps_the_position(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    report = await turned(rig, state="Stopped")
    assert (sides(report), report.engine_state) == ([], EngineState.IDLE)
    assert report.position.amount == D("189.53860617")
    again = await turned(rig, state="Stopped")
    assert again.orders == report.orders
    report = await turned(rig, state="Running")
    assert sides(report) == FIVE
    assert report.position.amount == D("189.53860617")


async def test_stopped_survives_a_restart(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    await turned(rig, state="Stopped")
    parts = rig.start()
    await parts.bot.turn()
    assert sides(parts.bot.report()) == []


async def test_halt_cancels_entries_and_keeps_exits(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    report = await turned(rig, halt=True)
    assert sides(report) == ["Sell 3500", "Sell 3400", "Sell 3300"]
    assert (report.halted.ok, report.halted.reason) == (False, "AllocationHalted")
    report = await turned(rig, halt=False)
    assert sides(report) == FIVE


async def test_a_raised_budget_is_a_flow_and_no_profit(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    report = await turned(rig, budget="1500000")
    assert (report.budget, report.equity) == (D(1_500_000), D("1499692.9474580046"))
    assert report.pnl.total == D("-307.0525419954")
    assert sides(report) == FIVE


async def test_a_cut_takes_only_what_is_free(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID, budget="1000000"))
    await turned(rig, budget="1200000")
    report = await turned(rig, budget="900000")
    assert D(999_999) < report.budget < D(1_000_001)
    assert "900000" in report.message
    await turned(rig, state="Stopped")
    report = await turned(rig, state="Stopped")
    assert report.budget == D(900_000)


async def test_a_cut_leaves_the_money_of_halted_buys_alone(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    await turned(rig, budget="900000")
    await turned(rig, budget="900000", halt=True)
    await turned(rig, budget="900000", halt=True)
    assert sides(await turned(rig, budget="900000", halt=False)) == FIVE


async def test_a_new_cycle_uses_no_more_than_the_cut_budget(make_rig: MakeRig) -> None:
    candles = [candle(n, "3240 3240 3240 3240") for n in range(6)]
    rig = make_rig(make_config(GRID), candles, market_time=candles[2].time)
    rig.start()
    await rig.run()
    await turned(rig, budget="600000")
    rig.central.market_time = None
    new = {"grid": {"lowerPrice": "3000", "upperPrice": "3600", "grids": 3}}
    report = await turned(rig, strategy=new)
    assert report.cycle == 2
    # Of 600,000: 63 a cell; of the million that is still bound it would be 105.
    assert [o.volume for o in report.open_orders if o.side == "Buy"] < [D(70)]


@pytest.mark.parametrize(
    ("drain", "orders", "amount"),
    [
        pytest.param("CancelOrders", [], "189.53860617", id="cancel-orders"),
        pytest.param("Flatten", [], "0", id="flatten"),
        pytest.param("Retain", FIVE, "189.53860617", id="retain"),
    ],
)
async def test_drain(make_rig: MakeRig, drain: str, orders: list[str], amount: str) -> None:
    rig = await started(make_rig, make_config(GRID))
    report = await turned(rig, drain=drain)
    assert (sides(report), report.position.amount) == (orders, D(amount))
    assert report.drained


async def test_drain_of_a_bot_that_never_saw_a_candle(make_rig: MakeRig) -> None:
    rig = make_rig(make_config(GRID, drain="Flatten"), list(FLAT), market_time=FLAT[0].time)
    parts = rig.start()
    await parts.bot.turn()
    assert parts.bot.report().drained


async def test_new_bounds_end_the_cycle_and_keep_the_coin(make_rig: MakeRig) -> None:
    candles = [candle(n, "3240 3240 3240 3240") for n in range(6)]
    rig = make_rig(make_config(GRID), candles, market_time=candles[2].time)
    rig.start()
    await rig.run()
    rig.central.market_time = None
    new = {"grid": {"lowerPrice": "3100", "upperPrice": "3400", "grids": 3}}
    report = await turned(rig, strategy=new)
    assert report.cycle == 2
    assert {order.price for order in report.open_orders} <= {D(3100), D(3200), D(3300), D(3400)}
    assert len(report.open_orders) == 3


async def test_a_refused_change_keeps_the_old_grid(make_rig: MakeRig) -> None:
    candles = [candle(n, "3240 3240 3240 3240") for n in range(6)]
    rig = make_rig(make_config(GRID), candles, market_time=candles[2].time)
    rig.start()
    await rig.run()
    rig.central.market_time = None
    report = await turned(
        rig, strategy={"grid": {"lowerPrice": "3200", "upperPrice": "3250", "grids": 50}}
    )
    assert sides(report) == FIVE
    assert report.message


async def test_stop_loss_then_reset_starts_a_new_cycle(make_rig: MakeRig) -> None:
    grid = {"grid": {**GRID["grid"], "stopLoss": "2950"}}
    candles = [
        candle(0, "3240 3240 3240 3240"),
        candle(1, "3240 3240 2900 2900"),
        candle(2, "3240 3240 3240 3240"),
        candle(3, "3240 3240 3240 3240"),
    ]
    rig = make_rig(make_config(grid), candles, market_time=candles[2].time)
    rig.start()
    await rig.run()
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert (report.strategy_state, sides(report)) == ("Stopped", [])
    assert (report.ready.ok, report.ready.reason) == (True, "StrategyStopped")
    assert report.pnl.grid is not None
    assert report.pnl.grid.exit_result < 0
    rig.central.market_time = None
    report = await turned(rig, reset="2026-01-01T00:10:00Z")
    assert (report.cycle, report.strategy_state) == (2, "Running")
    assert report.last_reset == "2026-01-01T00:10:00Z"


async def test_daily_loss_stops_entries_and_says_so(make_rig: MakeRig) -> None:
    candles = [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3240 3050 3050")]
    candles.append(candle(2, "3050 3050 3050 3050"))
    rig = await started(make_rig, make_config(GRID, risk={"maxDailyLoss": "20000"}), candles)
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert all(order.side == "Sell" for order in report.open_orders)
    assert report.halted.reason == "DailyLoss"


async def test_a_reset_does_not_zero_the_loss_of_the_day(make_rig: MakeRig) -> None:
    candles = [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3240 3050 3050")]
    candles.append(candle(2, "3050 3050 3050 3050"))
    rig = await started(make_rig, make_config(GRID, risk={"maxDailyLoss": "20000"}), candles)
    report = await turned(rig, reset="again")
    assert report.halted.reason == "DailyLoss"
    assert all(order.side == "Sell" for order in report.open_orders)


async def test_an_accepted_loss_lets_entries_out_again_after_its_pause(make_rig: MakeRig) -> None:
    candles = [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3240 3050 3050")]
    candles += [candle(minute, "3050 3050 3050 3050") for minute in range(2, 40)]
    accepting = make_config(GRID, risk={"maxDailyLoss": "20000"}, acceptLoss="2026-01-01")
    rig = make_rig(changed(accepting, acceptLoss=None), candles, market_time=candles[4].time)
    rig.start()
    await rig.run()
    assert rig.parts is not None
    lost = rig.parts.bot.report().pnl.today
    rig.central.market_time = candles[10].time
    report = await turned(rig, acceptLoss="2025-12-31")
    assert report.halted.reason == "DailyLoss"
    rig.central.market_time = candles[18].time
    report = await turned(rig, acceptLoss="2026-01-01")
    assert (report.halted.ok, report.pnl.today) == (True, lost)
    assert all(order.side == "Sell" for order in report.open_orders)
    rig.start()
    rig.central.market_time = None
    await rig.run()
    assert rig.parts is not None
    assert "Buy 3000" in sides(rig.parts.bot.report())
    told = rig.rows("SELECT level, message FROM engine_events WHERE reason = 'LossAccepted'")
    assert [(level, "the limit 20000.00" in text) for level, text in told] == [("Warning", True)]


async def test_entries_pause_after_the_day_of_a_daily_loss(make_rig: MakeRig) -> None:
    flat = "3050 3050 3050 3050"
    candles = [candle(896, "3240 3240 3240 3240"), candle(897, "3240 3240 3050 3050")]
    candles += [candle(minute, flat) for minute in range(898, 916)]
    rig = make_rig(
        make_config(GRID, risk={"maxDailyLoss": "20000"}), candles, market_time=candles[-1].time
    )
    rig.start()
    await rig.run()
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert report.halted.ok
    assert all(order.side == "Sell" for order in report.open_orders)
    rig.central.market_time = None
    await rig.run()
    assert "Buy 3000" in sides(rig.parts.bot.report())


@pytest.mark.parametrize(
    "limit", [pytest.param("100000", id="less"), pytest.param("600000", id="little-less")]
)
async def test_the_report_says_what_the_guard_holds_back(make_rig: MakeRig, limit: str) -> None:
    candles = [candle(minute, "3240 3240 3240 3240") for minute in range(9)]
    rig = make_rig(make_config(GRID, risk={"maxOrderValue": limit}), candles)
    rig.start()
    await rig.run()
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert f"must be at most {limit}" in report.message
    assert report.ready.message == report.message
    told = rig.rows("SELECT COUNT(*) FROM engine_events WHERE reason = 'OrderRefused'")
    assert told == [(1,)]


async def test_an_error_cancels_all_own_orders_without_a_new_candle(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    assert rig.parts is not None
    await rig.parts.bot.fail(SafetyError("something cannot be explained"))
    await rig.parts.bot.turn()
    report = rig.parts.bot.report()
    assert (sides(report), report.engine_state) == ([], EngineState.ERROR)
    assert report.position.amount == D("189.53860617")


async def test_the_market_of_a_bot_cannot_change(make_rig: MakeRig) -> None:
    rig = await started(make_rig, make_config(GRID))
    report = await turned(rig, symbol="KRW-BTC")
    assert report.symbol == "KRW-XRP"
    assert "cannot change" in report.message
    assert sides(report) == FIVE


async def test_a_day_that_starts_while_a_live_bot_is_away_starts_with_its_own_price(
    make_rig: MakeRig,
) -> None:
    # A day starts at minute 900 (15:00 UTC); the bot is away from 896 to 906.
    candles = [candle(minute, "3240 3240 3240 3240") for minute in range(894, 899)]
    candles += [candle(899, "3240 3240 3230 3230"), candle(900, "3230 3230 3150 3150")]
    candles += [candle(minute, "3150 3150 3150 3150") for minute in range(901, 912)]
    config = make_config(GRID, startTime=candles[0].time.isoformat())
    rig = make_rig(config, candles, live=True, market_time=candles[2].time)
    rig.start()
    await rig.run()
    assert rig.parts is not None
    held = rig.parts.bot.report().position.amount
    quote = rig.parts.desk.desk.ledger.quote
    rig.central.market_time = candles[14].time
    rig.start()
    await rig.run()
    assert rig.parts is not None
    risk = rig.parts.desk.desk.risk
    assert (risk.day, risk.start_equity) == (date(2026, 1, 2), quote + held * 3230)
    assert rig.parts.bot.report().pnl.today == -held * 80


async def test_candles_missed_by_a_live_bot_fill_orders_and_call_nobody(make_rig: MakeRig) -> None:
    candles = [candle(n, "3240 3240 3240 3240") for n in range(3)]
    candles += [candle(3, "3240 3240 3090 3230"), candle(4, "3230 3310 3230 3240")]
    candles += [candle(n, "3240 3240 3240 3240") for n in range(5, 12)]
    rig = make_rig(make_config(GRID), candles, live=True, market_time=candles[1].time)
    rig.config = changed(rig.config, startTime=candles[0].time.isoformat())
    rig.start()
    await rig.run()
    rig.central.market_time = candles[10].time
    rig.start()
    await rig.run()
    fills = rig.rows("SELECT ts, side, price FROM fills ORDER BY id")
    # The buy at 3100 and the sell at 3300 filled while away; the counter-sell at 3200 came later.
    assert fills[1:4] == [
        ("2026-01-01T00:03:30Z", "Buy", "3100"),
        ("2026-01-01T00:04:30Z", "Sell", "3300"),
        ("2026-01-01T00:07:00Z", "Sell", "3240"),
    ]
