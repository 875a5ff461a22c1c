"""One bot as a whole: configuration in, turns of trading, report out."""

from collections.abc import Callable
from typing import Generic, TypeVar

from dantaro_crds.errors import DantaroError, SafetyError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.common import BotState, DeletionPolicy
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState, Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.permit import Permit, Wishes
from dantaro_runtime.core.report import Surroundings, build_report
from dantaro_runtime.core.strategies.protocol import Strategy
from dantaro_runtime.errors import FencedOffError
from dantaro_runtime.ports import PaperFeed
from dantaro_runtime.services.candles import CandleTrading
from dantaro_runtime.services.trading import Trading

__all__ = ["BotService"]

S = TypeVar("S")

_FINE = Fact(ok=True, reason="Fine", message="")


class BotService(Generic[S]):
    """Bring one bot to its configuration and trade.

    Args:
        config: The first configuration.
        desk: Decisions and books.
        feed: The paper exchange as a market.
        trading: Desk against the exchange.
        candles: The market's way through the desk.
        clock: Wall time of the heartbeat.
        version: Version of the software.
        build_strategy: Makes the strategy of a configuration.
    """

    def __init__(
        self,
        *,
        config: BotConfig,
        desk: Desk[S],
        feed: PaperFeed,
        trading: Trading[S],
        candles: CandleTrading[S],
        clock: Clock,
        version: str,
        build_strategy: Callable[[BotConfig], Strategy[S]],
    ) -> None:
        self._config = config
        self._desk = desk
        self._feed = feed
        self._trading = trading
        self._candles = candles
        self._clock = clock
        self._version = version
        self._build_strategy = build_strategy
        self._flattened = False
        self._must_settle = True
        self._notice = ""
        self.central = Fact(ok=False, reason="NotAskedYet", message="central was not asked yet")
        self.reconciled = _FINE

    @property
    def config(self) -> BotConfig:
        """Return the configuration in force."""
        return self._config

    def configure(self, config: BotConfig) -> None:
        """Take a configuration; twice is as once.

        The market and the strategy of a bot never change: a configuration with others is taken
        without that part, and the report says so.
        """
        kept = {"symbol": self._config.symbol}
        self._notice = ""
        if config.symbol != kept["symbol"]:
            self._notice = (
                f"the market cannot change from {kept['symbol']} to {config.symbol} while the bot "
                "lives: change it back, or create another bot"
            )
        elif config.strategy.name != self._desk.strategy.name:
            self._notice = (
                f"the strategy cannot change from {self._desk.strategy.name} to "
                f"{config.strategy.name} while the bot lives: create another bot"
            )
        if config.strategy.name != self._desk.strategy.name:
            config = config.model_copy(update={"strategy": self._config.strategy})
        self._config = config = config.model_copy(update=kept)
        self._flattened = self._flattened and config.drain is DeletionPolicy.FLATTEN
        self._must_settle = True
        self._desk.strategy = self._build_strategy(config)
        self._desk.gate.limits = config.risk
        self._desk.budget = config.budget
        self._desk.orders_per_minute = _orders_per_minute(config.strategy.grid)
        self._desk.set_wishes(
            Wishes(running=config.state is BotState.RUNNING, halt=config.halt, drain=config.drain)
        )

    async def turn(self) -> bool:
        """Bring budget, reset and drain about, then consume one page.

        Returns:
            Whether there is more to read at once.

        Raises:
            FencedOffError: Another process has taken over; end.
            DantaroError: Central did not answer; the fact says why.
        """
        if self._config.drain is DeletionPolicy.RETAIN:
            return False
        try:
            await self._carry_out_wishes()
            more = await self._candles.pull()
        except FencedOffError:
            raise
        except SafetyError as error:
            await self.fail(error)
            return False
        except DantaroError as error:
            self.central = Fact(ok=False, reason=error.code, message=error.message)
            raise
        self.central = _FINE
        return more

    async def fail(self, error: SafetyError) -> None:
        """Stop trading for good: the engine goes to ERROR, which cancels all own orders."""
        self.reconciled = Fact(ok=False, reason=error.code, message=error.message)
        self._must_settle = True
        if self._desk.desk.engine is not EngineState.ERROR:
            self._desk.set_engine(EngineState.ERROR, error.message)
            self._desk.look_at_engine()

    def report(self) -> BotReport:
        """Return the bot as it sees itself."""
        report = build_report(
            self._desk,
            self._config,
            Surroundings(
                version=self._version,
                heartbeat=self._clock.now(),
                time=self._feed.time,
                last=self._feed.last,
                caught_up=self._candles.caught_up,
                source_ended=self._candles.source_ended,
                central=self.central,
                reconciled=self.reconciled,
            ),
        )
        return report.model_copy(update={"message": self._notice}) if self._notice else report

    async def _carry_out_wishes(self) -> None:
        config, desk = self._config, self._desk
        if config.reset is not None and config.reset != desk.desk.last_reset:
            desk.reset(config.reset)
            self.reconciled = _FINE
        if config.budget >= desk.desk.ledger.contributed:
            self._contribute()
        if config.drain is DeletionPolicy.FLATTEN and not self._flattened:
            desk.flatten()
            self._flattened = desk.last is not None
        if desk.permit is Permit.NOTHING or config.drain is not None:
            # Cancels must not wait for central.
            await self._candles.resume()
        if self._candles.resumed and (self._must_settle or config.drain is not None):
            # Only then: between candles nothing else may happen, or page sizes would change fills.
            self._must_settle = False
            await self._trading.settle()
        is_free = desk.permit in {Permit.ALL, Permit.NOTHING}
        if self._candles.resumed and is_free and config.budget < desk.desk.ledger.contributed:
            # After settling, and not during a halt: the money of buys that a halt cancelled, or
            # that are placed again just now, is theirs.
            self._contribute()
        self._trading.flush(everything=True)

    def _contribute(self) -> None:
        # Equal amounts are compared too: a kill may have left the venue with another one.
        self._desk.contribute(self._feed.contribute(self._config.budget))


def _orders_per_minute(grid: GridParameters | None) -> int:
    return max(60, 2 * grid.grids) if grid is not None else 60
