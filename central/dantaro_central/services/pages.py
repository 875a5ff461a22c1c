"""An answer as bytes, with what its headers say."""

import gzip
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from dantaro_central.core.market_clock import MarketClock

__all__ = ["MIN_PACKED_BYTES", "Page", "build_page"]

MIN_PACKED_BYTES = 1024
"""Shorter answers are sent as they are: packing saves nothing that counts."""

_LEVEL = 1
"""A page of 500 candles: 1.4 ms and 15 % of its size; level 6 takes 5 ms for 12 %."""


@dataclass(slots=True, kw_only=True)
class Page:
    """An answer as bytes.

    Attributes:
        body: JSON.
        tag: Entity tag over the body, without quotes.
        until: Market time up to which data was used, seconds since 1970; None: of no time.
        shown: Market time of a market that is not live, seconds since 1970; None: it is wall time.
    """

    body: bytes
    tag: str
    until: float | None = None
    shown: float | None = None
    _packed: bytes | None = field(default=None, repr=False)

    def age(self, now: float) -> int | None:
        """Return how old the data is, whole seconds of market time; None: of no time.

        Args:
            now: Wall time, seconds since 1970.
        """
        if self.until is None:
            return None
        return max(int((now if self.shown is None else self.shown) - self.until), 0)

    def packed(self) -> bytes:
        """Return the body as gzip; made once."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, _LEVEL, mtime=0)
        return self._packed


def build_page(text: str, clock: MarketClock, until: datetime | None) -> Page:
    """Return an answer.

    Args:
        text: JSON.
        clock: Market time.
        until: Market time up to which data was used.
    """
    body = text.encode()
    return Page(
        body=body,
        tag=hashlib.sha256(body).hexdigest()[:32],
        until=until.timestamp() if until else None,
        shown=None if clock.source.live else clock.cursor.timestamp(),
    )
