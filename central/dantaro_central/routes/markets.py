"""Markets: candles, support levels, status."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dantaro_central.core.views import CandlePage, MarketList, StatusView, SupportLevelsView
from dantaro_central.routes.conditional import to_response
from dantaro_central.routes.dependencies import API_PREFIX, Since
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.values import Interval, Symbol
from dantaro_crds.wire.bundle import MAX_BUNDLE_CANDLES

__all__ = ["build_markets_router"]

_Limit = Annotated[int, Query(ge=1, le=MAX_BUNDLE_CANDLES)]


def build_markets_router(market_data: MarketDataService) -> APIRouter:
    """Return the routes of markets. A symbol may hold a slash: `BTC/USDT`."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get("/markets")
    async def markets() -> MarketList:
        """Return all markets of the source, those that cannot be used with the reason."""
        return market_data.markets()

    @router.get("/market-status")
    async def market_status() -> StatusView:
        """Return the newest state of all markets together."""
        return market_data.market_status()

    @router.get("/support-levels/{symbol:path}")
    async def support_levels(symbol: Symbol) -> SupportLevelsView:
        """Return the newest support levels of a market."""
        return market_data.support_levels(symbol)

    @router.get("/candles/{symbol:path}", responses={200: {"model": CandlePage}})
    async def candles(
        request: Request,
        symbol: Symbol,
        interval: Interval = Interval.M1,
        since: Since | None = None,
        limit: _Limit = MAX_BUNDLE_CANDLES,
    ) -> Response:
        """Return closed candles that opened after `since`, oldest first."""
        page = market_data.candles(symbol, interval, since=since, limit=limit)
        return to_response(request, page)

    return router
