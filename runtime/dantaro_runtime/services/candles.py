"""Paper trading on closed one-minute candles: each is consumed once, in order.

Market time is the candles'. Neither the polling rate, nor a restart, nor the speed of a replay
changes a fill: the walk through a candle is stored with every event in it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import Fact
from dantaro_crds.wire.bundle import MAX_BUNDLE_CANDLES, Analysis, Bundle, Candle
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.paper import Fills, Opened, TriggerFired
from dantaro_runtime.core.report import FINE, NOT_ASKED
from dantaro_runtime.core.risk import has_day_changed
from dantaro_runtime.core.snapshots import build_snapshot
from dantaro_runtime.ports import Central, PaperFeed, Store
from dantaro_runtime.services.trading import Trading

__all__ = ["CandleTrading"]

S = TypeVar("S")

_MINUTE = timedelta(minutes=1)

_MISSED = 2 * _MINUTE
"""Candles that closed longer than this before the start were missed, with a live source."""

_BREATH = 20
"""Candles after which other tasks (the HTTP server) get their turn."""


class CandleTrading(Generic[S]):
    """Move one paper market, and the desk with it, along central's candles.

    Args:
        desk: Decisions and books.
        trading: Desk against the paper exchange.
        feed: The paper exchange as a market.
        central: Where candles and analyses come from.
        store: The bot's records.
        clock: For yielding to other tasks.
        symbol: The market.
        interval: Interval of the indicators.
        start_time: First market time to trade from; None is as the source has it.
    """

    def __init__(
        self,
        *,
        desk: Desk[S],
        trading: Trading[S],
        feed: PaperFeed,
        central: Central,
        store: Store[S],
        clock: Clock,
        symbol: str,
        interval: Interval,
        start_time: datetime | None,
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._feed = feed
        self._central = central
        self._store = store
        self._clock = clock
        self._symbol = symbol
        self._interval = interval
        self._start_time = start_time
        self.resumed = False
        """Whether every order of the books was explained since the last trouble."""
        self._missed_before: datetime | None = None
        self._missed = False
        self._analyses: list[Analysis] = []
        self._central_error: DantaroError | None = None
        self.central = NOT_ASKED
        """Whether central answers."""
        self.exchange = FINE
        """Paper always answers."""
        self.caught_up = False
        """Whether every candle that central has is consumed."""
        self.source_ended = False
        """Whether central says that there will be no more."""

    async def pull(self, *, may_leave: Callable[[], bool]) -> bool:
        """Consume one page.

        Args:
            may_leave: Asked after each candle; true ends the page there.

        Returns:
            Whether there is more to read at once.

        Raises:
            DantaroError: Central did not give a page, or a safety rule broke.
        """
        bundle = await self._ask_central()
        if bundle is None:
            return False
        self._meet(bundle)
        candles = bundle.candles
        is_left = False
        for number, candle in enumerate(candles):
            if number % _BREATH == 0:
                await self._clock.sleep(0)
            await self._consume(candle)
            if is_left := may_leave():
                break
        if not candles:
            await self.resume()
        self._trading.flush(everything=True)
        self._feed.save()
        more = is_left or len(candles) == MAX_BUNDLE_CANDLES
        self.caught_up = not more
        self.source_ended = bundle.source.ended
        return more

    def configure(self, config: BotConfig) -> None:
        """Paper has no order rate to share."""

    def blame(self, error: DantaroError) -> bool:
        """Take that a turn failed: if it was not for central, every order is explained anew."""
        if error is not self._central_error:
            self.resumed = False
        return False

    async def _ask_central(self) -> Bundle | None:
        try:
            bundle = await self._central.fetch_bundle(
                self._symbol, self._interval, since=self._since()
            )
        except DantaroError as error:
            self._central_error = error
            self.central = Fact(ok=False, reason=error.code, message=error.message)
            raise
        self.central, self._central_error = FINE, None
        return bundle

    def _since(self) -> datetime | None:
        if self._feed.cursor is not None:
            return self._feed.cursor
        return None if self._start_time is None else self._start_time - _MINUTE

    def _meet(self, bundle: Bundle) -> None:
        # The newest analysis of the last page may still be the one in force.
        self._analyses = [*self._analyses[-1:], *bundle.analyses]
        if not bundle.source.live:
            return
        if self._missed_before is None:
            self._missed_before = bundle.market_time - _MISSED
        if self._feed.cursor is None and self._start_time is None:
            minute = bundle.market_time.replace(second=0, microsecond=0)
            self._feed.start_at(minute - _MINUTE)

    async def _consume(self, candle: Candle) -> None:
        if self._missed_before is not None and candle.time + _MINUTE < self._missed_before:
            # A day starts with the price before it, also for a bot that is away then.
            self._start_day(candle.time)
            self._feed.absorb(candle)
            self._missed = True
            return
        if self._missed:
            await self._come_back(candle)
        await self.resume()
        self._start_day(candle.time)
        if not self._feed.begin(candle, opened=self._desk.desk.opened) and not candle.time.minute:
            self._record(candle.time)
        while event := self._feed.next_event(self._desk.triggers()):
            await self._react(event, candle)

    def _start_day(self, time: datetime) -> None:
        if not has_day_changed(self._desk.desk.risk, time):
            return
        # The day's first figures are at the price before it, which the next move takes away: they
        # are stored before that, and after everything that belongs to the day before.
        self._record(time)
        self._trading.flush(everything=True)
        self._feed.save()
        self._desk.start_day(time, self._feed.last)
        self._trading.flush(everything=True)

    async def _come_back(self, candle: Candle) -> None:
        """Take the fills of missed candles at the last close, then look at the triggers."""
        self._missed = False
        self._feed.arrive(candle.time)
        await self.resume()
        while trigger := self._feed.due_trigger(self._desk.triggers()):
            self._desk.fire(trigger)
            await self._trading.settle()

    async def resume(self) -> None:
        """Reconcile with the exchange where the market stood. Twice is as once."""
        if self.resumed:
            return
        if self._feed.time is not None:
            self._set_market(self._feed.time)
            await self._trading.resume()
            await self._trading.settle()
        self.resumed = True

    async def _react(self, event: Fills | TriggerFired | Opened, candle: Candle) -> None:
        if isinstance(event, Opened):
            self._set_market(candle.time)
            self._desk.open_candle(candle.time)
        else:
            self._trading.flush(everything=True)
            self._feed.save()
            self._set_market(candle.time)
            if isinstance(event, TriggerFired):
                self._desk.fire(event.trigger)
        await self._trading.settle()

    def _set_market(self, opened: datetime) -> None:
        assert self._feed.time is not None
        assert self._feed.last is not None
        self._desk.set_market(
            time=self._feed.time, last=self._feed.last, analysis=self._analysis_at(opened)
        )

    def _analysis_at(self, time: datetime) -> Analysis | None:
        while len(self._analyses) > 1 and self._analyses[1].data_until <= time:
            self._analyses.pop(0)
        if self._analyses and self._analyses[0].data_until <= time:
            return self._analyses[0]
        return None

    def _record(self, time: datetime) -> None:
        last = self._feed.last
        found = build_snapshot(self._desk, time=time, last=last) if last is not None else None
        if found is not None:
            self._store.add_snapshot(*found)
