"""The public fear-and-greed index of crypto markets, for those who want it beside our own."""

from collections.abc import Callable

import httpx

from dantaro_crds.errors import TransientError

__all__ = ["PublicFearGreed"]

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 65_536


class PublicFearGreed:
    """Asks a server for `{"data": [{"value": "40"}]}`, the newest day first.

    Source:
        The shape of alternative.me's public index, whole numbers from 0 to 100.
    """

    def __init__(self, client: httpx.AsyncClient, *, url: str) -> None:
        """Choose a server.

        Args:
            client: Closed by its owner.
            url: The whole address.
        """
        self._client = client
        self._url = url

    async def fetch(self) -> int:
        """Return the newest value, 0 (fear) to 100 (greed).

        Raises:
            TransientError: The server does not answer as it should.
        """
        try:
            response = await self._client.get(self._url, timeout=_TIMEOUT_SECONDS)
            response.raise_for_status()
            found = response.text[:_MOST_BYTES]
            value = int(response.json()["data"][0]["value"])
        except httpx.HTTPError as error:
            raise TransientError(
                f"fear-and-greed index: expected an answer, found {type(error).__name__}: {error}"
            ) from error
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise TransientError(
                'fear-and-greed index: expected {"data": [{"value": "0" to "100"}]}, found '
                f"{found[:80]!r}"
            ) from error
        if not 0 <= value <= 100:
            raise TransientError(f"fear-and-greed index: expected 0 to 100, found {value}")
        return value

    async def value_or(self, own: int, *, note: Callable[[str], None]) -> int:
        """Return the public value, or our own with a note why.

        Args:
            own: Our own index.
            note: Is told why the public one could not be had.
        """
        try:
            return await self.fetch()
        except TransientError as error:
            note(f"{error.message}: our own index {own} counts")
            return own
