"""One market of a real venue as a bot follows it: last price, price steps, state and warnings."""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.wire.bot_status import Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.risk import day_start, has_day_changed
from dantaro_runtime.core.venue import VenueMarket
from dantaro_runtime.ports import MARKET_GONE, VENUE_OFFLINE, Venue
from dantaro_runtime.services.account_audit import Teller
from dantaro_runtime.services.analyses import Analyses, is_due

__all__ = ["LiveMarket"]

_T = TypeVar("_T")

_MARKET_EVERY = timedelta(hours=1)
"""How often price steps, fee and state of the market are read again."""

_PRICE_LASTS = timedelta(seconds=10)
"""Age of the last price at which nothing new is bought by it."""


class LiveMarket:
    """Reads one market and tells a desk of it.

    Args:
        desk: Decisions and books.
        venue: The venue.
        analyses: What central knows of the market.
        clock: Wall time.
        symbol: The market.
        tell: Tells people.
    """

    def __init__(
        self,
        *,
        desk: Desk[Any],
        venue: Venue,
        analyses: Analyses,
        clock: Clock,
        symbol: str,
        tell: Teller,
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._analyses = analyses
        self._clock = clock
        self._symbol = symbol
        self._tell = tell
        self.time: datetime | None = None
        """When the last price was read."""
        self.last: Decimal | None = None
        """The last price, quote currency."""
        self.speed = 1.0
        """Seconds of the clock in one of the machine's, in a rehearsal."""
        self._market: VenueMarket | None = None
        self._read: datetime | None = None
        self._is_odd = False
        desk.is_price_fresh = self.is_fresh

    @property
    def price(self) -> Decimal:
        """Return the last price, which was read before."""
        assert self.last is not None
        return self.last

    def fact(self) -> Fact:
        """Return that the venue answers, and what it warns of."""
        warning = self._market.warning if self._market is not None else ""
        return Fact(ok=True, reason="Fine", message=warning)

    def is_fresh(self) -> bool:
        """Return whether something new may be bought by the last price."""
        if self.time is None:
            return False
        age = self._clock.now() - self.time
        return timedelta(0) <= age <= _PRICE_LASTS * self.speed

    async def read_rules(self, *, when_due: bool = False) -> None:
        """Read price steps, fee, state and warnings; with `when_due` once in an hour.

        Raises:
            TransientError: No orders are taken now; with code `MARKET_GONE` the market is gone.
        """
        if when_due and not is_due(self._read, self._clock.now(), _MARKET_EVERY):
            return
        market = await self._ask(self._venue.fetch_market())
        if not market.is_open:
            raise TransientError(
                f"{self._symbol} is not traded at the venue now: orders stay where they are, stops "
                "cannot be carried out; it is asked again",
                code=VENUE_OFFLINE,
            )
        if market.warning and (self._market is None or market.warning != self._market.warning):
            self._tell("VenueWarning", market.warning)
        self._market, self._read = market, self._clock.now()
        self._desk.set_rules(market.rules, may_begin=not market.is_flagged)

    async def read_price(self) -> None:
        """Read the last price, and start a trading day with it where one has begun."""
        price = await self._ask(self._venue.fetch_price())
        now = price.read
        if has_day_changed(self._desk.desk.risk, now):
            self._desk.start_day(now, await self._price_before_day(now, price.last))
        self.time, self.last = now, price.last
        self._desk.set_market(time=now, last=price.last, analysis=self._analyses.at(now))

    async def is_confirmed(self) -> bool:
        """Return whether the last price lies in the order book, or near to it.

        A stop must not fall to a bad tick; a book that does not answer holds up no stop.
        """
        try:
            book = await self._venue.fetch_book()
        except TransientError:
            return True
        band = self._desk.gate.limits.price_band_percent
        lowest, highest = book.bid * (1 - band / 100), book.ask * (1 + band / 100)
        was_odd, self._is_odd = self._is_odd, not lowest <= self.price <= highest
        if self._is_odd and not was_odd:
            self._tell(
                "OddPrice",
                f"the last price {self.price:f} is more than {band} % away from the order book, "
                f"{book.bid:f} to {book.ask:f}: stops wait for a price that the book confirms",
            )
        return not self._is_odd

    async def _ask(self, answer: Awaitable[_T]) -> _T:
        try:
            return await answer
        except TransientError as error:
            if error.code != MARKET_GONE:
                raise
            held = self._desk.desk.ledger.base
            raise TransientError(
                f"{error.message}; of its coin the bot holds {held:f}", code=MARKET_GONE
            ) from error

    async def _price_before_day(self, now: datetime, last: Decimal) -> Decimal | None:
        """Return the last price before the trading day of `now`; None while nobody can tell.

        A bot that was away at its start asks central, or what happened meanwhile would not count.
        """
        if self._desk.desk.risk.day is None:
            return last
        began = day_start(now)
        if self.time is not None and self.time < began <= self.time + _PRICE_LASTS * self.speed:
            return self.last
        return await self._analyses.close_before(began, now=now)
