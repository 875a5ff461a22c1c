"""Keeps the recommendations fresh."""

from dantaro_crds.kit.clock import Clock
from dantaro_operator.services.recommendations import RecommendationService

__all__ = ["recommend_forever"]

TICK_SECONDS = 2.0
"""Pause between two looks at whether anybody needs them: so long a new bot may wait."""


async def recommend_forever(recommendations: RecommendationService, *, clock: Clock) -> None:
    """Look until cancelled."""
    while True:
        await recommendations.look()
        await clock.sleep(TICK_SECONDS)
