"""Which markets bots ask for that have no 1-minute candles yet."""

from datetime import datetime, timedelta

from dantaro_central.core.market_clock import HISTORY_COMING, Market, MarketUse
from dantaro_central.errors import NotReadyError
from dantaro_central.live_ports import WishStore
from dantaro_crds.kit.clock import Clock

__all__ = ["WishService"]

_AGAIN = timedelta(minutes=10)
"""How long a wish is not noted again."""


class WishService:
    """Notes wishes for the worker, which takes them up within seconds."""

    def __init__(self, store: WishStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, datetime] = {}

    def consider(self, market: Market) -> None:
        """Note that a bot asks for a market of a live source, if that helps.

        Raises:
            NotReadyError: The market will be there: the bot may ask again.
            TransientError: The database does not answer.
        """
        if market.use is MarketUse.ANALYSED:
            self._note(market.symbol)
            raise NotReadyError(
                f"market {market.symbol} gets 1-minute candles now that a bot asked for it: try "
                "again in some seconds"
            )
        if market.use is MarketUse.UNUSED and market.reason == HISTORY_COMING:
            self._note(market.symbol)
            raise NotReadyError(f"market {market.symbol}: {HISTORY_COMING}")

    def _note(self, symbol: str) -> None:
        now = self._clock.now()
        before = self._noted.get(symbol)
        if before is None or not timedelta(0) <= now - before < _AGAIN:
            self._store.save_wish(symbol, now)
            self._noted[symbol] = now
