"""What may be ordered, and which limits stop new risk.

Two parts: the order guard looks at one order before it is sent; the limits look at the equity once
a minute and latch. Exits (sells) and cancels are let through even when a limit is tripped.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from dantaro_crds.v1alpha1.common import RiskLimits

__all__ = [
    "DRAWDOWN",
    "RISK_ZONE",
    "TRIP_COOLDOWN",
    "RiskState",
    "Trip",
    "clear",
    "has_day_changed",
    "may_enter",
    "risk_day",
    "roll_day",
    "sample",
    "with_flow",
]

RISK_ZONE = timezone(timedelta(hours=9), "Asia/Seoul")
"""Zone of the trading day: UTC+9 without summer time."""

TRIP_COOLDOWN = timedelta(minutes=15)
"""Pause of entries after a daily-loss trip has ended."""

DRAWDOWN = "MaxDrawdown"
"""Reason of a trip that only a person's reset clears."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A limit that was reached.

    Attributes:
        reason: PascalCase code.
        message: One sentence with measured value and limit.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskState:
    """What the limits remember; stored, so that a restart sees a latch.

    Attributes:
        day: Trading day in Asia/Seoul; None before the first.
        start_equity: Equity at the start of the day, or the budget when the bot started in it.
        start_realized: Realised profit at the start of the day, quote currency.
        flows: Money put in or taken out since then.
        peak: Highest equity, flows adjusted.
        trip: The latched limit.
        cooldown_until: Market time until which entries pause after a trip.
    """

    day: date | None = None
    start_equity: Decimal = Decimal(0)
    start_realized: Decimal = Decimal(0)
    flows: Decimal = Decimal(0)
    peak: Decimal = Decimal(0)
    trip: Trip | None = None
    cooldown_until: datetime | None = None


def risk_day(time: datetime) -> date:
    """Return the trading day of a market time: 15:00 UTC starts the next one."""
    return time.astimezone(RISK_ZONE).date()


def has_day_changed(state: RiskState, time: datetime) -> bool:
    """Return whether a market time lies in a later trading day than the state's."""
    return state.day is None or risk_day(time) > state.day


def may_enter(state: RiskState, limits: RiskLimits, time: datetime) -> bool:
    """Return whether the limits, latches apart, leave room for new entries.

    Not while the day's loss is limited and cannot be told, and not while a pause after a trip runs;
    a clock set back never makes the pause longer.
    """
    is_limited = limits.max_daily_loss is not None or limits.max_daily_loss_percent is not None
    if is_limited and has_day_changed(state, time):
        return False
    until = state.cooldown_until
    return until is None or not until - TRIP_COOLDOWN <= time < until


def roll_day(state: RiskState, *, time: datetime, equity: Decimal, realized: Decimal) -> RiskState:
    """Return the state at the start of the day that holds `time`.

    A daily-loss trip ends with its day and is followed by a cool-down; a drawdown trip stays.

    Args:
        state: As of the day before.
        time: First market time of the new day that is looked at.
        equity: Quote and base after all fills before the day, at the last price known before it.
        realized: Realised profit up to then, quote currency.
    """
    ended = state.trip is not None and state.trip.reason != DRAWDOWN
    return replace(
        state,
        day=risk_day(time),
        start_equity=equity,
        start_realized=realized,
        flows=Decimal(0),
        peak=max(state.peak, equity),
        trip=None if ended else state.trip,
        cooldown_until=time.astimezone(UTC) + TRIP_COOLDOWN if ended else state.cooldown_until,
    )


def with_flow(state: RiskState, *, amount: Decimal, equity: Decimal) -> RiskState:
    """Return the state after money was put in (> 0) or taken out (< 0), which is no profit or loss.

    Args:
        state: Before the flow.
        amount: Quote currency.
        equity: Equity before the flow.
    """
    peak = state.peak * (equity + amount) / equity if equity > 0 else equity + amount
    return replace(state, flows=state.flows + amount, peak=peak)


def sample(
    state: RiskState, limits: RiskLimits, *, equity: Decimal, realized: Decimal
) -> RiskState:
    """Return the state after one look at the equity; a limit that is reached latches."""
    if equity > state.peak:
        state = replace(state, peak=equity)
    if state.trip is not None:
        return state
    trip = _daily_loss(state, limits, equity, realized=realized) or _drawdown(state, limits, equity)
    return state if trip is None else replace(state, trip=trip)


def clear(state: RiskState, *, time: datetime, equity: Decimal) -> RiskState:
    """Return the state after a person's reset: the drawdown counts anew, the day's loss stays."""
    return replace(
        state,
        trip=None,
        peak=equity,
        cooldown_until=time + TRIP_COOLDOWN if state.trip is not None else state.cooldown_until,
    )


def _daily_loss(
    state: RiskState, limits: RiskLimits, equity: Decimal, *, realized: Decimal
) -> Trip | None:
    bounds = [
        limit
        for limit in (
            limits.max_daily_loss,
            limits.max_daily_loss_percent
            and state.start_equity * limits.max_daily_loss_percent / 100,
        )
        if limit is not None
    ]
    if not bounds:
        return None
    limit = min(bounds)
    in_equity = max(Decimal(0), state.start_equity + state.flows - equity)
    in_realized = max(Decimal(0), state.start_realized - realized)
    loss = max(in_equity, in_realized)
    if not loss or loss < limit:
        return None
    return Trip(
        reason="DailyLoss",
        message=f"the loss of {state.day} is {loss:.2f}, the limit {limit:.2f}: no new entries "
        "until the next day (Asia/Seoul)",
    )


def _drawdown(state: RiskState, limits: RiskLimits, equity: Decimal) -> Trip | None:
    if limits.max_drawdown_percent is None or state.peak <= 0:
        return None
    fall = 100 * (1 - equity / state.peak)
    if fall < limits.max_drawdown_percent:
        return None
    return Trip(
        reason=DRAWDOWN,
        message=f"the equity is {fall:.2f} % below its peak, the limit is "
        f"{limits.max_drawdown_percent} %: no new entries until a reset",
    )
