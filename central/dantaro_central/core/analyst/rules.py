"""The analyst without a model: a table of rules that vote.

Each rule looks at one thing and speaks for buying, for selling or for neither, with its weight. A
rule whose figures are not known has no vote and no weight. The score is the sum of the votes over
the sum of the weights, -1..1: from +0.5 on the advice is Buy, from -0.5 on Sell, else Hold; the
confidence is how far the score speaks for it. A veto makes Buy a Hold, never a Sell.

| rule | weight | for buying | for selling |
|---|---|---|---|
| momentum | 3 | MACD histogram > 0 and rising | < 0 and falling |
| place | 2 | close above the middle Bollinger band | below it |
| strength | 2 | RSI14 in 55..75, or <= 25 (oversold) | in 25..45, or > 75 (overheated) |
| market | 2 | trend Bull | trend Bear |
| volume | 1 | volume >= 1.5 x its mean and a rising close | the same and a falling close |
| breakout | 1 | close above the 20 highs before | close below yesterday's low |
| support | 1 | close at most 2 % above the moderate level | the aggressive level is broken |

Vetoes of Buy: the risk of the market is High; the conservative level is broken.

Source: own choice, from the definitions in `indicators.md`. It is a plain example of an analyst;
nobody has shown that it earns anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from dantaro_central.core.analyst.decisions import Advice, AdviceAction, hold
from dantaro_central.core.analyst.inputs import Inputs
from dantaro_crds.money import exact
from dantaro_crds.values import decimal_text
from dantaro_crds.wire.bundle import RiskLevel, Trend
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["RULES_MODEL", "RULES_VERSION", "advise_by_rules"]

RULES_MODEL = "rules"
"""The name in a decision's `model`."""

RULES_VERSION = "rules-v1"
"""Changes with the table; stored with each decision."""

_DECIDED = Decimal("0.5")
_PLACES = Decimal("0.0001")
_LOUD = Decimal("1.5")
_NEAR = Decimal("1.02")
_OVERSOLD, _WEAK, _STRONG, _OVERHEATED = map(Decimal, (25, 45, 55, 75))
_NEEDED = (Name.CLOSE, Name.RSI14, Name.MACD_HISTOGRAM, Name.BOLLINGER_MIDDLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vote:
    """What a rule says: 1 for buying, -1 for selling, 0 for neither; and half a sentence."""

    vote: int
    why: str


@exact
def advise_by_rules(inputs: Inputs) -> Advice:
    """Return what the table says; Hold without the figures that most rules stand on."""
    if missing := [name.value for name in _NEEDED if name not in inputs.indicators]:
        return hold(f"the rules need {', '.join(missing)}, which cannot be computed yet")
    votes = [(weight, vote) for weight, rule in _RULES if (vote := rule(inputs)) is not None]
    whole = sum(weight for weight, _ in votes)
    score = Decimal(sum(weight * vote.vote for weight, vote in votes)) / whole
    action = _action(score)
    confidence = 1 - abs(score) if action is AdviceAction.HOLD else abs(score)
    voice = 1 if score > 0 else -1
    grounds = [vote.why for _, vote in votes if vote.vote == voice]
    against = [vote.why for _, vote in votes if vote.vote == -voice]
    reason = f"score {decimal_text(score.quantize(Decimal('0.01')))} of {whole} weights"
    reason += f": {', '.join(grounds)}" if grounds else ""
    reason += f"; against it {', '.join(against)}" if against else ""
    if action is AdviceAction.BUY and (veto := _veto(inputs)):
        action, reason = AdviceAction.HOLD, f"no buying while {veto}; {reason}"
    return Advice(action=action, confidence=confidence.quantize(_PLACES), reason=reason)


def _action(score: Decimal) -> AdviceAction:
    if score >= _DECIDED:
        return AdviceAction.BUY
    return AdviceAction.SELL if score <= -_DECIDED else AdviceAction.HOLD


def _veto(inputs: Inputs) -> str:
    if inputs.status is not None and inputs.status.risk is RiskLevel.HIGH:
        return "the risk of the market is High"
    if inputs.levels.conservative.broken:
        return "the conservative support level is broken"
    return ""


def _sign(*, buy: bool, sell: bool) -> int:
    return int(buy) - int(sell)


def _momentum(inputs: Inputs) -> _Vote | None:
    now = inputs.indicators[Name.MACD_HISTOGRAM]
    before = inputs.indicators.get(Name.PREVIOUS_MACD_HISTOGRAM)
    if before is None:
        return None
    vote = _sign(buy=now > 0 and now > before, sell=now < 0 and now < before)
    return _Vote(vote=vote, why=f"MACD histogram {'up' if now > before else 'down'}")


def _place(inputs: Inputs) -> _Vote:
    close, middle = inputs.indicators[Name.CLOSE], inputs.indicators[Name.BOLLINGER_MIDDLE]
    vote = _sign(buy=close > middle, sell=close < middle)
    return _Vote(vote=vote, why=f"close {'above' if vote > 0 else 'below'} its mean of 20")


def _strength(inputs: Inputs) -> _Vote:
    rsi = inputs.indicators[Name.RSI14]
    buy = _STRONG <= rsi <= _OVERHEATED or rsi <= _OVERSOLD
    sell = _OVERSOLD < rsi <= _WEAK or rsi > _OVERHEATED
    return _Vote(
        vote=_sign(buy=buy, sell=sell), why=f"RSI {decimal_text(rsi.quantize(Decimal('0.1')))}"
    )


def _market(inputs: Inputs) -> _Vote | None:
    if inputs.status is None:
        return None
    trend = inputs.status.trend
    vote = _sign(buy=trend is Trend.BULL, sell=trend is Trend.BEAR)
    return _Vote(vote=vote, why=f"trend {trend}")


def _volume(inputs: Inputs) -> _Vote | None:
    known = inputs.indicators
    volume, mean = known.get(Name.VOLUME), known.get(Name.VOLUME_SMA20)
    close, before = known[Name.CLOSE], known.get(Name.PREVIOUS_CLOSE)
    if volume is None or mean is None or before is None or mean <= 0:
        return None
    is_loud = volume >= _LOUD * mean
    vote = _sign(buy=is_loud and close > before, sell=is_loud and close < before)
    return _Vote(
        vote=vote, why=f"volume {decimal_text((volume / mean).quantize(Decimal('0.1')))} x"
    )


def _breakout(inputs: Inputs) -> _Vote | None:
    close = inputs.indicators[Name.CLOSE]
    high = inputs.indicators.get(Name.DONCHIAN_UPPER20)
    low = inputs.indicators.get(Name.PREVIOUS_DAY_LOW)
    if high is None or low is None:
        return None
    vote = _sign(buy=close > high, sell=close < low)
    return _Vote(vote=vote, why="above 20 highs" if vote > 0 else "below yesterday's low")


def _support(inputs: Inputs) -> _Vote | None:
    moderate = inputs.levels.moderate
    if moderate.price is None:
        return None
    is_broken = inputs.levels.aggressive.broken
    is_near = not moderate.broken and inputs.indicators[Name.CLOSE] <= moderate.price * _NEAR
    vote = _sign(buy=is_near and not is_broken, sell=is_broken)
    return _Vote(
        vote=vote, why="near the 30-day support" if vote > 0 else "below the 7-day support"
    )


_RULES: tuple[tuple[int, Callable[[Inputs], _Vote | None]], ...] = (
    (3, _momentum),
    (2, _place),
    (2, _strength),
    (2, _market),
    (1, _volume),
    (1, _breakout),
    (1, _support),
)
"""Weight and rule, in the order in which a reason names them."""
