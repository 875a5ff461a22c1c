"""Reads the status page of one bot at a time, for many bots."""

import aiohttp
from pydantic import ValidationError

from dantaro_crds.wire.bot_status import BotReport

__all__ = ["BotReports"]

_LARGEST = 1_000_000
"""Bytes that a report may have: a grid of 100 lines needs a fiftieth of it."""


class BotReports:
    """Asks over HTTP."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def fetch_report(self, url: str) -> BotReport | None:
        """Return what a bot says of itself; None if it does not answer."""
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                body = await answer.content.read(_LARGEST)
            if answer.status != 200:
                return None
            report = BotReport.model_validate_json(body, extra="ignore")
        except (aiohttp.ClientError, TimeoutError, OSError, ValidationError):
            return None
        # Only counts of orders go into a status; the orders themselves would fill the memory.
        return report.model_copy(update={"open_orders": []})
