"""What central recommends, as a value."""

from decimal import Decimal

from dantaro_crds.wire.recommendations import Recommendation, RecommendationPart

__all__ = ["make_recommendations"]


def make_recommendations(*symbols: str) -> tuple[Recommendation, ...]:
    """Return markets, best first, all with one ground."""
    part = RecommendationPart(name="trend", score=Decimal(1), weight=Decimal(1), reason="it rises")
    return tuple(
        Recommendation(symbol=symbol, score=Decimal("0.9"), parts=[part]) for symbol in symbols
    )
