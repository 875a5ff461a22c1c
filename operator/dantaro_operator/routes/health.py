"""/healthz for the liveness probe, /readyz for the readiness probe, /metrics for Prometheus."""

from collections.abc import Callable

from aiohttp import web

from dantaro_operator.metrics import Metrics
from dantaro_operator.services.health import HealthService

__all__ = ["build_app"]


def build_app(health: HealthService, metrics: Metrics) -> web.Application:
    """Return the application. A probe's answer says in a line what is wrong."""

    def answer(check: Callable[[], str]) -> web.Response:
        trouble = check()
        return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)

    async def healthz(_: web.Request) -> web.Response:
        return answer(health.find_stall)

    async def readyz(_: web.Request) -> web.Response:
        return answer(health.find_delay)

    async def metrics_text(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_text)
    return app
