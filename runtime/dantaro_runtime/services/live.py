"""Live trading: look at the venue, decide, order. Market time is wall time, the price the venue's.

Each look reads the price and the resting orders, takes every execution that the books do not have,
then decides. After anything that went wrong, and after a start, nothing is sent before every order
of the books is explained and the account was seen to hold what the books say.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import structlog

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    RateLimitedError,
    SafetyError,
    TransientError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import EngineState, Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.ledger import explain_shortage
from dantaro_runtime.core.orders import OrderState, id_prefix
from dantaro_runtime.core.report import NOT_ASKED
from dantaro_runtime.core.risk import ORDER_FAILURES, day_start, has_day_changed
from dantaro_runtime.core.snapshots import build_snapshot
from dantaro_runtime.core.strategies.protocol import Level
from dantaro_runtime.core.venue import VenueMarket
from dantaro_runtime.ports import BANNED, SECRET_MISSING, VENUE_OFFLINE, Central, Store, Venue
from dantaro_runtime.services.analyses import Analyses, is_due
from dantaro_runtime.services.live_exchange import LiveExchange
from dantaro_runtime.services.trading import Trading

__all__ = ["LiveTrading"]

S = TypeVar("S")

_ACCOUNT_EVERY = timedelta(minutes=1)
"""How often the account is compared with the books."""

_MARKET_EVERY = timedelta(hours=1)
"""How often price steps, fee and state of the market are read again."""

_PRICE_LASTS = timedelta(seconds=10)
"""Age of the last price at which nothing new is bought by it."""

_LONGEST_BAN = timedelta(hours=24)
"""A stored ban that ends later is one of a clock that was set back."""

_LAG_SECONDS = 2.0
"""So long an account may lag behind its orders."""

_FAILURES = 5
"""Orders in a row that were refused or stayed unknown, after which a person has to look."""

_BARRED_SECONDS = 60.0
"""So long a venue that refused the keys is not asked again."""

_LOG = structlog.get_logger()


class LiveTrading(Generic[S]):
    """Move one desk along a real market.

    Args:
        desk: Decisions and books.
        trading: Desk against the venue.
        venue: The venue.
        exchange: Order truth on it.
        central: Where analyses come from.
        store: The bot's records.
        clock: Wall time.
        symbol: The market.
        interval: Interval of the indicators.
        bot_uid: Uid of the bot.
    """

    def __init__(
        self,
        *,
        desk: Desk[S],
        trading: Trading[S],
        venue: Venue,
        exchange: LiveExchange,
        central: Central,
        store: Store[S],
        clock: Clock,
        symbol: str,
        interval: Interval,
        bot_uid: str,
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._venue = venue
        self._orders = exchange
        self._analyses = Analyses(central, symbol=symbol, interval=interval)
        self._store = store
        self._clock = clock
        self._symbol = symbol
        self._prefix = id_prefix(bot_uid)
        self.resumed = False
        """Whether every order of the books was explained since the last trouble."""
        self.exchange = NOT_ASKED
        """Whether the venue answers."""
        self.caught_up = True
        self.source_ended = False
        self._time: datetime | None = None
        self._last: Decimal | None = None
        self._market: VenueMarket | None = None
        self._market_read: datetime | None = None
        self._account_read: datetime | None = None
        self._recorded: datetime | None = None
        self._foreign: frozenset[str] = frozenset()
        self._true_before: frozenset[str] = frozenset()
        self._barred_until = 0.0
        self._reset: str | None = None
        self._speed = 1.0
        desk.is_price_fresh = self._is_price_fresh

    # The market, as the bot's service sees any

    @property
    def last(self) -> Decimal | None:
        """Return the last price."""
        return self._last

    @property
    def time(self) -> datetime | None:
        """Return the time of the last look."""
        return self._time

    @property
    def central(self) -> Fact:
        """Return whether central answers."""
        return self._analyses.fact

    @property
    def is_between_candles(self) -> bool:
        """Return whether nothing is consumed in part: a look is always whole."""
        return True

    def save(self) -> None:
        """The venue keeps its own books."""

    def configure(self, config: BotConfig) -> None:
        """Keep to the bot's part of the account's order rate; look anew after a reset."""
        self._venue.narrow_orders(config.orders_per_second)
        clock = config.venue.clock if config.venue is not None else None
        self._analyses.is_rehearsal = clock is not None
        self._speed = clock.speed if clock is not None else 1.0
        if config.reset != self._reset:
            self._reset, self.resumed = config.reset, False

    def contribute(self, amount: Decimal) -> Decimal:
        """Return the money put in from now on, as near to `amount` as what is free allows."""
        ledger = self._desk.desk.ledger
        if amount >= ledger.contributed:
            return amount
        free = max(ledger.quote - self._desk.exposure().open_buys, Decimal(0))
        return ledger.contributed - min(ledger.contributed - amount, free)

    # Looks

    async def pull(self, *, may_leave: Callable[[], bool]) -> bool:
        """Look once: read, take, decide, order.

        Raises:
            DantaroError: The venue did not answer, or a safety rule broke.
        """
        _ = may_leave
        await self._analyses.ask(self._clock.now())
        await self._look()
        self.exchange = self._market_fact()
        return False

    def blame(self, error: DantaroError) -> bool:
        """Take that a turn failed: everything is explained anew before anything else is sent.

        Keys that are refused need a person, and asking again and again might bar the address; a
        Secret that is missing may still come.
        """
        self.resumed = False
        self.exchange = Fact(ok=False, reason=error.code, message=error.message)
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            self._desk.bar(self._clock.now() + error.retry_after)
            self._trading.flush(everything=True)
        is_refused = isinstance(error, AuthenticationError) and error.code != SECRET_MISSING
        if is_refused:
            self._barred_until = self._clock.monotonic() + _BARRED_SECONDS
        return is_refused

    async def resume(self) -> None:
        """Explain every order of the books, where the account holds what they say. Twice is once.

        Raises:
            DantaroError: The venue does not say.
        """
        if self.resumed:
            return
        if self._clock.monotonic() < self._barred_until:
            raise TransientError(self.exchange.message, code=self.exchange.reason)
        until = self._desk.desk.barred_until
        if until is not None and until - _LONGEST_BAN <= self._clock.now() < until:
            raise TransientError(
                f"the venue wants no calls before {utc_text(until)}: too many were made",
                code=BANNED,
            )
        await self._read_market()
        await self._read_price()
        await self._look_at_strangers()
        await self._trading.resume()
        await self._trading.take_fills()
        await self._look_at_account()
        # Nothing is placed here: limits and triggers are looked at first.
        self.resumed = True

    async def _look(self) -> None:
        await self.resume()
        now = self._clock.now()
        if is_due(self._market_read, now, _MARKET_EVERY):
            await self._read_market()
        await self._read_price()
        await self._take_changes()
        if self._desk.lock or is_due(self._account_read, now, _ACCOUNT_EVERY):
            await self._look_at_strangers()
            await self._look_at_account()
        if not self._is_price_fresh():
            await self._read_price()
        self._count_failures()
        self._decide(self._clock.now())
        await self._trading.settle()
        self._record(now)

    async def _take_changes(self) -> None:
        for report in await self._orders.fetch_changed(self._desk.orders):
            self._trading.explain(report, asked=False)
        await self._trading.take_fills()

    def _decide(self, now: datetime) -> None:
        self._desk.open_candle(now)
        true = [t for t in self._desk.triggers() if t.is_true_at(self._price())]
        for trigger in true:
            if trigger.name in self._true_before:  # a single bad tick fires nothing
                self._desk.fire(trigger)
        self._true_before = frozenset(trigger.name for trigger in true)

    async def _read_price(self) -> None:
        price = await self._venue.fetch_price()
        now = price.read
        if has_day_changed(self._desk.desk.risk, now):
            self._desk.start_day(now, await self._price_before_day(now, price.last))
        self._time, self._last = now, price.last
        self._desk.set_market(time=now, last=price.last, analysis=self._analyses.at(now))

    async def _price_before_day(self, now: datetime, last: Decimal) -> Decimal | None:
        """Return the last price before the trading day of `now`; None while nobody can tell.

        A bot that was away at its start asks central, or what happened meanwhile would not count.
        """
        if self._desk.desk.risk.day is None:
            return last
        began = day_start(now)
        if self._time is not None and self._time < began <= self._time + _PRICE_LASTS * self._speed:
            return self._last
        return await self._analyses.close_before(began, now=now)

    def _is_price_fresh(self) -> bool:
        if self._time is None:
            return False
        age = self._clock.now() - self._time
        return timedelta(0) <= age <= _PRICE_LASTS * self._speed

    async def _read_market(self) -> None:
        market = await self._venue.fetch_market()
        if not market.is_open:
            raise TransientError(
                f"{self._symbol} is not traded at the venue now: orders stay where they are, stops "
                "cannot be carried out; it is asked again",
                code=VENUE_OFFLINE,
            )
        if self._market is None or market.warning != self._market.warning:
            self._tell("VenueWarning", market.warning)
        self._market, self._market_read = market, self._clock.now()
        self._desk.set_rules(market.rules)

    async def _look_at_strangers(self) -> None:
        """Report the orders of others and leave them alone; ours must be in the books.

        Raises:
            SafetyError: An order under this bot's ids is not in the books: they are older than it.
                Once the bot is in ERROR it is left alone, so that its other orders are cancelled.
        """
        self._trading.flush()
        resting = await self._venue.fetch_open_orders()
        for order in resting:
            is_live = self._desk.orders.get(order.client_id) is not None
            if is_live or not order.client_id.startswith(self._prefix):
                continue
            if self._store.executed_of(order.client_id) is not None:
                self._orders.give_up(order.client_id)
            elif self._desk.desk.engine is not EngineState.ERROR:
                raise SafetyError(
                    f"order {order.client_id} rests at the venue under this bot's ids and is not "
                    "in its books: the store is older than the orders; cancel it by hand, then "
                    "reset the bot",
                    code="UnknownOwnOrder",
                )
        await self._look_at_late()
        foreign = frozenset(o.venue_id for o in resting if not o.client_id.startswith(self._prefix))
        if foreign != self._foreign:
            self._foreign = foreign
            if foreign:
                words = f"{len(foreign)} orders of others rest on {self._symbol} in this account"
                self._tell("ForeignOrders", f"{words}: they are left alone")

    async def _look_at_late(self) -> None:
        """Cancel orders that ended in the books and reached the venue all the same.

        Raises:
            SafetyError: One was executed, of which the books know nothing.
        """
        for found in await self._orders.fetch_late():
            name = found.client_id
            if found.state is OrderState.OPEN:
                await self._venue.cancel(name)
                self._tell("LateOrder", f"order {name} rests though it had ended: it is cancelled")
            elif found.filled_volume != self._store.executed_of(name):
                raise SafetyError(
                    f"order {name} has executed {found.filled_volume} after it ended in the books: "
                    "look at the account, then reset the bot",
                    code="LateFill",
                )

    async def _look_at_account(self) -> None:
        """Compare the account with the books; entries stop while it holds less than they say."""
        short = await self._shortage()
        if short:
            # A fill between two reads looks like coin or money that is missing.
            await self._clock.sleep(_LAG_SECONDS)
            await self._take_changes()
            short = await self._shortage()
        self._account_read = self._clock.now()
        if short and not self._desk.lock:
            self._tell("AccountShort", short, level=Level.ERROR)
        self._desk.set_lock(short)

    async def _shortage(self) -> str:
        desk = self._desk
        return explain_shortage(
            desk.desk.ledger,
            await self._venue.fetch_account(),
            unit=Decimal(1).scaleb(-desk.rules.quote_places),
            last=self._price(),
            symbol=self._symbol,
        )

    def _price(self) -> Decimal:
        assert self._last is not None
        return self._last

    def _count_failures(self) -> None:
        if self._orders.failures >= _FAILURES:
            self._orders.failures = 0
            self._desk.latch(
                ORDER_FAILURES,
                f"{_FAILURES} orders in a row were refused or stayed unknown: entries stop until "
                "a reset; look at the engine's events",
            )
            self._desk.look_at_engine()

    # Records

    def _record(self, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        if self._recorded == minute:
            return
        self._recorded = minute
        self._trading.flush(everything=True)
        if not minute.minute and self._last is not None:
            found = build_snapshot(self._desk, time=minute, last=self._last)
            if found is not None:
                self._store.add_snapshot(*found)

    def _tell(self, reason: str, message: str, *, level: Level = Level.WARNING) -> None:
        if message:
            self._desk.note(reason, message, level=level)
            _LOG.warning("venue", reason=reason, message=message)

    def _market_fact(self) -> Fact:
        warning = self._market.warning if self._market is not None else ""
        return Fact(ok=True, reason="Fine", message=warning)
