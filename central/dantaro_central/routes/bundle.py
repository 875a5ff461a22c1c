"""The bundle that a bot pulls, and several at once."""

from fastapi import APIRouter, Request, Response

from dantaro_central.core.views import BatchAnswers, BatchItem, BatchRequest
from dantaro_central.routes.answers import Answering
from dantaro_central.routes.dependencies import API_PREFIX, Since
from dantaro_central.routes.documents import documented
from dantaro_central.routes.problem import problem_of
from dantaro_central.services.market_data import MarketDataService
from dantaro_central.services.page_cache import PageCache
from dantaro_central.services.pages import Page
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, Symbol
from dantaro_crds.wire.bundle import Bundle

__all__ = ["BUNDLE_PATH", "build_bundle_router"]

BUNDLE_PATH = f"{API_PREFIX}/bundle"


def build_bundle_router(
    market_data: MarketDataService,
    pages: PageCache,
    limiter: RateLimiter,
    answer: Answering,
    clock: Clock,
) -> APIRouter:
    """Return the routes of the bundle."""
    router = APIRouter()

    async def page_of(item: BatchItem) -> Page:
        return await pages.get(
            ("bundle", item.symbol, item.interval, item.since),
            lambda: market_data.bundle(item.symbol, item.interval, item.since),
        )

    @router.get(BUNDLE_PATH, responses=documented(Bundle, "bundle", symbol=True))
    async def bundle(
        request: Request,
        symbol: Symbol,
        interval: Interval = Interval.M1,
        since: Since | None = None,
    ) -> Response:
        """Return candles since a cursor and the analyses that they need."""
        key = ("bundle", symbol, interval, since)
        response = await answer(request, key, lambda: market_data.bundle(symbol, interval, since))
        if (page := pages.find(key)) is not None:
            pages.remember(request.scope["query_string"], page)
        return response

    @router.post(BUNDLE_PATH, responses=documented(BatchAnswers, "bundles", body=True))
    async def bundles(request: Request, batch: BatchRequest) -> Response:
        """Return up to 100 bundles, each as GET answers it. Counts as many requests as it holds."""
        caller = request.scope["dantaro.caller"]
        if not caller.unlimited and len(batch.requests) > 1:
            limiter.take(caller.sha256, cost=len(batch.requests) - 1)
        parts: list[bytes] = []
        for item in batch.requests:
            try:
                parts.append(b'{"bundle":%b}' % (await page_of(item)).body)
            except DantaroError as error:
                problem = problem_of(error).model_dump_json(by_alias=True)
                parts.append(b'{"problem":%b}' % problem.encode())
            await clock.sleep(0)
        return Response(
            b'{"answers":[%b]}' % b",".join(parts),
            headers={"Cache-Control": "no-store"},
            media_type="application/json",
        )

    return router
