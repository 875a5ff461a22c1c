"""Asks central for the markets that it recommends."""

from pathlib import Path

import aiohttp
import structlog
from pydantic import ValidationError

from dantaro_crds.wire.recommendations import Recommendation, Recommendations
from dantaro_operator.adapters.key_file import read_key

__all__ = ["CentralRecommendations"]

_TIMEOUT = aiohttp.ClientTimeout(total=5)
"""Nobody waits for the answer: what there is counts until the next."""

_LOG = structlog.get_logger()


class CentralRecommendations:
    """Asks over HTTP. The key is read each time: a Secret may be renewed."""

    def __init__(self, session: aiohttp.ClientSession, *, url: str, key_file: Path) -> None:
        """Keep where central is.

        Args:
            session: Client; closed by whoever made it.
            url: Root of central's API.
            key_file: File with the bearer key.
        """
        self._session = session
        self._url = f"{url.rstrip('/')}/api/v1/recommendations"
        self._key_file = key_file
        self._trouble = ""

    async def fetch_recommendations(self) -> tuple[Recommendation, ...] | None:
        """Return the markets that central recommends, best first; None if it does not say."""
        try:
            found = await self._fetch()
        except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as error:
            self._tell(getattr(error, "strerror", None) or type(error).__name__)
            return None
        self._tell("")
        return tuple(found.recommendations)

    async def _fetch(self) -> Recommendations:
        key = read_key(self._key_file)
        async with self._session.get(
            self._url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT,
            allow_redirects=False,
            raise_for_status=True,
        ) as answer:
            return Recommendations.model_validate_json(await answer.read(), extra="ignore")

    def _tell(self, trouble: str) -> None:
        """Log a trouble once, not at every try."""
        if trouble and trouble != self._trouble:
            _LOG.warning(
                "central recommends nothing: bots with symbol auto keep what they have or wait",
                url=self._url,
                key_file=str(self._key_file),
                trouble=trouble,
            )
        self._trouble = trouble
