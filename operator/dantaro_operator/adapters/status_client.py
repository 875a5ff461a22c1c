"""Asks bots and central how they are, all at once, each within a second or two."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import httpx
from pydantic import ValidationError

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth

__all__ = ["HttpStatusClient"]

TIMEOUT = 1.5
"""Seconds that an answer from this machine may take; the next round asks again."""

M = TypeVar("M", bound=Model)


class HttpStatusClient:
    """Reads the status pages over HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def fetch_reports(self, urls: Mapping[str, str]) -> Mapping[str, BotReport]:
        """Return the reports of those bots that answered.

        Args:
            urls: Address of the status page by uid of the bot.
        """
        answers = await asyncio.gather(
            *(self._fetch(BotReport, url) for url in urls.values()),
        )
        pairs = zip(urls, answers, strict=True)
        # Another bot may have got the port of one that is gone.
        return {uid: report for uid, report in pairs if report is not None and report.uid == uid}

    async def fetch_health(self, url: str) -> CentralHealth | None:
        """Return what central says of itself; None if it does not answer."""
        return await self._fetch(CentralHealth, f"{url}/health")

    async def _fetch(self, model: type[M], url: str) -> M | None:
        try:
            answer = await self._client.get(url, timeout=TIMEOUT)
            return model.model_validate_json(answer.content, extra="ignore")
        except (httpx.HTTPError, ValidationError):
            return None
