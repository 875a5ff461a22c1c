"""The bundle that a bot pulls."""

from fastapi import APIRouter, Request, Response

from dantaro_central.routes.conditional import to_response
from dantaro_central.routes.dependencies import API_PREFIX, Since
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.values import Interval, Symbol
from dantaro_crds.wire.bundle import Bundle

__all__ = ["build_bundle_router"]


def build_bundle_router(market_data: MarketDataService) -> APIRouter:
    """Return the routes of the bundle."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get("/bundle", responses={200: {"model": Bundle}, 304: {"description": "Unchanged"}})
    async def bundle(
        request: Request,
        symbol: Symbol,
        interval: Interval = Interval.M1,
        since: Since | None = None,
    ) -> Response:
        """Return candles since a cursor and the analyses that they need."""
        return to_response(request, market_data.bundle(symbol, interval, since))

    return router
