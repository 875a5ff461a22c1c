"""Which limits stop new risk: the loss of a day and the fall from the peak.

They look at the equity once a minute and latch. Exits (sells) and cancels are let through even when
a limit is tripped; what a single order may be is in `order_guard.py`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.values import utc_text
from dantaro_runtime.core.strategies.protocol import Level, Note

__all__ = [
    "DAILY_LOSS",
    "DRAWDOWN",
    "ORDER_FAILURES",
    "REMIND_EVERY",
    "RISK_ZONE",
    "TRIP_COOLDOWN",
    "Baseline",
    "Look",
    "RiskState",
    "Trip",
    "accept",
    "clear",
    "daily_limit",
    "daily_loss",
    "day_start",
    "has_day_changed",
    "look_at_limits",
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

REMIND_EVERY = timedelta(hours=6)
"""Market time after which people are told again of a limit that is still latched."""

DAILY_LOSS = "DailyLoss"
"""Reason of a trip that ends with its day."""

DRAWDOWN = "MaxDrawdown"
"""Reason of a trip that only a person's reset clears."""

ORDER_FAILURES = "OrderFailures"
"""Likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A limit that was reached.

    Attributes:
        reason: PascalCase code.
        message: One sentence with measured value and limit.
        since: Market time at which it latched; None in a store of before this was kept.
    """

    reason: str
    message: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the loss of a day is counted from.

    Attributes:
        day: Trading day in Asia/Seoul.
        equity: Equity then, quote currency.
        realized: Realised profit up to then, quote currency.
        flows: Money put in or taken out since the start of the day, up to then.
    """

    day: date | None
    equity: Decimal
    realized: Decimal
    flows: Decimal = Decimal(0)


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
        told: Market time at which people were last told of the latched limit.
        accepted: Baseline of the last day whose loss a person accepted. The day's own figures
            (start, profit of the day) stay as they are.
    """

    day: date | None = None
    start_equity: Decimal = Decimal(0)
    start_realized: Decimal = Decimal(0)
    flows: Decimal = Decimal(0)
    peak: Decimal = Decimal(0)
    trip: Trip | None = None
    cooldown_until: datetime | None = None
    told: datetime | None = None
    accepted: Baseline | None = None

    @property
    def baseline(self) -> Baseline:
        """What the loss of the present day is counted from."""
        if self.accepted is not None and self.accepted.day == self.day:
            return self.accepted
        return Baseline(day=self.day, equity=self.start_equity, realized=self.start_realized)


def risk_day(time: datetime) -> date:
    """Return the trading day of a market time: 15:00 UTC starts the next one."""
    return time.astimezone(RISK_ZONE).date()


def day_start(time: datetime) -> datetime:
    """Return the first instant of the trading day of a market time, UTC."""
    midnight = datetime.combine(risk_day(time), datetime.min.time(), RISK_ZONE)
    return midnight.astimezone(UTC)


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

    A daily-loss trip ends with its day and is followed by a cool-down; any other stays.

    Args:
        state: As of the day before.
        time: First market time of the new day that is looked at.
        equity: Quote and base after all fills before the day, at the last price known before it.
        realized: Realised profit up to then, quote currency.
    """
    ended = state.trip is not None and state.trip.reason == DAILY_LOSS
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
    state: RiskState, limits: RiskLimits, *, time: datetime, equity: Decimal, realized: Decimal
) -> RiskState:
    """Return the state after one look at the equity; a limit that is reached latches."""
    if equity > state.peak:
        state = replace(state, peak=equity)
    if state.trip is not None:
        return state
    trip = _day(state, limits, equity, realized=realized) or _drawdown(state, limits, equity)
    return state if trip is None else replace(state, trip=replace(trip, since=time), told=time)


def clear(state: RiskState, *, time: datetime, equity: Decimal) -> RiskState:
    """Return the state after a person's reset: the drawdown counts anew, the day's loss stays."""
    return replace(
        state,
        trip=None,
        peak=equity,
        cooldown_until=time + TRIP_COOLDOWN if state.trip is not None else state.cooldown_until,
    )


def accept(state: RiskState, *, time: datetime, equity: Decimal, realized: Decimal) -> RiskState:
    """Return the state after a person accepted the day's loss: it counts anew from here.

    A daily-loss trip ends and is followed by a cool-down; any other stays.
    """
    ended = state.trip is not None and state.trip.reason == DAILY_LOSS
    return replace(
        state,
        accepted=Baseline(day=state.day, equity=equity, realized=realized, flows=state.flows),
        trip=None if ended else state.trip,
        cooldown_until=time + TRIP_COOLDOWN if ended else state.cooldown_until,
    )


def daily_loss(state: RiskState, *, equity: Decimal, realized: Decimal) -> Decimal:
    """Return the day's loss so far, the larger of its two forms, quote currency, >= 0."""
    start = state.baseline
    in_equity = start.equity + state.flows - start.flows - equity
    return max(Decimal(0), in_equity, start.realized - realized)


def daily_limit(state: RiskState, limits: RiskLimits) -> Decimal | None:
    """Return the loss at which the day's limit trips, quote currency; None without a limit."""
    percent = limits.max_daily_loss_percent
    bounds = (limits.max_daily_loss, percent and state.baseline.equity * percent / 100)
    return min((bound for bound in bounds if bound is not None), default=None)


def _day(
    state: RiskState, limits: RiskLimits, equity: Decimal, *, realized: Decimal
) -> Trip | None:
    limit = daily_limit(state, limits)
    if limit is None:
        return None
    loss = daily_loss(state, equity=equity, realized=realized)
    if not loss or loss < limit:
        return None
    again = " since a loss was accepted" if state.baseline is state.accepted else ""
    return Trip(
        reason=DAILY_LOSS,
        message=f"the loss of {state.day}{again} is {loss:.2f}, the limit {limit:.2f}: no new "
        "entries until the next day (Asia/Seoul)",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at the limits led to.

    Attributes:
        risk: What the limits remember from now on.
        notes: What people are told, in order; stored with `risk`.
        has_tripped: Whether a limit latched just now.
    """

    risk: RiskState
    notes: tuple[Note, ...] = ()
    has_tripped: bool = False


def look_at_limits(
    state: RiskState,
    limits: RiskLimits,
    *,
    accepted: date | None,
    time: datetime,
    equity: Decimal,
    realized: Decimal,
) -> Look:
    """Return what one look at the equity leads to. Twice is as once.

    Args:
        state: Before it.
        limits: Limits in force.
        accepted: Trading day whose loss a person accepts; None if none. Any but the present day is
            left alone, and so is one that was accepted before.
        time: Market time.
        equity: Equity now, quote currency.
        realized: Realised profit now, quote currency.
    """
    notes: list[Note] = []
    risk = state
    if _is_to_be_accepted(risk, accepted, time):
        notes.append(_accepted(risk, limits, equity=equity, realized=realized))
        risk = accept(risk, time=time, equity=equity, realized=realized)
    before = risk.trip
    risk = sample(risk, limits, time=time, equity=equity, realized=realized)
    trip = risk.trip
    if trip is None:
        return Look(risk=risk, notes=tuple(notes))
    if before is None:
        notes.append(Note(reason=trip.reason, message=trip.message, level=Level.WARNING))
    elif risk.told is None:
        # Latched by a version that did not keep when: what is due is counted from here.
        risk = replace(risk, told=time)
    elif time - risk.told >= REMIND_EVERY:
        since = f" since {utc_text(trip.since)}" if trip.since is not None else ""
        words = f"still latched{since}: {trip.message}"
        notes.append(Note(reason=trip.reason, message=words, level=Level.WARNING))
        risk = replace(risk, told=time)
    return Look(risk=risk, notes=tuple(notes), has_tripped=before is None)


def _is_to_be_accepted(state: RiskState, day: date | None, time: datetime) -> bool:
    if day is None or not day == state.day == risk_day(time):
        return False
    return state.accepted is None or state.accepted.day != day


def _accepted(state: RiskState, limits: RiskLimits, *, equity: Decimal, realized: Decimal) -> Note:
    loss = daily_loss(state, equity=equity, realized=realized)
    limit = daily_limit(state, limits)
    bound = f"the limit {limit:.2f}" if limit is not None else "without a limit"
    return Note(
        reason="LossAccepted",
        message=f"a person accepted the loss of {state.day}: it was {loss:.2f}, {bound}; the "
        f"day's loss counts anew from an equity of {equity:.2f}",
        level=Level.WARNING,
    )
