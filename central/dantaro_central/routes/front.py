"""Answers `GET /bundle` from memory, before anything looks at the request in detail.

Only what was asked before in the same words, and answered, is answered here: everything else,
wrong requests too, goes to the app.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from dantaro_central.routes.answers import render
from dantaro_central.routes.bundle import BUNDLE_PATH
from dantaro_central.routes.measured import ROUTE
from dantaro_central.services.page_cache import PageCache
from dantaro_crds.kit.clock import Clock

__all__ = ["BundleFront"]


class BundleFront:
    """Wraps the app."""

    def __init__(self, app: ASGIApp, *, pages: PageCache, clock: Clock) -> None:
        self._app = app
        self._pages = pages
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == BUNDLE_PATH and scope["method"] == "GET":
            page = self._pages.find(scope["query_string"])
            if page is not None:
                scope[ROUTE] = BUNDLE_PATH
                now = self._clock.now().timestamp()
                status, headers, body = render(page, scope["headers"], now)
                start = {"type": "http.response.start", "status": status, "headers": headers}
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)
