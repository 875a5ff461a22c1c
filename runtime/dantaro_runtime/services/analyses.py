"""What central makes of a market that is traded with real money."""

from datetime import datetime, timedelta
from decimal import Decimal

from dantaro_crds.errors import DantaroError
from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_status import Fact
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.report import FINE, NOT_ASKED
from dantaro_runtime.ports import Central

__all__ = ["Analyses", "is_due"]

_EVERY = timedelta(seconds=30)
"""How often central is asked, whether it answers or not: one that is silent must not hold up each
look at the venue. It analyses every five minutes."""

_LONGEST_HOLE = timedelta(hours=6)
"""So long before a moment the last candle is looked for: a page of central's holds it."""


class Analyses:
    """Keeps the newest analyses of one market.

    Args:
        central: Where they come from.
        symbol: The market.
        interval: Interval of the indicators.
    """

    def __init__(self, central: Central, *, symbol: str, interval: Interval) -> None:
        self._central = central
        self._symbol = symbol
        self._interval = interval
        self._known: list[Analysis] = []
        self._asked: datetime | None = None
        self._sought: datetime | None = None
        self.is_rehearsal = False
        """Whether a market that is not live will do."""
        self.fact = NOT_ASKED
        """Whether central answers."""

    async def ask(self, now: datetime) -> None:
        """Ask central if it is time. Without analysis no entries; exits go by the price."""
        if not is_due(self._asked, now, _EVERY):
            return
        self._asked = now
        try:
            bundle = await self._central.fetch_bundle(
                self._symbol, self._interval, since=now - timedelta(minutes=2)
            )
        except DantaroError as error:
            self.fact = Fact(ok=False, reason=error.code, message=error.message)
            return
        if bundle is not None and not (bundle.source.live or self.is_rehearsal):
            message = f"central's market is {bundle.source.name}: no entries by it with real money"
            self.fact = Fact(ok=False, reason="MarketNotLive", message=message)
            return
        self.fact = FINE
        if bundle is not None:
            self._known = list(bundle.analyses) or self._known

    async def close_before(self, moment: datetime, *, now: datetime) -> Decimal | None:
        """Return the close of the last candle before a moment; None if central does not say."""
        if not is_due(self._sought, now, _EVERY):
            return None
        self._sought = now
        since = moment - _LONGEST_HOLE
        try:
            bundle = await self._central.fetch_bundle(self._symbol, self._interval, since=since)
        except DantaroError:
            return None
        candles = bundle.candles if bundle is not None else []
        closes = [c.close for c in candles if c.time + timedelta(minutes=1) <= moment]
        return closes[-1] if closes else None

    def at(self, now: datetime) -> Analysis | None:
        """Return the newest analysis that may be used at a time."""
        known = [analysis for analysis in self._known if analysis.data_until <= now]
        return known[-1] if known else None


def is_due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Return whether something is to be done again that was done at `last`.

    A clock set back must not keep anything from being looked at.
    """
    return last is None or not last <= now < last + every
