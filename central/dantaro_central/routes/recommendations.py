"""Which markets to trade."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dantaro_central.routes.answers import Answering
from dantaro_central.routes.dependencies import API_PREFIX
from dantaro_central.routes.documents import documented
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.wire.recommendations import MAX_RECOMMENDATIONS, Recommendations

__all__ = ["build_recommendations_router"]

_Limit = Annotated[int, Query(ge=1, le=MAX_RECOMMENDATIONS)]


def build_recommendations_router(market_data: MarketDataService, answer: Answering) -> APIRouter:
    """Return the routes of recommendations."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get("/recommendations", responses=documented(Recommendations, "recommendations"))
    async def recommendations(request: Request, limit: _Limit = MAX_RECOMMENDATIONS) -> Response:
        """Return the markets that can be traded, best first, each with its score and why."""
        key = ("recommendations", limit)
        return await answer(request, key, lambda: market_data.recommendations(limit))

    return router
