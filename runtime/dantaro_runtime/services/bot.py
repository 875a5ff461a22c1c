"""One bot as a whole: configuration in, turns of trading, report out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from dantaro_crds.errors import DantaroError, SafetyError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.common import BotState, DeletionPolicy
from dantaro_crds.values import quote_of
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState, Fact
from dantaro_runtime.core.departure import depart, is_flat
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Changes
from dantaro_runtime.core.permit import Permit, Wishes
from dantaro_runtime.core.report import FINE, Surroundings, build_report
from dantaro_runtime.core.strategies.protocol import Level, Note, Strategy
from dantaro_runtime.errors import FencedOffError, StoreError
from dantaro_runtime.ports import Account, Store
from dantaro_runtime.services.trading import Trading

__all__ = ["BotService", "Looks", "Session"]

S = TypeVar("S")


_NOT_EXPLAINED = Fact(
    ok=False, reason="Reconciling", message="its orders are being compared with the venue's"
)


class Looks(Protocol):
    """A market's way through a desk: candle by candle on paper, look by look on a real venue."""

    @property
    def resumed(self) -> bool:
        """Return whether every order of the books was explained."""
        ...

    @property
    def caught_up(self) -> bool:
        """Return whether all there is was looked at."""
        ...

    @property
    def source_ended(self) -> bool:
        """Return whether there will be no more."""
        ...

    @property
    def central(self) -> Fact:
        """Return whether central answers."""
        ...

    @property
    def exchange(self) -> Fact:
        """Return whether the venue answers."""
        ...

    async def pull(self, *, may_leave: Callable[[], bool]) -> bool:
        """Look; return whether there is more to look at, at once."""
        ...

    async def resume(self) -> None:
        """Explain every order of the books. Twice is as once."""
        ...

    def configure(self, config: BotConfig) -> None:
        """Take a configuration into force."""
        ...

    def blame(self, error: DantaroError) -> bool:
        """Take that a turn failed; return whether only a person can mend it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Generic[S]):
    """One bot on one market, as its store left it.

    Attributes:
        market: Symbol that is traded.
        desk: Decisions and books.
        feed: The bot's money there.
        store: The bot's records.
        trading: Desk against the exchange.
        looks: The market's way through the desk.
    """

    market: str
    desk: Desk[S]
    feed: Account
    store: Store[S]
    trading: Trading[S]
    looks: Looks


class BotService(Generic[S]):
    """Bring one bot to its configuration and trade.

    Another market is taken up as by an orderly restart within the process: what the bot remembers
    is stored for the new market in one transaction, and all else is built anew from the store.

    Args:
        config: The first configuration.
        open_session: Builds everything that belongs to a market from the store; the market that is
            stored counts, the configuration's only before there is one.
        clock: Wall time of the heartbeat.
        version: Version of the software.
        build_strategy: Makes the strategy of a configuration.
    """

    def __init__(
        self,
        *,
        config: BotConfig,
        open_session: Callable[[BotConfig], Session[S]],
        clock: Clock,
        version: str,
        build_strategy: Callable[[BotConfig], Strategy[S]],
    ) -> None:
        self._open_session = open_session
        self._now = open_session(config)
        self._is_stale = False
        self._asked = config
        self._config = config.model_copy(update={"symbol": self._now.market})
        self._clock = clock
        self._version = version
        self._build_strategy = build_strategy
        self._flattened = False
        self._must_settle = True
        self._notice = ""
        self.reconciled = FINE
        self._stored = FINE
        self.configure(config)

    @property
    def desk(self) -> Desk[S]:
        """Return decisions and books of the market that is traded."""
        return self._now.desk

    @property
    def config(self) -> BotConfig:
        """Return the configuration in force."""
        return self._config

    @property
    def pause(self) -> float:
        """Return the seconds between two looks when there is nothing more to look at."""
        venue = self._config.venue
        return venue.poll_seconds if venue is not None else self._config.central.poll_seconds

    def configure(self, config: BotConfig) -> None:
        """Take a configuration; twice is as once.

        The strategy of a bot never changes, nor does the market of a grid: a configuration with
        others is taken without that part, and the report says so. Other bots take up another
        market as soon as they are flat.
        """
        self._asked = config
        kept = {"symbol": self._now.market}
        self._notice = self._refuse_market()
        if not self._notice and config.strategy.name != self._now.desk.strategy.name:
            self._notice = (
                f"the strategy cannot change from {self._now.desk.strategy.name} to "
                f"{config.strategy.name} while the bot lives: create another bot"
            )
        if config.strategy.name != self._now.desk.strategy.name:
            config = config.model_copy(update={"strategy": self._config.strategy})
        self._config = config = config.model_copy(update=kept)
        self._flattened = self._flattened and config.drain is DeletionPolicy.FLATTEN
        self._must_settle = True
        self._now.looks.configure(config)
        self._now.desk.strategy = self._build_strategy(config)
        self._now.desk.gate.limits = config.risk
        self._now.desk.budget = config.budget
        self._now.desk.orders_per_minute = config.strategy.orders_per_minute
        self._now.desk.set_wishes(
            Wishes(
                running=config.state is BotState.RUNNING,
                halt=config.halt,
                drain=config.drain,
                accept_loss=config.accept_loss,
            )
        )

    async def turn(self) -> bool:
        """Bring budget, reset and drain about, then consume one page.

        Returns:
            Whether there is more to read at once.

        Raises:
            FencedOffError: Another process has taken over; end.
            StoreError: Nothing can be stored, so nothing is sent; all goes on once it can.
            DantaroError: Central or the venue did not answer; the facts say why.
        """
        if self._config.drain is DeletionPolicy.RETAIN:
            return False
        try:
            return await self._take_turn()
        except StoreError as error:
            # What failed may be stored all the same: the store knows, as after a kill.
            self._is_stale = True
            self._stored = Fact(ok=False, reason=error.code, message=error.message)
            raise

    async def _take_turn(self) -> bool:
        try:
            if self._is_stale:
                self._reopen()
            await self._carry_out_wishes()
            await self._depart()
            more = await self._now.looks.pull(may_leave=self._may_leave)
        except (FencedOffError, StoreError):
            raise
        except SafetyError as error:
            await self.fail(error)
            return False
        except DantaroError as error:
            if self._now.looks.blame(error):
                await self.fail(error)
            raise
        return more

    async def fail(self, error: DantaroError) -> None:
        """Stop trading for good: the engine goes to ERROR, which cancels all own orders."""
        self.reconciled = Fact(ok=False, reason=error.code, message=error.message)
        self._must_settle = True
        if self._now.desk.desk.engine is not EngineState.ERROR:
            self._now.desk.set_engine(EngineState.ERROR, error.message)
            self._now.desk.look_at_engine()
            # A process that is killed now must not start as if nothing had been wrong.
            self._now.trading.flush()

    def report(self) -> BotReport:
        """Return the bot as it sees itself."""
        report = build_report(
            self._now.desk,
            self._config,
            Surroundings(
                version=self._version,
                heartbeat=self._clock.now(),
                time=self._now.feed.time,
                last=self._now.feed.last,
                caught_up=self._now.looks.caught_up,
                source_ended=self._now.looks.source_ended,
                central=self._now.looks.central,
                exchange=self._now.looks.exchange,
                reconciled=self._explained(),
            ),
        )
        if not self._stored.ok:
            # Until something can be stored, nothing else counts.
            why = {"ready": self._stored, "message": self._stored.message}
            return report.model_copy(update=why)
        message = self._notice or report.message or self._waiting_market()
        return report.model_copy(update={"message": message})

    def _explained(self) -> Fact:
        """Return whether every order is explained."""
        for fact in (self._stored, self.reconciled):
            if not fact.ok:
                return fact
        return FINE if self._now.looks.resumed else _NOT_EXPLAINED

    def _wants_to_leave(self) -> bool:
        return (
            self._asked.symbol != self._now.market
            and not self._refuse_market()
            and self._config.drain is None
        )

    def _refuse_market(self) -> str:
        """Return why the market that is asked for is not taken up, also later; else nothing."""
        market, asked = self._now.market, self._asked.symbol
        desk = self._now.desk
        if asked == market:
            return ""
        if quote_of(asked) != quote_of(market):
            return (
                f"the market cannot change from {market} to {asked}: the bot's money is in "
                f"{quote_of(market)}; change it back, or create another bot"
            )
        if self._asked.strategy.grid is not None and desk.strategy.leave(desk.state) is None:
            return (
                f"the market cannot change from {market} to {asked} while the bot lives: change "
                "it back, or create another bot"
            )
        return ""

    def _waiting_market(self) -> str:
        if not self._wants_to_leave():
            return ""
        old, new = self._now.market, self._asked.symbol
        return f"it goes on with {old} until it is flat, then trades {new}"

    def _may_leave(self) -> bool:
        return self._wants_to_leave() and is_flat(self._now.desk)

    async def _depart(self) -> None:
        """Take up the market that is asked for, if nothing binds the bot to its own."""
        if not self._may_leave() or not self._now.feed.is_between_candles:
            return
        await self._now.looks.resume()
        departure = depart(self._now.desk, self._asked.symbol)
        if departure is None:
            return
        self._now.trading.flush(everything=True)
        self._now.feed.save()
        # From here on the old session must write nothing any more.
        self._is_stale = True
        self._now.store.depart(departure)
        self._reopen()

    def _reopen(self) -> None:
        self._now = self._open_session(self._config)
        self._is_stale = False
        self._flattened = False  # whether the store took it is not known; twice is as once
        self.configure(self._asked)
        if not self.reconciled.ok:
            # What went wrong on the way needs a person all the same.
            self._now.desk.set_engine(EngineState.ERROR, self.reconciled.message)
            self._now.desk.look_at_engine()
        if not self._stored.ok:
            self._tell_of_store()

    def _tell_of_store(self) -> None:
        """Record what was wrong with the store; that this succeeds says that it is well again."""
        time = self._now.feed.time or self._clock.now()
        note = Note(
            reason=self._stored.reason,
            message=f"it works again; before: {self._stored.message}",
            level=Level.WARNING,
        )
        changes = Changes(notes=[(time, note)])
        self._now.store.commit(changes, strategy=self._now.desk.state, desk=self._now.desk.desk)
        self._stored = FINE

    async def _carry_out_wishes(self) -> None:
        config, desk = self._config, self._now.desk
        if config.reset is not None and config.reset != desk.desk.last_reset:
            desk.reset(config.reset)
            self.reconciled = FINE
        if config.budget >= desk.desk.ledger.contributed:
            self._contribute()
        if config.drain is DeletionPolicy.FLATTEN and not self._flattened:
            desk.flatten()
            self._flattened = desk.last is not None
        if desk.permit is Permit.NOTHING or config.drain is not None:
            # Cancels must not wait for central.
            await self._now.looks.resume()
        if self._now.looks.resumed and (self._must_settle or config.drain is not None):
            # Only then: between candles nothing else may happen, or page sizes would change fills.
            self._must_settle = False
            await self._now.trading.settle()
        is_free = desk.permit in {Permit.ALL, Permit.NOTHING}
        if self._now.looks.resumed and is_free and config.budget < desk.desk.ledger.contributed:
            # After settling, and not during a halt: the money of buys that a halt cancelled, or
            # that are placed again just now, is theirs.
            self._contribute()
        self._now.trading.flush(everything=True)

    def _contribute(self) -> None:
        # Equal amounts are compared too: a kill may have left the venue with another one.
        self._now.desk.contribute(self._now.feed.contribute(self._config.budget))
