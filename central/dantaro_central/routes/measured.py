"""Counts and times every request."""

from collections.abc import Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dantaro_central.metrics import Metrics

__all__ = ["ROUTE", "MeasuredApp"]

ROUTE = "dantaro.route"
"""Where an app that answers without a route of FastAPI names it in the scope."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MeasuredApp:
    """Wraps an app; labels are the route's template, so that their variety is bounded."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._series: dict[tuple[str, str, int], Callable[[float], None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            route = scope.get(ROUTE) or getattr(scope.get("route"), "path", None)
            labels = (scope["method"], route or "unknown", status)
            note = self._series.get(labels) or self._bind(*labels)
            note(perf_counter() - began)

    def _bind(self, method: str, route: str, status: int) -> Callable[[float], None]:
        """Return what notes one request; looked up once, since labels cost more than counting."""
        if method not in _METHODS:
            method = "other"
        labels = (method, route, str(status))
        count = self._metrics.requests.labels(*labels).inc
        observe = self._metrics.request_seconds.labels(*labels).observe

        def note(seconds: float) -> None:
            count()
            observe(seconds)

        self._series[method, route, status] = note
        return note
