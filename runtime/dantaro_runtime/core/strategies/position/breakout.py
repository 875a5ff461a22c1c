"""The breakout strategy: buys when the price leaves yesterday's range, sells at the next open.

Target of a day = its open + k x (high - low of the day before), rounded up to a tick. All gates
must be open, in this order:

- `data`: the indicators are of the newest closed candle, and its day is today.
- `squeeze` (if asked for): no squeeze now, and at least 6 of the 10 candles before had one.
- `breakout`: the last price is at or above the target, and the newest closed candle closed above
  the highest high of the 20 before it. A price that the bot never saw below today's target may be
  at most 0.5 % above it: nobody runs after a move that began without him.
- `volume` (if asked for): the candle's volume is at least the factor times the mean of the 20
  before it.
- `day`: no position was opened today.

A day begins at 00:00 UTC. Take profit and stop loss are the cycle's.

Source: indicators definition, section 4 (volatility breakout, after Larry Williams).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dantaro_crds.v1alpha1.strategies import BreakoutStrategy
from dantaro_crds.values import decimal_text, utc_text
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.strategies.position.figures import Candle, missing_data, read_candle
from dantaro_runtime.core.strategies.position.verdict import (
    BLIND,
    Action,
    Gate,
    Position,
    Sight,
    Verdict,
    hold,
)
from dantaro_runtime.core.strategies.protocol import Context

__all__ = ["BREAKOUT_INDICATORS", "breakout_target", "judge_breakout"]

BREAKOUT_INDICATORS = (
    Name.CLOSE,
    Name.DONCHIAN_UPPER20,
    Name.DAY_OPEN,
    Name.PREVIOUS_DAY_HIGH,
    Name.PREVIOUS_DAY_LOW,
)
"""What it reads always; a gate that is asked for reads its own beside."""

_SQUEEZE = (Name.SQUEEZE_ON, Name.SQUEEZE_BARS10)
_VOLUME = (Name.VOLUME, Name.VOLUME_SMA20)

_SQUEEZED = 6
"""Candles of the last 10 that must have had a squeeze."""

_CHASE = Decimal("1.005")
"""How far above the target a late start may still buy, as a factor."""

_MINUTE = timedelta(minutes=1)

_Values = Mapping[Name, Decimal]


def judge_breakout(parameters: BreakoutStrategy, position: Position, context: Context) -> Verdict:
    """Return whether to buy the breakout of today, or to leave that of an earlier day."""
    today = _day(context.time)
    candle = read_candle(context, _names(parameters))
    target, seen = None, position.seen
    if isinstance(candle, Candle) and _is_of(today, context):
        target = breakout_target(parameters, candle.values, context)
        seen = today if context.last < target or position.seen == today else None
    if position.is_open:
        return _leave(position, today, seen=seen)
    if isinstance(candle, Gate):
        return hold((candle,), code=BLIND, seen=seen)
    if target is None:
        message = f"waits for the first candle of {today:%Y-%m-%d}"
        return hold((missing_data(message),), seen=seen)
    values = candle.values
    market = tuple(
        gate
        for gate in (
            _squeeze(values) if parameters.squeeze_gate else None,
            _breakout(values, context.last, target, watched=seen == today),
            _volume(values, parameters.volume_factor) if parameters.volume_gate else None,
        )
        if gate is not None
    )
    sight = _sight(market, of=candle.time)
    gates = (candle.gate, *market, _once(position, today))
    if not all(gate.passed for gate in gates):
        return hold(gates, seen=seen, sight=sight)
    return Verdict(
        action=Action.BUY,
        code="Breakout",
        reason=f"the price {decimal_text(context.last)} broke out of yesterday's range: target "
        f"{decimal_text(target)}",
        confidence=Decimal(1),
        gates=gates,
        mark=today,
        seen=seen,
        sight=sight,
    )


def breakout_target(parameters: BreakoutStrategy, values: _Values, context: Context) -> Decimal:
    """Return the price of today's breakout, rounded up to a tick."""
    span = values[Name.PREVIOUS_DAY_HIGH] - values[Name.PREVIOUS_DAY_LOW]
    return context.rules.ticks.ceil(values[Name.DAY_OPEN] + parameters.k * span)


def _is_of(today: datetime, context: Context) -> bool:
    return context.analysis is not None and _day(context.analysis.data_until - _MINUTE) == today


def _leave(position: Position, today: datetime, *, seen: datetime | None) -> Verdict:
    is_over = position.acted is None or position.acted < today
    bought = "" if position.acted is None else f" of {position.acted:%Y-%m-%d}"
    gate = Gate(
        name="day",
        passed=is_over,
        message=f"the position{bought} is sold at the open of the next day",
    )
    sight = Sight(action=Action.SELL if is_over else Action.HOLD, of=today)
    if not is_over:
        return hold((gate,), seen=seen, sight=sight)
    return Verdict(
        action=Action.SELL,
        code="NextDay",
        reason=f"the day of the breakout{bought} is over",
        confidence=Decimal(1),
        gates=(gate,),
        mark=today,
        seen=seen,
        sight=sight,
    )


def _sight(gates: tuple[Gate, ...], *, of: datetime) -> Sight:
    """Return a buy if all gates of the market are open; its score is the part that is."""
    passed = sum(gate.passed for gate in gates)
    action = Action.BUY if passed == len(gates) else Action.HOLD
    return Sight(action=action, score=round(Decimal(passed) / len(gates), 4), of=of)


def _names(parameters: BreakoutStrategy) -> tuple[Name, ...]:
    return (
        *BREAKOUT_INDICATORS,
        *(_SQUEEZE if parameters.squeeze_gate else ()),
        *(_VOLUME if parameters.volume_gate else ()),
    )


def _squeeze(values: _Values) -> Gate:
    on, bars = values[Name.SQUEEZE_ON], values[Name.SQUEEZE_BARS10]
    state = "on" if on else "off"
    return Gate(
        name="squeeze",
        passed=not on and bars >= _SQUEEZED,
        message=f"the squeeze is {state} and was on in {decimal_text(bars)} of the 10 candles "
        f"before; off, and {_SQUEEZED} before, is asked for",
        figures=(("on", on), ("bars", bars)),
    )


def _breakout(values: _Values, last: Decimal, target: Decimal, *, watched: bool) -> Gate:
    close, high = values[Name.CLOSE], values[Name.DONCHIAN_UPPER20]
    has_range = values[Name.PREVIOUS_DAY_HIGH] > values[Name.PREVIOUS_DAY_LOW]
    limit = target * _CHASE
    if not has_range:
        message = "yesterday had no range"
    elif last < target:
        message = f"the price {decimal_text(last)} is below the target {decimal_text(target)}"
    elif not watched and last > limit:
        message = (
            f"the price {decimal_text(last)} was above the target {decimal_text(target)} from the "
            "start, by more than 0.5 %"
        )
    else:
        message = (
            f"the close {decimal_text(close)} must be above the high of 20 candles "
            f"{decimal_text(high)}"
        )
    return Gate(
        name="breakout",
        passed=has_range and last >= target and (watched or last <= limit) and close > high,
        message=message,
        figures=(("last", last), ("target", target), ("close", close), ("high", high)),
    )


def _volume(values: _Values, factor: Decimal) -> Gate:
    volume, mean = values[Name.VOLUME], values[Name.VOLUME_SMA20]
    return Gate(
        name="volume",
        passed=mean > 0 and volume >= factor * mean,
        message=f"the volume {decimal_text(volume)} must be at least {decimal_text(factor)} times "
        f"the mean {decimal_text(mean)}, which must be more than 0",
        figures=(("volume", volume), ("mean", mean), ("factor", factor)),
    )


def _once(position: Position, today: datetime) -> Gate:
    return Gate(
        name="day",
        passed=position.acted is None or position.acted < today,
        message=f"the position of {utc_text(today)} was opened already",
    )


def _day(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
