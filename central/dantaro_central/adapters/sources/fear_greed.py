"""A public fear-and-greed index of crypto markets, for those who want it in place of our own."""

from datetime import UTC, datetime

import httpx

from dantaro_central.core.findings import PublicMood
from dantaro_crds.errors import TransientError

__all__ = ["PublicFearGreed"]

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 65_536


class PublicFearGreed:
    """Asks a server for `{"data": [{"value": "40", "timestamp": "1700000000"}]}`, newest day first.

    Source:
        The shape of alternative.me's public index: whole numbers from 0 to 100, seconds since
            1970.
    """

    def __init__(self, client: httpx.AsyncClient, *, url: str) -> None:
        """Choose a server.

        Args:
            client: Closed by its owner.
            url: The whole address.
        """
        self._client = client
        self._url = url

    async def fetch(self) -> PublicMood:
        """Return the newest value.

        Raises:
            TransientError: The server does not answer as it should.
        """
        try:
            response = await self._client.get(self._url, timeout=_TIMEOUT_SECONDS)
            response.raise_for_status()
            found = response.text[:_MOST_BYTES]
            row = response.json()["data"][0]
            value = int(row["value"])
            time = datetime.fromtimestamp(int(row["timestamp"]), UTC)
        except httpx.HTTPError as error:
            raise TransientError(
                f"fear-and-greed index: expected an answer, found {type(error).__name__}: {error}"
            ) from error
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise TransientError(
                'fear-and-greed index: expected {"data": [{"value": "0" to "100", "timestamp": '
                f"seconds}}]}}, found {found[:80]!r}"
            ) from error
        if not 0 <= value <= 100:
            raise TransientError(f"fear-and-greed index: expected 0 to 100, found {value}")
        return PublicMood(value=value, time=time, source=response.url.host)
