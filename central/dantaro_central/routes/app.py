"""Puts the routers together."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from dantaro_central.metrics import Metrics
from dantaro_central.routes.answers import Answering
from dantaro_central.routes.bundle import build_bundle_router
from dantaro_central.routes.documents import install_document
from dantaro_central.routes.front import BundleFront
from dantaro_central.routes.guard import Guard
from dantaro_central.routes.health import build_health_router
from dantaro_central.routes.markets import build_markets_router
from dantaro_central.routes.measured import MeasuredApp
from dantaro_central.routes.problem import install_problems
from dantaro_central.routes.recommendations import build_recommendations_router
from dantaro_central.services.keys import KeyService
from dantaro_central.services.market_data import MarketDataService
from dantaro_central.services.page_cache import PageCache, Run
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_crds.kit.clock import Clock

__all__ = ["build_app", "build_routes"]


def build_app(
    market_data: MarketDataService,
    pages: PageCache,
    keys: KeyService,
    limiter: RateLimiter,
    metrics: Metrics,
    clock: Clock,
    *,
    run: Run,
    version: str,
) -> ASGIApp:
    """Return the API: measured, guarded, from memory where it can be, else by its routes."""
    routes = build_routes(market_data, pages, limiter, metrics, clock, run=run, version=version)
    front = BundleFront(routes, pages=pages, clock=clock)
    return MeasuredApp(Guard(front, keys=keys, limiter=limiter), metrics=metrics)


def build_routes(
    market_data: MarketDataService,
    pages: PageCache,
    limiter: RateLimiter,
    metrics: Metrics,
    clock: Clock,
    *,
    run: Run,
    version: str,
) -> FastAPI:
    """Return the routes alone, which ask for no key."""
    app = FastAPI(title="Dantaro central", version=version, docs_url=None, redoc_url=None)
    answer = Answering(pages, clock)
    for router in (
        build_bundle_router(market_data, pages, limiter, answer, clock),
        build_recommendations_router(market_data, answer),
        build_markets_router(market_data, answer),
        build_health_router(market_data, metrics, run=run),
    ):
        app.include_router(router)
    install_problems(app)
    install_document(app)
    return app
