"""Puts the routers together."""

from fastapi import FastAPI

from dantaro_central.metrics import Metrics
from dantaro_central.routes.bundle import build_bundle_router
from dantaro_central.routes.dependencies import key_required
from dantaro_central.routes.health import build_health_router
from dantaro_central.routes.markets import build_markets_router
from dantaro_central.routes.measured import MeasuredApp
from dantaro_central.routes.problem import install_problems
from dantaro_central.routes.recommendations import build_recommendations_router
from dantaro_central.services.keys import KeyService
from dantaro_central.services.market_data import MarketDataService

__all__ = ["build_app"]


def build_app(
    market_data: MarketDataService, keys: KeyService, metrics: Metrics, *, version: str
) -> FastAPI:
    """Return the API."""
    # Answers are not compressed: packing a full page takes longer than making it, and the bots are
    # near.
    app = FastAPI(title="Dantaro central", version=version, docs_url=None, redoc_url=None)
    app.include_router(build_health_router(market_data, metrics))
    for router in (
        build_bundle_router(market_data),
        build_markets_router(market_data),
        build_recommendations_router(market_data),
    ):
        app.include_router(router, dependencies=[key_required(keys)])
    app.add_middleware(MeasuredApp, metrics=metrics)
    install_problems(app)
    return app
