"""Asks bots and central how they are, all at once, each within a second or two."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import ValidationError

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.wire.bot_config import CentralConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.recommendations import Recommendation, Recommendations
from dantaro_operator.adapters.key_file import read_key

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

    async def fetch_recommendations(
        self, central: CentralConfig
    ) -> tuple[Recommendation, ...] | None:
        """Return the markets that central recommends, best first; None if it does not say."""
        try:
            key = read_key(Path(central.key_file))
        except OSError:
            return None
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{central.url}/api/v1/recommendations"
        found = await self._fetch(Recommendations, url, headers=headers)
        return None if found is None else tuple(found.recommendations)

    async def _fetch(
        self, model: type[M], url: str, *, headers: Mapping[str, str] | None = None
    ) -> M | None:
        try:
            answer = await self._client.get(url, timeout=TIMEOUT, headers=headers)
            return model.model_validate_json(answer.content, extra="ignore")
        except (httpx.HTTPError, ValidationError):
            return None
