"""The signal strategy: a vote of indicators on the newest closed candle.

Each voter looks at that candle and the one before, and says Buy, Sell or nothing:

- `rsi`: RSI(14) crosses back above 30 (was <= 30, is > 30): Buy; back below 70: Sell.
- `macd`: the histogram leaves 0 or below upwards: Buy; 0 or above downwards: Sell.
- `bollinger`: the close comes back from below the lower band: Buy; from above the upper: Sell.
- `squeeze`: the squeeze is released with the close above the middle band: Buy; below it: Sell.
- `volume`: with volume >= 1.5 x the mean of the 20 candles before, it seconds the side that has
  more votes; alone it says nothing.

Share of a side = its votes / all votes given. Confidence of a side that leads by n votes =
1 - 1/2^n: one vote more halves the doubt. A side wins whose share is at or above its threshold and
whose confidence is at or above the floor, and that leads; both borders are inclusive.

A buy is good for `ENTRY_WINDOW` after the candle has closed. The vote of `volatility breakout` is
left to the strategy of that name: it is a rule on the price of the day, not on a candle.

Source: staged definition, sections 6 and 8; indicators definition, section 4.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from dantaro_crds.v1alpha1.strategies import SignalStrategy
from dantaro_crds.values import decimal_text, utc_text
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.strategies.position.figures import Candle, read_candle
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

__all__ = ["ENTRY_WINDOW", "SIGNAL_INDICATORS", "confidence", "judge_signal"]

ENTRY_WINDOW = timedelta(minutes=15)
"""How long after its candle has closed a buy may still be acted on."""

SIGNAL_INDICATORS = (
    Name.CLOSE,
    Name.PREVIOUS_CLOSE,
    Name.RSI14,
    Name.PREVIOUS_RSI14,
    Name.MACD_HISTOGRAM,
    Name.PREVIOUS_MACD_HISTOGRAM,
    Name.BOLLINGER_LOWER,
    Name.BOLLINGER_MIDDLE,
    Name.BOLLINGER_UPPER,
    Name.PREVIOUS_BOLLINGER_LOWER,
    Name.PREVIOUS_BOLLINGER_UPPER,
    Name.SQUEEZE_ON,
    Name.PREVIOUS_SQUEEZE_ON,
    Name.VOLUME,
    Name.VOLUME_SMA20,
)
"""What it reads; without any of them it does nothing."""

_OVERSOLD, _OVERBOUGHT = Decimal(30), Decimal(70)
_VOLUME_FACTOR = Decimal("1.5")

_Values = Mapping[Name, Decimal]


def judge_signal(parameters: SignalStrategy, position: Position, context: Context) -> Verdict:
    """Return what the votes on the newest closed candle ask for."""
    candle = read_candle(context, SIGNAL_INDICATORS)
    if isinstance(candle, Gate):
        return hold((candle,), code=BLIND)
    votes = _vote(candle.values)
    sight = _sight(votes, candle)
    action = Action.SELL if position.is_open else Action.BUY
    gates: tuple[Gate, ...] = (candle.gate, *_gates(parameters, votes, action))
    late = context.time - candle.closed > ENTRY_WINDOW
    if action is Action.BUY:
        gates = (*gates, _window(candle, late=late))
    if not all(gate.passed for gate in gates):
        return hold(gates, sight=sight)
    sides = ", ".join(name for name, vote in votes if vote is action)
    sure = confidence(votes, action)
    return Verdict(
        action=action,
        code="Vote",
        reason=f"{action} by {sides} with confidence {decimal_text(sure)}, candle "
        f"{utc_text(candle.time)}",
        confidence=sure,
        gates=gates,
        mark=candle.time,
        sight=sight,
    )


_Votes = tuple[tuple[str, Action], ...]


def confidence(votes: _Votes, action: Action) -> Decimal:
    """Return how sure the vote for a side is: 1 - 1/2^n for a lead of n votes, else 0."""
    lead = sum(1 if vote is action else -1 for _, vote in votes if vote is not Action.HOLD)
    return 1 - Decimal("0.5") ** lead if lead > 0 else Decimal(0)


def _sight(votes: _Votes, candle: Candle) -> Sight:
    buy, sell = confidence(votes, Action.BUY), confidence(votes, Action.SELL)
    action = _side(buys=buy > 0, sells=sell > 0)
    return Sight(action=action, score=max(buy, sell), of=candle.time)


def _gates(parameters: SignalStrategy, votes: _Votes, action: Action) -> tuple[Gate, Gate]:
    given: list[Action] = [vote for _, vote in votes if vote is not Action.HOLD]
    side = given.count(action)
    share = Decimal(side) / len(given) if given else Decimal(0)
    sure = confidence(votes, action)
    is_buy = action is Action.BUY
    threshold = parameters.entry_threshold if is_buy else parameters.exit_threshold
    signs = {Action.BUY: 1, Action.SELL: -1, Action.HOLD: 0}
    return (
        Gate(
            name="votes",
            passed=share >= threshold,
            message=f"{side} of {len(given)} votes to {action.lower()}, a share of {share:.2f}; at "
            f"least {decimal_text(threshold)} is asked for",
            figures=(
                ("share", share),
                ("threshold", threshold),
                *((name, Decimal(signs[vote])) for name, vote in votes),
            ),
        ),
        Gate(
            name="confidence",
            passed=sure >= parameters.min_confidence and sure > 0,
            message=f"the vote to {action.lower()} has a confidence of {decimal_text(sure)}; at "
            f"least {decimal_text(parameters.min_confidence)}, and more than 0, is asked for",
            figures=(("confidence", sure), ("floor", parameters.min_confidence)),
        ),
    )


def _window(candle: Candle, *, late: bool) -> Gate:
    minutes = ENTRY_WINDOW // timedelta(minutes=1)
    return Gate(
        name="window",
        passed=not late,
        message=f"a buy of the candle that closed {utc_text(candle.closed)} is good for {minutes} "
        "minutes",
    )


def _vote(values: _Values) -> _Votes:
    votes = tuple((voter.__name__.strip("_"), voter(values)) for voter in _VOTERS)
    return (*votes, ("volume", _second(values, votes)))


def _rsi(values: _Values) -> Action:
    before, now = values[Name.PREVIOUS_RSI14], values[Name.RSI14]
    return _side(buys=before <= _OVERSOLD < now, sells=before >= _OVERBOUGHT > now)


def _macd(values: _Values) -> Action:
    before, now = values[Name.PREVIOUS_MACD_HISTOGRAM], values[Name.MACD_HISTOGRAM]
    return _side(buys=before <= 0 < now, sells=before >= 0 > now)


def _bollinger(values: _Values) -> Action:
    before, now = values[Name.PREVIOUS_CLOSE], values[Name.CLOSE]
    return _side(
        buys=before < values[Name.PREVIOUS_BOLLINGER_LOWER] and now >= values[Name.BOLLINGER_LOWER],
        sells=before > values[Name.PREVIOUS_BOLLINGER_UPPER]
        and now <= values[Name.BOLLINGER_UPPER],
    )


def _squeeze(values: _Values) -> Action:
    if not values[Name.PREVIOUS_SQUEEZE_ON] or values[Name.SQUEEZE_ON]:
        return Action.HOLD
    close, middle = values[Name.CLOSE], values[Name.BOLLINGER_MIDDLE]
    return _side(buys=close > middle, sells=close < middle)


_VOTERS = (_rsi, _macd, _bollinger, _squeeze)


def _second(values: _Values, votes: _Votes) -> Action:
    volume, mean = values[Name.VOLUME], values[Name.VOLUME_SMA20]
    if mean <= 0 or volume < _VOLUME_FACTOR * mean:
        return Action.HOLD
    given = [vote for _, vote in votes]
    buys, sells = given.count(Action.BUY), given.count(Action.SELL)
    return _side(buys=buys > sells, sells=sells > buys)


def _side(*, buys: bool, sells: bool) -> Action:
    if buys == sells:
        return Action.HOLD
    return Action.BUY if buys else Action.SELL
