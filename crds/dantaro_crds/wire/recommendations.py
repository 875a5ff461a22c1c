"""Which markets central recommends, best first, and why."""

from pydantic import Field

from dantaro_crds.values import DecimalStr, Symbol, UtcTime
from dantaro_crds.wire.bundle import Answer, Source

__all__ = [
    "MAX_RECOMMENDATIONS",
    "Recommendation",
    "RecommendationPart",
    "Recommendations",
]

MAX_RECOMMENDATIONS = 50
"""Most markets in one answer, and how many there are when nobody says."""


class RecommendationPart(Answer):
    """One ground of a score."""

    name: str
    """What was looked at, such as volume."""
    score: DecimalStr
    """Fraction 0..1; more is better."""
    weight: DecimalStr
    """Part of the whole score, fraction 0..1; the weights of a market add up to 1."""
    reason: str
    """The figures behind it, one sentence."""


class Recommendation(Answer):
    """One market."""

    symbol: Symbol
    """The market."""
    score: DecimalStr
    """Sum of score times weight of the parts, fraction 0..1."""
    parts: list[RecommendationPart]
    """The grounds, by falling weight."""


class Recommendations(Answer):
    """Markets that can be traded, best first; equal scores by name."""

    source: Source
    """Where the candles come from."""
    market_time: UtcTime
    """Central's market time."""
    data_until: UtcTime
    """Market time up to which candles were used."""
    recommendations: list[Recommendation] = Field(default_factory=list)
    """Best first; markets with too little or old data are left out."""
