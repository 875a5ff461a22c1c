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
    TransientError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import EngineState, Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.permit import Permit
from dantaro_runtime.core.report import NOT_ASKED
from dantaro_runtime.core.risk import ORDER_FAILURES
from dantaro_runtime.core.snapshots import build_snapshot
from dantaro_runtime.core.strategies.protocol import Level
from dantaro_runtime.ports import (
    BANNED,
    INSUFFICIENT_FUNDS,
    PRICE_REFUSED,
    SECRET_MISSING,
    VENUE_OFFLINE,
    Central,
    Store,
    Venue,
)
from dantaro_runtime.services.account_audit import AccountAudit
from dantaro_runtime.services.analyses import Analyses, is_due
from dantaro_runtime.services.live_exchange import LiveExchange
from dantaro_runtime.services.live_market import LiveMarket
from dantaro_runtime.services.trading import Trading

__all__ = ["LiveTrading"]

S = TypeVar("S")

_ACCOUNT_EVERY = timedelta(minutes=1)
"""How often the account is compared with the books."""

_LONGEST_BAN = timedelta(hours=24)
"""A stored ban that ends later is one of a clock that was set back."""

_FAILURES = 5
"""Orders in a row that were refused or stayed unknown, after which a person has to look."""

_ACTS_SECONDS = 30.0
"""So long orders are sent by one price; then the venue is looked at again."""

_OUTAGE = timedelta(minutes=5)
"""So long a venue may be silent before people are told."""

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
        self._market = LiveMarket(
            desk=desk,
            venue=venue,
            analyses=self._analyses,
            clock=clock,
            symbol=symbol,
            tell=self._tell,
        )
        self._audit = AccountAudit(
            desk=desk,
            trading=trading,
            venue=venue,
            orders=exchange,
            store=store,
            clock=clock,
            symbol=symbol,
            bot_uid=bot_uid,
            tell=self._tell,
        )
        self.resumed = False
        """Whether every order of the books was explained since the last trouble."""
        self.exchange = NOT_ASKED
        """Whether the venue answers."""
        self.caught_up = True
        self.source_ended = False
        self._account_read: datetime | None = None
        self._recorded: datetime | None = None
        self._true_before: frozenset[str] = frozenset()
        self._must_test = True
        self._silent_since: datetime | None = None
        self._has_told_silence = False
        self._barred_until = 0.0
        self._reset: str | None = None

    # The market, as the bot's service sees any

    @property
    def last(self) -> Decimal | None:
        """Return the last price."""
        return self._market.last

    @property
    def time(self) -> datetime | None:
        """Return the time of the last look."""
        return self._market.time

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
        self._market.speed = clock.speed if clock is not None else 1.0
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
        self.exchange = self._market.fact()
        self._end_silence()
        return False

    def blame(self, error: DantaroError) -> bool:
        """Take that a turn failed: everything is explained anew before anything else is sent.

        Keys that are refused need a person, and asking again and again might bar the address; a
        Secret that is missing may still come.
        """
        self.resumed = False
        self.exchange = Fact(ok=False, reason=error.code, message=error.message)
        self._must_test = self._must_test or error.code == VENUE_OFFLINE
        self._note_silence(error)
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
        await self._market.read_price()
        await self._market.read_rules()
        if self._must_test and self._desk.permit is not Permit.NOTHING:
            await self._venue.test_order(self._market.price)
            self._must_test = False
        await self._audit.look_at_orders()
        await self._trading.resume()
        await self._trading.take_fills()
        if self._desk.desk.engine is not EngineState.ERROR:
            # In ERROR nothing holds up the cancels; a reset looks at the account.
            await self._look_at_balance()
        # Nothing is placed here: limits and triggers are looked at first.
        self.resumed = True

    async def _look(self) -> None:
        await self.resume()
        now = self._clock.now()
        await self._market.read_rules(when_due=True)
        await self._market.read_price()
        await self._take_changes()
        if self._desk.lock or is_due(self._account_read, now, _ACCOUNT_EVERY):
            await self._look_at_account()
        if not self._market.is_fresh():
            await self._market.read_price()
        self._count_failures()
        await self._decide(self._clock.now())
        until = self._clock.monotonic() + _ACTS_SECONDS * self._market.speed
        await self._trading.settle(has_time=lambda: self._clock.monotonic() < until)
        await self._look_at_refusals()
        self._record(now)

    async def _take_changes(self) -> None:
        for report in await self._orders.fetch_changed(self._desk.orders):
            self._trading.explain(report, asked=False)
        await self._trading.take_fills()

    async def _decide(self, now: datetime) -> None:
        self._desk.open_candle(now)
        true = [t for t in self._desk.triggers() if t.is_true_at(self._market.price)]
        due = [t for t in true if t.name in self._true_before]  # a single bad tick fires nothing
        self._true_before = frozenset(trigger.name for trigger in true)
        if due and await self._market.is_confirmed():
            for trigger in due:
                self._desk.fire(trigger)

    async def _look_at_refusals(self) -> None:
        refused = self._orders.take_refusals()
        if PRICE_REFUSED in refused:
            await self._market.read_rules()  # the price steps may be others by now
        if INSUFFICIENT_FUNDS in refused:
            # Either an order that was taken for lost binds it, or somebody took it out.
            await self._look_at_account()

    async def _look_at_account(self) -> None:
        await self._audit.look_at_orders()
        await self._look_at_balance()

    async def _look_at_balance(self) -> None:
        await self._audit.look_at_balance(self._take_changes)
        self._account_read = self._clock.now()

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
        if not minute.minute and self._market.last is not None:
            found = build_snapshot(self._desk, time=minute, last=self._market.last)
            if found is not None:
                self._store.add_snapshot(*found)

    def _tell(self, reason: str, message: str, level: Level = Level.WARNING) -> None:
        self._desk.note(reason, message, level=level)
        _LOG.warning("venue", reason=reason, message=message)

    def _note_silence(self, error: DantaroError) -> None:
        now = self._clock.now()
        self._silent_since = self._silent_since or now
        if now - self._silent_since >= _OUTAGE and not self._has_told_silence:
            self._has_told_silence = True
            since = utc_text(self._silent_since.replace(microsecond=0))
            self._tell(
                "VenueOutage",
                f"the venue cannot be worked with since {since}, orders rest as they were: "
                f"{error.message}",
                Level.ERROR,
            )
            self._trading.flush()

    def _end_silence(self) -> None:
        if self._has_told_silence:
            self._tell("VenueBack", "the venue answers again: every order is explained")
        self._silent_since, self._has_told_silence = None, False
