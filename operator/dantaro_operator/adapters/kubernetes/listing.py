"""A collection, read page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

__all__ = ["Listing"]


class Listing:
    """The objects of a collection as of one moment, for one `async for`.

    An object of a list has no `apiVersion` and no `kind`. When reading takes longer than the server
    keeps old versions (5 minutes), it ends with a TransientError whose code is Expired.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        """Keep how a page is fetched, given the token that the page before ended with."""
        self._fetch = fetch
        self._version = ""

    @property
    def resource_version(self) -> str:
        """Return the version that a watch would go on from; empty before the first page."""
        return self._version

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the objects."""
        token = ""
        while True:
            page = await self._fetch(token)
            self._version = page["metadata"]["resourceVersion"]
            token = page["metadata"].get("continue", "")
            for item in page["items"] or ():  # an empty list of metadata is null
                yield item
            if not token:
                return
