"""Whether the process lives, whether it can serve, and its figures. No key is asked for."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from dantaro_central.errors import NotReadyError
from dantaro_central.metrics import Metrics
from dantaro_central.routes.documents import not_ready
from dantaro_central.services.market_data import MarketDataService
from dantaro_central.services.page_cache import Run
from dantaro_crds.wire.bundle import CentralHealth

__all__ = ["build_health_router"]


def build_health_router(market_data: MarketDataService, metrics: Metrics, *, run: Run) -> APIRouter:
    """Return the routes of health and metrics."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> CentralHealth:
        """Return what a person or the operator wants to know first; 200 while the process lives."""
        return await run(market_data.health)

    @router.get("/ready", responses=not_ready())
    async def ready() -> dict[str, str]:
        """Return 200 once bundles can be served, else 503."""
        if not await run(market_data.is_ready):
            raise NotReadyError("no market is stored yet: try again in a moment")
        return {"status": "ready"}

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics_text() -> Response:
        """Return all series in the text format of Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
