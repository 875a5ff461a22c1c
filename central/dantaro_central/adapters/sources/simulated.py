"""The made-up market as a source."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dantaro_central.core.candles import MINUTE, Candle, aggregate, floor_time
from dantaro_central.core.findings import Batch
from dantaro_central.core.market_clock import Market, MarketUse, SourceIdentity
from dantaro_central.core.simulation import SIMULATED_MARKETS, SimulatedMarket
from dantaro_central.ports import Outline
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text

__all__ = ["SimulatedSource"]

_FIVES, _HOURS, _DAYS = timedelta(days=5), timedelta(days=101), timedelta(days=210)
_DAY = Interval.D1.span


class SimulatedSource:
    """Makes up candles by a seed."""

    def __init__(
        self, *, seed: int, symbols: Sequence[str], start: datetime | None, clock: Clock
    ) -> None:
        """Choose a market.

        Args:
            seed: Another seed is another history.
            symbols: Markets to make up; empty: all there are.
            start: Open of the first 1-minute candle; None: the wall minute of the first start.
            clock: Wall time.
        """
        self._asked = symbols or tuple(SIMULATED_MARKETS)
        self._start = floor_time(start, MINUTE) if start else None
        self._clock = clock
        self._markets = {
            symbol: SimulatedMarket(symbol, seed=seed)
            for symbol in self._asked
            if symbol in SIMULATED_MARKETS
        }
        self.identity = SourceIdentity(
            name="simulated", live=False, seed=seed, start=utc_text(start) if start else ""
        )

    async def prepare(self, start: datetime | None) -> Outline:
        """Return the markets and the start; it never ends."""
        return Outline(
            markets=[self._market(symbol) for symbol in self._asked],
            start=start or self._start or floor_time(self._clock.now(), MINUTE),
        )

    async def history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return longer candles that closed by `before`: 5m of 5 days, 60m of 101, 1d of 210."""
        made_up = self._markets[market.symbol]
        first = floor_time(before - _HOURS, _DAY)
        hours = list(made_up.drawn(Interval.M60, first, before))
        # One market a turn: making up its hours takes some 0.1 s.
        await self._clock.sleep(0)
        days = made_up.drawn(Interval.D1, floor_time(before - _DAYS, _DAY), first)
        return {
            Interval.M5: list(made_up.drawn(Interval.M5, before - _FIVES, before)),
            Interval.M60: hours,
            Interval.D1: [*days, *aggregate(hours, Interval.D1, until=before)],
        }

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return the candles that closed in (after, until]."""
        return Batch(
            minutes={
                market.symbol: list(self._markets[market.symbol].minutes(after, until))
                for market in markets
            }
        )

    def _market(self, symbol: str) -> Market:
        if symbol in self._markets:
            return Market(symbol=symbol, use=MarketUse.TRADED)
        known = ", ".join(SIMULATED_MARKETS)
        return Market(
            symbol=symbol,
            use=MarketUse.BROKEN,
            reason=f"expected one of the simulated markets {known}, found {symbol}",
        )
