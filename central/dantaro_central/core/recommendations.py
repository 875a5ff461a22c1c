"""Which markets suit a bot that buys low and sells a little higher, best first.

A score is a weighted sum of parts between 0 and 1, each with its figures in one sentence:

| part | weight | 1 | 0 |
|---|---|---|---|
| liquidity | 0.5 | most traded of its quote currency | a thousandth of that, or less |
| volatility | 0.3 | mean hourly range from 0.6 % to 1.2 % | no range; 3 % or more |
| trend | 0.2 | 5 % or more above the mean of 50 hours | 5 % or more below |

Between the ends a part goes in a straight line; that of liquidity by the logarithm of the value.
Liquidity weighs most: where little is traded, neither a fill on paper nor a stop loss means much.

The worker keeps the samples of its newest analysis; the ranks are made of them when somebody asks,
which is seldom beside the analyses of a replay at full speed.

A market counts only with 20 of the last 24 and 40 of the last 50 hourly candles, the newest of them
not older than two hours: a score of less would be a guess.

Source:
    Own choice; the limits of volatility are those of the market status.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log10

from dantaro_crds.values import quote_of
from dantaro_crds.wire.recommendations import Recommendation, RecommendationPart

__all__ = ["MarketSample", "recommend", "samples_json", "to_samples"]

_CALM = 0.006
_LIVELY = 0.012
_WILD = 0.03
_LEAST = 0.001
_DECADES = 3
_TREND_SPAN = 0.05
_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSample:
    """What is known of a market with enough and fresh data.

    Attributes:
        symbol: The market.
        traded: Value traded in 24 hours, quote currency, >= 0.
        above_mean: Last price over the mean of the last 50 hourly closes, less 1; fraction > -1.
        hourly_range: Mean of (high - low) / close of the last 24 hours, fraction >= 0.
    """

    symbol: str
    traded: float
    above_mean: float
    hourly_range: float


def samples_json(samples: Iterable[MarketSample]) -> str:
    """Return samples as JSON, every figure to its last bit."""
    return json.dumps([(s.symbol, s.traded, s.above_mean, s.hourly_range) for s in samples])


def to_samples(text: str) -> list[MarketSample]:
    """Return the samples of a JSON text that `samples_json` made."""
    return [
        MarketSample(symbol=symbol, traded=traded, above_mean=above, hourly_range=size)
        for symbol, traded, above, size in json.loads(text)
    ]


def recommend(
    samples: Sequence[MarketSample], *, among: Collection[str], limit: int
) -> list[Recommendation]:
    """Return markets, best first; equal scores by name.

    Args:
        samples: One for each market, in any order.
        among: Markets that can be traded; the others only tell what much and little is.
        limit: Most markets, > 0.
    """
    best: dict[str, float] = {}
    for sample in samples:
        quote = quote_of(sample.symbol)
        best[quote] = max(best.get(quote, 0.0), sample.traded)
    rated = [_rated(sample, best) for sample in samples if sample.symbol in among]
    rated.sort(key=lambda item: (-item.score, item.symbol))
    return [_recommendation(item) for item in rated[:limit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    symbol: str
    score: Decimal
    parts: list[tuple[Decimal, str]]


def _rated(sample: MarketSample, best: Mapping[str, float]) -> _Rated:
    parts = []
    total = Decimal(0)
    for _, weight, rate in _PARTS:
        score, reason = rate(sample, best)
        rounded = Decimal(repr(min(max(score, 0.0), 1.0))).quantize(_PLACES)
        parts.append((rounded, reason))
        total += rounded * weight
    return _Rated(symbol=sample.symbol, score=total.quantize(_PLACES), parts=parts)


def _recommendation(rated: _Rated) -> Recommendation:
    return Recommendation(
        symbol=rated.symbol,
        score=rated.score,
        parts=[
            RecommendationPart(name=name, score=score, weight=weight, reason=reason)
            for (name, weight, _), (score, reason) in zip(_PARTS, rated.parts, strict=True)
        ],
    )


def _liquidity(sample: MarketSample, best: Mapping[str, float]) -> tuple[float, str]:
    quote = quote_of(sample.symbol)
    traded, most = sample.traded, best[quote]
    if not traded:
        return 0.0, "nothing was traded in 24 hours"
    part = traded / most
    reason = f"{traded:,.0f} {quote} traded in 24 hours, {part:.1%} of the most traded market"
    return 1 + log10(max(part, _LEAST)) / _DECADES, reason


def _volatility(sample: MarketSample, _: Mapping[str, float]) -> tuple[float, str]:
    size = sample.hourly_range
    reason = f"mean hourly range {size:.2%}"
    if size < _CALM:
        return size / _CALM, f"{reason}, below {_CALM:.1%}: too quiet"
    if size > _LIVELY:
        return (_WILD - size) / (_WILD - _LIVELY), f"{reason}, above {_LIVELY:.1%}: too wild"
    return 1.0, f"{reason}, within {_CALM:.1%} to {_LIVELY:.1%}"


def _trend(sample: MarketSample, _: Mapping[str, float]) -> tuple[float, str]:
    above = sample.above_mean
    side = "above" if above >= 0 else "below"
    reason = f"last price {abs(above):.1%} {side} the mean of 50 hours"
    return 0.5 + above / (2 * _TREND_SPAN), reason


_Rate = Callable[[MarketSample, Mapping[str, float]], tuple[float, str]]

_PARTS: tuple[tuple[str, Decimal, _Rate], ...] = (
    ("liquidity", Decimal("0.5"), _liquidity),
    ("volatility", Decimal("0.3"), _volatility),
    ("trend", Decimal("0.2"), _trend),
)
"""Name, weight and rating; the weights add up to 1."""
