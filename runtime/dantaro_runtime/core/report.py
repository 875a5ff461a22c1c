"""Desk to the report that `/status` gives: pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from dantaro_crds.v1alpha1.common import DeletionPolicy
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import (
    BotReport,
    EngineState,
    Fact,
    GridPnl,
    OpenOrder,
    OrderCounts,
    Pnl,
    Position,
)
from dantaro_runtime.core.departure import is_flat, is_sold_out
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.orders import OrderState

__all__ = ["FINE", "NOT_ASKED", "Surroundings", "build_report", "is_drained"]

FINE = Fact(ok=True, reason="Fine", message="")
"""All is well."""

NOT_ASKED = Fact(ok=False, reason="NotAskedYet", message="it was not asked yet")
"""Nothing is known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the desk itself does not know.

    Attributes:
        version: Version of the software.
        heartbeat: Wall time.
        time: Market time; None before the first candle.
        last: Last price, at which coin is valued; None before the first candle.
        caught_up: Whether every candle that central has is consumed.
        source_ended: Whether there will be no more candles.
        central: Whether central answers.
        exchange: Whether the venue answers.
        reconciled: Whether every order is explained.
    """

    version: str
    heartbeat: datetime
    time: datetime | None
    last: Decimal | None
    caught_up: bool
    source_ended: bool
    central: Fact
    exchange: Fact
    reconciled: Fact


def is_drained(desk: Desk[Any], drain: DeletionPolicy | None) -> bool:
    """Return whether a requested drain is done."""
    if drain is None:
        return False
    if drain is DeletionPolicy.RETAIN:
        return True
    if len(desk.orders):
        return False
    if drain is DeletionPolicy.CANCEL_ORDERS:
        return True
    return is_sold_out(desk)


def build_report(desk: Desk[Any], config: BotConfig, around: Surroundings) -> BotReport:
    """Return the bot as it sees itself."""
    state = desk.desk
    last = around.last or Decimal(0)
    halted = _halted(desk, config)
    return BotReport(
        kind=config.kind,
        namespace=config.namespace,
        name=config.name,
        uid=config.uid,
        version=around.version,
        observed_generation=config.generation,
        engine_state=state.engine,
        strategy=desk.strategy.name,
        strategy_state=desk.strategy.phase(desk.state),
        cycle=desk.strategy.cycle(desk.state),
        symbol=config.symbol,
        flat=is_flat(desk),
        market_cycles=desk.strategy.cycle(desk.state) - state.market_since,
        mode=config.mode,
        budget=state.ledger.contributed,
        equity=state.ledger.equity(last),
        position=_position(desk, last),
        pnl=_pnl(desk, last),
        orders=OrderCounts(
            open=sum(order.state is OrderState.OPEN for order in desk.orders),
            filled=state.filled,
            rejected=state.rejected,
        ),
        open_orders=_open_orders(desk),
        last_price=around.last,
        market_time=around.time,
        caught_up=around.caught_up,
        source_ended=around.source_ended,
        heartbeat_time=around.heartbeat,
        last_trade_time=state.last_trade,
        analysis_time=desk.analysis.data_until if desk.analysis else None,
        last_decision=state.last_decision or None,
        last_reset=state.last_reset,
        drained=is_drained(desk, config.drain),
        message=_message(desk, config, around),
        central=around.central,
        exchange=around.exchange,
        reconciled=around.reconciled,
        halted=halted,
        ready=_ready(desk, around, halted, drain=config.drain),
    )


def _position(desk: Desk[Any], last: Decimal) -> Position:
    base = desk.desk.ledger.base
    return Position(
        amount=base,
        average_price=(desk.book.cost / base).quantize(Decimal("1e-8")) if base else None,
        value=base * last,
    )


def _pnl(desk: Desk[Any], last: Decimal) -> Pnl:
    ledger, risk, book = desk.desk.ledger, desk.desk.risk, desk.book
    equity = ledger.equity(last)
    start = risk.start_equity + risk.flows if risk.day is not None else ledger.contributed
    grid = book.grid and GridPnl(
        grid_profit=book.grid.grid_profit,
        initial_stock_gain=book.grid.initial_stock_gain,
        exit_result=book.grid.exit_result,
    )
    return Pnl(
        total=equity - ledger.contributed,
        realized=book.realized,
        unrealized=ledger.base * last - book.cost,
        today=equity - start,
        fees=ledger.fees,
        grid=grid,
    )


def _open_orders(desk: Desk[Any]) -> list[OpenOrder]:
    resting = [o for o in desk.orders if o.state is OrderState.OPEN and o.price is not None]
    return [
        OpenOrder(
            client_id=order.client_id,
            side=order.side.value,
            price=order.price or Decimal(0),
            volume=order.remaining,
        )
        for order in sorted(resting, key=lambda o: o.price or Decimal(0), reverse=True)
    ]


def _halted(desk: Desk[Any], config: BotConfig) -> Fact:
    trip = desk.desk.risk.trip
    if trip is not None:
        return Fact(ok=False, reason=trip.reason, message=trip.message)
    if config.halt:
        return Fact(
            ok=False,
            reason="AllocationHalted",
            message="the Allocation's halt is on: no new entries; set spec.halt to false to go on",
        )
    if desk.lock:
        return Fact(ok=False, reason="AccountShort", message=desk.lock)
    return FINE


def _message(desk: Desk[Any], config: BotConfig, around: Surroundings) -> str:
    if desk.desk.error:
        return desk.desk.error
    for fact in (around.exchange, around.central):
        if not fact.ok:
            return fact.message
    if config.budget != desk.desk.ledger.contributed:
        return (
            f"the budget is being changed from {desk.desk.ledger.contributed:f} to "
            f"{config.budget:f}: the rest follows as orders and position free it"
        )
    return _waits_for(desk)


def _waits_for(desk: Desk[Any]) -> str:
    # An order that the guard holds back explains more than the strategy, which knows nothing of it.
    trades = desk.desk.engine is EngineState.RUNNING and not desk.strategy.is_stopped(desk.state)
    return (trades and desk.gate.message) or desk.strategy.message(desk.state)


def _ready(
    desk: Desk[Any], around: Surroundings, halted: Fact, *, drain: DeletionPolicy | None
) -> Fact:
    state = desk.desk
    if state.engine is EngineState.ERROR:
        return Fact(ok=False, reason="Error", message=state.error)
    for fact in (around.exchange, around.central, around.reconciled):
        if not fact.ok:
            return fact
    if not halted.ok:
        return halted
    if around.last is None:
        return Fact(ok=False, reason="WaitingForMarket", message="no candle was seen yet")
    message = _waits_for(desk)
    if desk.strategy.is_stopped(desk.state):
        return Fact(ok=True, reason="StrategyStopped", message=message)
    if state.engine is EngineState.RUNNING:
        return Fact(ok=True, reason="Running", message=message)
    return _stopping(desk, drain)


def _stopping(desk: Desk[Any], drain: DeletionPolicy | None) -> Fact:
    """Return what a bot that is not to trade is still doing."""
    if drain is DeletionPolicy.FLATTEN and not is_drained(desk, drain):
        sells = f"it sells what it holds; {len(desk.orders)} of its orders rest"
        return Fact(ok=True, reason="Stopping", message=sells)
    if desk.desk.engine is EngineState.STOPPING:
        cancels = f"{len(desk.orders)} of its orders are being cancelled"
        return Fact(ok=True, reason="Stopping", message=cancels)
    return Fact(ok=True, reason="Stopped", message="all own orders are cancelled")
