"""Which markets suit a bot that buys low and sells a little higher, best first.

A score is a weighted sum of four components between 0 and 1. Ranks are percentile ranks among the
markets that count: the part of them with a smaller value, equal ones counted half.

| component | weight | made of |
|---|---|---|
| technical | 0.35 | mean rank of: RSI(14) within 30 to 70 or near it; MACD histogram over close; |
| | | close over SMA(50); %b, low before high; all of 60 minutes |
| volume | 0.25 | mean rank of: value of 24 hours; that over the mean day of the 20 days before |
| volatility | 0.20 | ATR(14) of days over close: 1 from 2 % to 6 %, falling to 0 at 0 % and 15 % |
| risk | 0.20 | mean of 1 - rank of: deepest fall of 90 days; one tick over the price; spread; |
| | | less 0.2 for each caution of the venue |

What is not known of a market is left out of its component; a component of which nothing is known
counts 0.5. Scores are rounded to 4 decimals; equal ones go by the value of 24 hours, then by name.

A market of a live source counts only if it is of KRW, no stable coin, known for 90 days, with 95 %
of its hours, at least 1e9 KRW traded in 24 hours, no warning of the venue, and a spread of at most
0.5 % where it is known. A recording or a made-up market is not asked
for that: what it misses is said in the reason of the risk.

The worker keeps the samples of its newest analysis; the ranks are made of them when somebody asks,
which is seldom beside the analyses of a replay at full speed.

A market counts only with 20 of the last 24 and 40 of the last 50 hourly candles, the newest of them
not older than two hours: a score of less would be a guess.

Source:
    Indicators definition, section 6. The directions of RSI and %b are our own choice.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from decimal import Decimal

from dantaro_crds.values import quote_of
from dantaro_crds.wire.recommendations import Recommendation, RecommendationPart

__all__ = ["FORMULA", "MarketSample", "recommend", "samples_json", "score_json", "to_samples"]

FORMULA = "3"
"""Version of the formula; another one is not to be compared with it."""

_PLACES = Decimal("0.0001")
_MIDDLE = 0.5
_BAND_LOW, _BAND_HIGH, _BAND_END = 0.02, 0.06, 0.15
_RSI_LOW, _RSI_HIGH = 30.0, 70.0
_CAUTION, _MOST_SPREAD = 0.2, 0.005
_LEAST_DAYS, _LEAST_SHARE, _LEAST_TRADED = 90, 0.95, 1e9
_STABLE = frozenset({"USDT", "USDC", "DAI", "TUSD", "USDE", "USDS", "USD1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSample:
    """What is known of a market with enough and fresh data; None: not known.

    Attributes:
        symbol: The market.
        traded: Value traded in 24 hours, quote currency, >= 0.
        above_mean: Last price over the mean of the last 50 hourly closes, less 1; fraction > -1.
        hourly_range: Mean of (high - low) / close of the last 24 hours, fraction >= 0.
        rsi: RSI(14) of 60 minutes, 0..100.
        macd: MACD histogram of 60 minutes over close, fraction.
        percent_b: %b of 60 minutes.
        usual: Mean value of a day, of the 20 days before the newest closed one, quote currency.
        day_range: ATR(14) of days over close, fraction.
        drawdown: Deepest fall of a daily close in 90 days, fraction 0..1.
        tick: One tick over the last price, fraction.
        days: Daily candles that are known, at most 200.
        hours: Part of the hours of the last 90 days that are known, fraction 0..1.
        spread: Best ask less best bid over their middle, fraction; of live traded markets.
        warned: Whether the venue warns of the market.
        cautions: How many lesser cautions the venue has put on it.
    """

    symbol: str
    traded: float
    above_mean: float
    hourly_range: float
    rsi: float | None = None
    macd: float | None = None
    percent_b: float | None = None
    usual: float | None = None
    day_range: float | None = None
    drawdown: float | None = None
    tick: float | None = None
    days: int = 0
    hours: float = 0.0
    spread: float | None = None
    warned: bool = False
    cautions: int = 0


def samples_json(samples: Iterable[MarketSample]) -> str:
    """Return samples as JSON, every figure to its last bit."""
    return json.dumps([astuple(sample) for sample in samples])


def to_samples(text: str) -> list[MarketSample]:
    """Return the samples of a JSON text that `samples_json` made."""
    names = MarketSample.__slots__
    return [MarketSample(**dict(zip(names, row, strict=False))) for row in json.loads(text)]


def recommend(
    samples: Sequence[MarketSample], *, among: Collection[str], limit: int, live: bool = False
) -> list[Recommendation]:
    """Return markets, best first; equal scores by value traded, then by name.

    Args:
        samples: One for each market, in any order.
        among: Markets that can be traded; the others only tell what much and little is.
        limit: Most markets, > 0.
        live: Whether a market must reach the limits of a live one.
    """
    counted = [s for s in samples if not (_misses(s) if live else _is_stable(s))]
    ranks = _Ranks(counted)
    traded = {sample.symbol: sample.traded for sample in counted}
    rated = [_rated(sample, ranks) for sample in counted if sample.symbol in among]
    rated.sort(key=lambda item: (-item.score, -traded[item.symbol], item.symbol))
    return rated[:limit]


def score_json(sample: MarketSample, rated: Recommendation) -> str:
    """Return a score to be stored: parts with weights, inputs, and the version of the formula."""
    return json.dumps(
        {
            "formula": FORMULA,
            **rated.model_dump(mode="json", by_alias=True),
            "inputs": {name: value for name, value in asdict(sample).items() if name != "symbol"},
        }
    )


_Rate = Callable[[MarketSample, "_Ranks"], tuple[float, str]]
_Input = Callable[[MarketSample], float | None]


class _Ranks:
    """Percentile ranks among markets."""

    def __init__(self, samples: Sequence[MarketSample]) -> None:
        self._samples = samples
        self._rising: dict[_Input, list[float]] = {}

    def of(self, sample: MarketSample, take: _Input) -> float | None:
        """Return the part of the markets with less, equal ones half; None if it is not known."""
        if (value := take(sample)) is None:
            return None
        if take not in self._rising:
            found = (take(other) for other in self._samples)
            self._rising[take] = sorted(value for value in found if value is not None)
        rising = self._rising[take]
        return (bisect_left(rising, value) + bisect_right(rising, value)) / (2 * len(rising))

    def mean(self, sample: MarketSample, *takes: _Input) -> float:
        """Return the mean of those that are known; the middle without any."""
        known = [rank for take in takes if (rank := self.of(sample, take)) is not None]
        return sum(known) / len(known) if known else _MIDDLE


def _rated(sample: MarketSample, ranks: _Ranks) -> Recommendation:
    parts = []
    for name, weight, rate in _PARTS:
        score, reason = rate(sample, ranks)
        rounded = Decimal(repr(score)).quantize(_PLACES)
        parts.append(RecommendationPart(name=name, score=rounded, weight=weight, reason=reason))
    total = sum((part.score * part.weight for part in parts), Decimal(0))
    return Recommendation(symbol=sample.symbol, score=total.quantize(_PLACES), parts=parts)


def _technical(sample: MarketSample, ranks: _Ranks) -> tuple[float, str]:
    score = ranks.mean(sample, _calm, _macd, _above_mean, _cheap)
    side = "above" if sample.above_mean >= 0 else "below"
    reasons = [
        "RSI is not known, it takes 200 hours" if sample.rsi is None else f"RSI {sample.rsi:.0f}",
        f"last price {abs(sample.above_mean):.1%} {side} the mean of 50 hours",
    ]
    if sample.macd is not None:
        reasons.append(f"MACD histogram {sample.macd:+.2%} of the price")
    if sample.percent_b is not None:
        reasons.append(f"%b {sample.percent_b:.2f}")
    return score, ", ".join(reasons)


def _volume(sample: MarketSample, ranks: _Ranks) -> tuple[float, str]:
    score = ranks.mean(sample, _traded, _busy)
    quote = quote_of(sample.symbol)
    reason = f"{sample.traded:,.0f} {quote} traded in 24 hours"
    if (busy := _busy(sample)) is None:
        return score, f"{reason}; the usual is not known, it takes 21 days"
    return score, f"{reason}, {busy:.2f} times the usual"


def _volatility(sample: MarketSample, _: _Ranks) -> tuple[float, str]:
    size = sample.day_range
    if size is None:
        return _MIDDLE, "the range of days is not known, it takes 15 days: counts as middling"
    reason = f"mean daily range {size:.1%}"
    if size < _BAND_LOW:
        return size / _BAND_LOW, f"{reason}, below {_BAND_LOW:.0%}: too quiet"
    if size > _BAND_HIGH:
        share = (_BAND_END - size) / (_BAND_END - _BAND_HIGH)
        return max(share, 0.0), f"{reason}, above {_BAND_HIGH:.0%}: too wild"
    return 1.0, f"{reason}, within {_BAND_LOW:.0%} to {_BAND_HIGH:.0%}"


def _risk(sample: MarketSample, ranks: _Ranks) -> tuple[float, str]:
    score = 1 - ranks.mean(sample, _drawdown, _tick, _spread) - _CAUTION * sample.cautions
    reasons = ["the fall of 90 days is not known"]
    if sample.drawdown is not None:
        reasons = [f"fell by up to {sample.drawdown:.1%} in {min(sample.days, 90)} days"]
    if sample.tick is not None:
        reasons.append(f"one tick is {sample.tick:.3%}")
    if sample.spread is not None:
        reasons.append(f"the spread is {sample.spread:.3%}")
    if sample.cautions:
        reasons.append(f"cautions of the venue: {sample.cautions}")
    if misses := _misses(sample):
        reasons.append(f"let pass because the market is not live: {', '.join(misses)}")
    return max(score, 0.0), "; ".join(reasons)


def _misses(sample: MarketSample) -> list[str]:
    """Return the limits of a live market that are not reached."""
    checks = (
        (quote_of(sample.symbol) == "KRW", "it is not of KRW"),
        (not _is_stable(sample), "it is a stable coin"),
        (sample.days >= _LEAST_DAYS, f"{sample.days} of {_LEAST_DAYS} days are known"),
        (sample.hours >= _LEAST_SHARE, f"{sample.hours:.0%} of {_LEAST_SHARE:.0%} of the hours"),
        (sample.traded >= _LEAST_TRADED, f"less than {_LEAST_TRADED:,.0f} traded in 24 hours"),
        (not sample.warned, "the venue warns of it"),
        ((sample.spread or 0.0) <= _MOST_SPREAD, f"the spread is above {_MOST_SPREAD:.1%}"),
    )
    return [reason for is_met, reason in checks if not is_met]


def _is_stable(sample: MarketSample) -> bool:
    quote, symbol = quote_of(sample.symbol), sample.symbol
    return symbol.removeprefix(f"{quote}-").split("/")[0] in _STABLE


def _calm(sample: MarketSample) -> float | None:
    rsi = sample.rsi
    return None if rsi is None else min(rsi - _RSI_LOW, _RSI_HIGH - rsi, 0.0)


def _macd(sample: MarketSample) -> float | None:
    return sample.macd


def _above_mean(sample: MarketSample) -> float | None:
    return sample.above_mean


def _cheap(sample: MarketSample) -> float | None:
    return None if sample.percent_b is None else -sample.percent_b


def _traded(sample: MarketSample) -> float | None:
    return sample.traded


def _busy(sample: MarketSample) -> float | None:
    return sample.traded / sample.usual if sample.usual else None


def _drawdown(sample: MarketSample) -> float | None:
    return sample.drawdown


def _tick(sample: MarketSample) -> float | None:
    return sample.tick


def _spread(sample: MarketSample) -> float | None:
    return sample.spread


_PARTS: tuple[tuple[str, Decimal, _Rate], ...] = (
    ("technical", Decimal("0.35"), _technical),
    ("volume", Decimal("0.25"), _volume),
    ("volatility", Decimal("0.20"), _volatility),
    ("risk", Decimal("0.20"), _risk),
)
"""Name, weight and rating; the weights add up to 1."""
