"""Pages as HTTP answers: entity tag, age, gzip, and the short answer for those who have it."""

from collections.abc import Callable
from typing import TypeAlias

from fastapi import Request, Response

from dantaro_central.services.page_cache import PageCache
from dantaro_central.services.pages import MIN_PACKED_BYTES, Page
from dantaro_crds.kit.clock import Clock

__all__ = ["AGE_HEADER", "Answering", "Headers", "header_of", "render"]

Headers: TypeAlias = list[tuple[bytes, bytes]]

AGE_HEADER = "Dantaro-Data-Age"
"""Seconds of market time since the last candle or analysis that an answer used."""

_PACKED = "-gzip"
"""Ends the tag of a packed answer: its bytes differ."""

_FIXED: Headers = [(b"cache-control", b"private, no-cache"), (b"vary", b"Accept-Encoding")]
"""A cache may keep an answer for whoever asked, and has to ask again each time."""


def header_of(headers: Headers, name: bytes) -> bytes:
    """Return the first header of a name (lower case), empty if there is none."""
    for found, value in headers:
        if found == name:
            return value
    return b""


def render(page: Page, headers: Headers, now: float) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of the answer to a request.

    Args:
        page: The answer.
        headers: Of the request, names in lower case.
        now: Wall time, seconds since 1970.
    """
    packed = len(page.body) >= MIN_PACKED_BYTES and b"gzip" in header_of(
        headers, b"accept-encoding"
    )
    tag = f'"{page.tag}{_PACKED if packed else ""}"'
    answer = [(b"etag", tag.encode()), *_FIXED]
    if (age := page.age(now)) is not None:
        answer.append((b"dantaro-data-age", b"%d" % age))
    known = header_of(headers, b"if-none-match")
    if known and _is_known(page.tag, known.decode("latin-1")):
        return 304, answer, b""
    body = page.packed() if packed else page.body
    if packed:
        answer.append((b"content-encoding", b"gzip"))
    answer.append((b"content-type", b"application/json"))
    answer.append((b"content-length", b"%d" % len(body)))
    return 200, answer, body


def _is_known(tag: str, known: str) -> bool:
    """Return whether a request has a page already, packed or not: the JSON is the same."""
    same = {f'"{tag}"', f'"{tag}{_PACKED}"', "*"}
    return any(part.strip().removeprefix("W/") in same for part in known.split(","))


class Answering:
    """What a route does with a page: get it from the cache, answer with it."""

    def __init__(self, pages: PageCache, clock: Clock) -> None:
        self._pages = pages
        self._clock = clock

    async def __call__(
        self, request: Request, key: tuple[object, ...], make: Callable[[], Page]
    ) -> Response:
        """Return the answer to a request.

        Args:
            request: The request.
            key: What is asked for.
            make: Reads the database, unless the cache has it.
        """
        page = await self._pages.get(key, make)
        status, headers, body = render(
            page, request.scope["headers"], self._clock.now().timestamp()
        )
        response = Response(body, status_code=status)
        response.raw_headers = headers
        return response
