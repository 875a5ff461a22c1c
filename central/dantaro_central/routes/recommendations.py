"""Which markets to trade."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dantaro_central.routes.conditional import to_response
from dantaro_central.routes.dependencies import API_PREFIX
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.wire.recommendations import MAX_RECOMMENDATIONS, Recommendations

__all__ = ["build_recommendations_router"]

_Limit = Annotated[int, Query(ge=1, le=MAX_RECOMMENDATIONS)]


def build_recommendations_router(market_data: MarketDataService) -> APIRouter:
    """Return the routes of recommendations."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get(
        "/recommendations",
        responses={200: {"model": Recommendations}, 304: {"description": "Unchanged"}},
    )
    async def recommendations(request: Request, limit: _Limit = MAX_RECOMMENDATIONS) -> Response:
        """Return the markets that can be traded, best first, each with its score and why."""
        return to_response(request, market_data.recommendations(limit))

    return router
