"""The routes of a bot: health, readiness, status, metrics."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dantaro_crds.kit.clock import Clock
from dantaro_runtime.metrics import BotMetrics
from dantaro_runtime.routes.server import Answer
from dantaro_runtime.series import CONTENT_TYPE
from dantaro_runtime.services.bot import BotService

__all__ = ["build_routes"]

_STALL = timedelta(minutes=2)
"""A trading loop that has not turned for so long is stuck."""


def build_routes(
    bot: BotService[Any],
    *,
    turned: Callable[[], float],
    metrics: BotMetrics,
    clock: Clock,
) -> dict[str, Callable[[], Answer]]:
    """Return the table of routes; `turned` tells when the trading loop last turned, monotonic."""

    def health() -> Answer:
        stalled = clock.monotonic() - turned() > _STALL.total_seconds()
        text = b"the trading loop is stuck\n" if stalled else b"ok\n"
        return Answer(status=503 if stalled else 200, body=text, content_type="text/plain")

    def ready() -> Answer:
        fact = bot.report().ready
        text = f"{fact.reason}: {fact.message}\n".encode()
        return Answer(status=200 if fact.ok else 503, body=text, content_type="text/plain")

    def status() -> Answer:
        body = bot.report().model_dump_json(by_alias=True, exclude_none=True)
        return Answer(status=200, body=body.encode())

    def series() -> Answer:
        return Answer(status=200, body=metrics.render(bot.report()), content_type=CONTENT_TYPE)

    return {"/healthz": health, "/readyz": ready, "/status": status, "/metrics": series}
