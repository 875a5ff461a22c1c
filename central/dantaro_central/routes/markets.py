"""Markets: candles, indicators, support levels, decisions, status, quality."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from dantaro_central.core.views import (
    CandlePage,
    DecisionList,
    IndicatorsView,
    MarketList,
    QualityList,
    StatusView,
    SupportLevelsView,
)
from dantaro_central.routes.answers import Answering
from dantaro_central.routes.dependencies import API_PREFIX, Since
from dantaro_central.routes.documents import documented
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.values import Interval, Symbol
from dantaro_crds.wire.bundle import MAX_BUNDLE_CANDLES

__all__ = ["build_markets_router"]

_MAX_DECISIONS = 100

_CandleLimit = Annotated[int, Query(ge=1, le=MAX_BUNDLE_CANDLES)]
_DecisionLimit = Annotated[int, Query(ge=1, le=_MAX_DECISIONS)]


def build_markets_router(market_data: MarketDataService, answer: Answering) -> APIRouter:
    """Return the routes of markets. A symbol may hold a slash: `BTC/USDT`."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get("/markets", responses=documented(MarketList, "markets"))
    async def markets(request: Request) -> Response:
        """Return all markets of the source, those that cannot be used with the reason."""
        return await answer(request, ("markets",), market_data.markets)

    @router.get("/market-status", responses=documented(StatusView, "market-status"))
    async def market_status(request: Request) -> Response:
        """Return the newest state of all markets together."""
        return await answer(request, ("market-status",), market_data.market_status)

    @router.get("/data-quality", responses=documented(QualityList, "data-quality"))
    async def data_quality(request: Request) -> Response:
        """Return what is wrong with the stored candles."""
        return await answer(request, ("data-quality",), market_data.data_quality)

    @router.get(
        "/support-levels/{symbol:path}",
        responses=documented(SupportLevelsView, "support-levels", symbol=True),
    )
    async def support_levels(request: Request, symbol: Symbol) -> Response:
        """Return the newest support levels of a market."""
        key = ("support-levels", symbol)
        return await answer(request, key, lambda: market_data.support_levels(symbol))

    @router.get(
        "/indicators/{symbol:path}", responses=documented(IndicatorsView, "indicators", symbol=True)
    )
    async def indicators(
        request: Request, symbol: Symbol, interval: Interval = Interval.M60
    ) -> Response:
        """Return the newest indicators of a market on one interval."""
        key = ("indicators", symbol, interval)
        return await answer(request, key, lambda: market_data.indicators(symbol, interval))

    @router.get(
        "/decisions/{symbol:path}", responses=documented(DecisionList, "decisions", symbol=True)
    )
    async def decisions(request: Request, symbol: Symbol, limit: _DecisionLimit = 10) -> Response:
        """Return what the analyst advised on a market, newest first, with the reasons."""
        key = ("decisions", symbol, limit)
        return await answer(request, key, lambda: market_data.decisions(symbol, limit))

    @router.get("/candles/{symbol:path}", responses=documented(CandlePage, "candles", symbol=True))
    async def candles(
        request: Request,
        symbol: Symbol,
        interval: Interval = Interval.M1,
        since: Since | None = None,
        limit: _CandleLimit = MAX_BUNDLE_CANDLES,
    ) -> Response:
        """Return closed candles that opened after `since`, oldest first."""
        key = ("candles", symbol, interval, since, limit)
        return await answer(
            request,
            key,
            lambda: market_data.candles(symbol, interval, since=since, limit=limit),
        )

    return router
