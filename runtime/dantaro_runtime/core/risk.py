"""What may be ordered, and which limits stop new risk.

Two parts: the order guard looks at one order before it is sent; the limits look at the equity once
a minute and latch. Exits (sells) and cancels are let through even when a limit is tripped.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

from dantaro_crds.v1alpha1.common import DeletionPolicy, RiskLimits
from dantaro_crds.venues import VenueRules
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.orders import Intent, OrderType, Side

__all__ = [
    "DRAWDOWN",
    "RISK_ZONE",
    "TRIP_COOLDOWN",
    "Exposure",
    "Permit",
    "Refusal",
    "RiskState",
    "Trip",
    "Wishes",
    "check_order",
    "clamp",
    "clear",
    "decide_permit",
    "has_day_changed",
    "next_engine_state",
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


class Permit(StrEnum):
    """What may stand at the venue now."""

    ALL = "All"
    """Entries and exits."""
    KEEP_ENTRIES = "KeepEntries"
    """No new entries; those that rest may stay."""
    EXITS_ONLY = "ExitsOnly"
    """Entries are cancelled."""
    NOTHING = "Nothing"
    """Every own order is cancelled."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the bot owns and has committed, for the order guard.

    Attributes:
        ledger: Own money.
        last: Last price, quote currency.
        open_buys: Σ remaining x price of live buys, fee included, quote currency.
        open_buy_volume: Σ remaining of live buys, base currency.
        open_sells: Σ remaining of live sells, base currency.
        cost: Cost of the base held, quote currency.
        placed_last_minute: Orders placed in the last minute of market time.
        orders_per_minute: Default rate limit.
        permit: What may stand at the venue.
    """

    ledger: Ledger
    last: Decimal
    open_buys: Decimal
    open_buy_volume: Decimal
    open_sells: Decimal
    cost: Decimal
    placed_last_minute: int
    orders_per_minute: int
    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an order may not be sent.

    Attributes:
        guard: PascalCase name of the check.
        message: One sentence with measured value and limit.
    """

    guard: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the configuration asks for.

    Attributes:
        running: Whether to trade; else all own orders are cancelled, the position stays.
        halt: Kill switch: entries are cancelled, exits stay.
        drain: What to carry out because the bot is being deleted.
    """

    running: bool = False
    halt: bool = False
    drain: DeletionPolicy | None = None

    @property
    def trading(self) -> bool:
        """Whether the engine should run."""
        return self.running and self.drain is None


def decide_permit(wishes: Wishes, *, engine: EngineState, tripped: bool, is_fresh: bool) -> Permit:
    """Return what may stand at the venue.

    Args:
        wishes: What the configuration asks for.
        engine: State of the engine.
        tripped: Whether a limit is latched.
        is_fresh: Whether the analysis may be acted on.
    """
    if wishes.drain is DeletionPolicy.FLATTEN and engine is not EngineState.ERROR:
        return Permit.EXITS_ONLY
    if not wishes.trading or engine is not EngineState.RUNNING:
        return Permit.NOTHING
    if wishes.halt or tripped:
        return Permit.EXITS_ONLY
    return Permit.ALL if is_fresh else Permit.KEEP_ENTRIES


def next_engine_state(engine: EngineState, wishes: Wishes, *, live_orders: int) -> EngineState:
    """Return the engine's state; ERROR is left by a reset only."""
    if engine is EngineState.ERROR:
        return engine
    if wishes.trading:
        return EngineState.RUNNING
    return EngineState.STOPPING if live_orders else EngineState.IDLE


def risk_day(time: datetime) -> date:
    """Return the trading day of a market time: 15:00 UTC starts the next one."""
    return time.astimezone(RISK_ZONE).date()


def has_day_changed(state: RiskState, time: datetime) -> bool:
    """Return whether a market time lies in a later trading day than the state's."""
    return state.day is None or risk_day(time) > state.day


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
    state = replace(state, peak=max(state.peak, equity))
    if state.trip is not None:
        return state
    return replace(
        state,
        trip=_daily_loss(state, limits, equity, realized=realized)
        or _drawdown(state, limits, equity),
    )


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
    if loss < limit:
        return None
    return Trip(
        reason="MaxDailyLoss",
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


def clamp(intent: Intent, *, last: Decimal, limits: RiskLimits, rules: VenueRules) -> Intent:
    """Return an exit whose limit is not further below the last price than the price band allows.

    An exit beyond the band is sent at the bound, never dropped.
    """
    if intent.entry or intent.price is None or intent.side is not Side.SELL:
        return intent
    bound = rules.ticks.ceil(last * (1 - limits.price_band_percent / 100))
    return replace(intent, price=bound) if intent.price < bound else intent


_Check = Callable[[Intent, Exposure, RiskLimits, VenueRules], Refusal | None]


def check_order(
    intent: Intent, exposure: Exposure, *, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    """Return why an order may not be sent; None lets it through. The first failing check wins."""
    for check in _CHECKS:
        if refusal := check(intent, exposure, limits, rules):
            return refusal
    return None


def _permit(intent: Intent, exposure: Exposure, _: RiskLimits, __: VenueRules) -> Refusal | None:
    if exposure.permit is Permit.ALL or (
        not intent.entry and exposure.permit is not Permit.NOTHING
    ):
        return None
    return Refusal(guard="Permit", message=f"orders permitted now: {exposure.permit}")


def _price_sane(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    if not exposure.last.is_finite() or exposure.last <= 0:
        return Refusal(guard="Price", message=f"the last price must be > 0, was {exposure.last}")
    if intent.price is None:
        return None
    if intent.price <= 0 or not rules.ticks.is_on_tick(intent.price):
        return Refusal(guard="Tick", message=f"the price must be on a tick, was {intent.price}")
    bound = exposure.last * (1 + limits.price_band_percent / 100)
    if intent.side is Side.BUY and intent.price > bound:
        return Refusal(
            guard="PriceBand",
            message=f"a buy may stand at most {limits.price_band_percent} % above the last price "
            f"{exposure.last}, was {intent.price}",
        )
    return None


def _value(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    if not rules.is_volume(intent.volume):
        return Refusal(
            guard="Volume",
            message=f"the volume must be > 0 with at most {rules.volume_places} decimals, "
            f"was {intent.volume}",
        )
    value = intent.volume * (exposure.last if intent.price is None else intent.price)
    if value < rules.min_total:
        return Refusal(
            guard="MinValue",
            message=f"the value must be at least {rules.min_total}, was {value:.4f}",
        )
    if intent.entry and limits.max_order_value is not None and value > limits.max_order_value:
        return Refusal(
            guard="MaxOrderValue",
            message=f"the value must be at most {limits.max_order_value}, was {value:.2f}",
        )
    return None


def _money(intent: Intent, exposure: Exposure, _: RiskLimits, rules: VenueRules) -> Refusal | None:
    if intent.side is Side.SELL:
        free = exposure.ledger.base - exposure.open_sells
        if intent.volume > free:
            return Refusal(
                guard="OwnCoin",
                message=f"a sale may not exceed own free coin {free}, was {intent.volume}",
            )
        return None
    price = exposure.last if intent.price is None else intent.price
    needed = price * intent.volume * (1 + rules.fee_rate)
    free = exposure.ledger.quote - exposure.open_buys
    if needed > free:
        return Refusal(
            guard="Budget", message=f"the order needs {needed:.2f}, own free money is {free:.2f}"
        )
    return None


def _position_share(
    intent: Intent, exposure: Exposure, limits: RiskLimits, _: VenueRules
) -> Refusal | None:
    if not intent.entry or limits.max_position_percent is None:
        return None
    volume = exposure.ledger.base + exposure.open_buy_volume + intent.volume
    price = exposure.last if intent.type is OrderType.MARKET else intent.price or exposure.last
    at_cost = exposure.cost + exposure.open_buys + intent.volume * price
    equity = exposure.ledger.equity(exposure.last)
    share = 100 * max(volume * exposure.last, at_cost) / equity if equity > 0 else Decimal(100)
    if share <= limits.max_position_percent:
        return None
    return Refusal(
        guard="MaxPosition",
        message=f"the position may be at most {limits.max_position_percent} % of the equity, "
        f"would be {share:.2f} %",
    )


def _rate(_: Intent, exposure: Exposure, limits: RiskLimits, __: VenueRules) -> Refusal | None:
    limit = limits.max_orders_per_minute or exposure.orders_per_minute
    if exposure.placed_last_minute < limit:
        return None
    return Refusal(guard="OrderRate", message=f"at most {limit} orders a minute")


_CHECKS: tuple[_Check, ...] = (_permit, _price_sane, _value, _money, _position_share, _rate)
