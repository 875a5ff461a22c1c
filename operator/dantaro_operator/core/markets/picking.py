"""Which market a bot with `symbol: auto` trades: central recommends, this picks.

A bot keeps its market until it is flat and has a ground to leave: a cycle came to its end there,
the market left the best ten, or another bot of the account asks for it by name. So one that was
just given a market stays there at least until one of these comes true, however ranks move; and one
that is on its way from one market to another is not sent to a third.

The best market wins that no other bot of the account trades, is told to trade or names, older bots
first. Without a recommendation everybody keeps what they have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import BotState
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.values import quote_of
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import AUTO, Bot, Key, label, seniority
from dantaro_operator.core.observed import BotObserved

__all__ = ["KEPT_RANK", "BotView", "Pick", "pick_markets", "symbols_of"]

KEPT_RANK = 10
"""A flat bot whose market is among so many best ones keeps it until a cycle ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotView:
    """A bot of an account, as far as it matters who trades what.

    Attributes:
        bot: The bot.
        observed: What exists for it.
        is_sound: Whether nothing but the market keeps it from trading.
    """

    bot: Bot
    observed: BotObserved
    is_sound: bool = True

    @property
    def is_auto(self) -> bool:
        """Whether its market is picked."""
        return self.bot.spec.symbol == AUTO

    @property
    def present(self) -> str | None:
        """The market that it was last told to trade; None if it never was."""
        observed, status = self.observed, self.bot.status
        if observed.config is not None:
            return observed.config.symbol
        if observed.report is not None:
            return observed.report.symbol
        # Only what a bot reported is a memory; before that the status shows what was asked for.
        known = status.symbol if status.last_heartbeat_time is not None else None
        return None if known == AUTO else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A market that is given to a bot now.

    Attributes:
        best: What central says of it.
        before: The market so far; None if it had none.
        why: Why it leaves that one, one sentence; empty if it had none.
    """

    best: Recommendation
    before: str | None = None
    why: str = ""

    @property
    def symbol(self) -> str:
        """The market."""
        return self.best.symbol


def symbols_of(observed: BotObserved) -> frozenset[str]:
    """Return the markets that a bot holds: what it was told to trade, and what it trades."""
    config, report = observed.config, observed.report
    return frozenset(
        ([config.symbol] if config else []) + ([report.symbol] if report and config else [])
    )


def pick_markets(
    allocation: Allocation,
    views: Iterable[BotView],
    recommendations: Sequence[Recommendation] | None,
) -> tuple[dict[Key, str], dict[Key, Pick]]:
    """Return the market of each `auto` bot that has one, and those that were picked just now.

    Args:
        allocation: The account.
        views: All its bots.
        recommendations: Best first; None when central does not say.
    """
    bots = sorted(views, key=lambda view: seniority(view.bot))
    round_ = _Round(allocation, bots, recommendations or ())
    autos = [view for view in bots if view.is_auto]
    staying = [view for view in autos if view.present is not None and not round_.why(view)]
    for view in staying:
        round_.keep(view)
    for view in autos:
        if view not in staying and (view.present is not None or view.is_sound):
            round_.choose(view)
    return round_.markets, round_.picks


class _Round:
    """One look at an account: what is taken grows with every bot that got its market."""

    def __init__(
        self, allocation: Allocation, views: Sequence[BotView], found: Sequence[Recommendation]
    ) -> None:
        self._views = views
        self._fitting = [item for item in found if _fits(allocation, item.symbol)]
        self._best = {item.symbol for item in self._fitting[:KEPT_RANK]}
        self._named = {v.bot.spec.symbol: v.bot for v in views if not v.is_auto}
        self.markets: dict[Key, str] = {}
        self.picks: dict[Key, Pick] = {}

    def why(self, view: BotView) -> str:
        """Return why a bot leaves its market now, one sentence; empty if it stays."""
        report, present = view.observed.current, view.present
        if report is None or present is None or not self._fitting or not _is_free_to_go(view):
            return ""
        if present in self._named:
            return f"{label(self._named[present])} asks for {present} by name"
        if report.market_cycles:
            return f"a cycle on {present} came to its end"
        if present not in self._best:
            return f"{present} is no longer among the {KEPT_RANK} best"
        return ""

    def keep(self, view: BotView) -> None:
        """Leave a bot where it is; a mere memory only as long as nobody else is there."""
        present = view.present
        assert present is not None
        if symbols_of(view.observed) or present not in self._taken(view):
            self.markets[view.bot.key] = present
        elif view.is_sound:
            self.choose(view)

    def choose(self, view: BotView) -> None:
        """Give a bot the best market that is free."""
        taken = self._taken(view)
        best = next((item for item in self._fitting if item.symbol not in taken), None)
        key, present = view.bot.key, view.present
        if best is not None and best.symbol != present:
            self.picks[key] = Pick(best=best, before=present, why=self.why(view))
        symbol = best.symbol if best is not None else present
        if symbol is not None:
            self.markets[key] = symbol

    def _taken(self, view: BotView) -> set[str]:
        others = [other for other in self._views if other.bot.key != view.bot.key]
        held = {symbol for other in others for symbol in symbols_of(other.observed)}
        given = {symbol for key, symbol in self.markets.items() if key != view.bot.key}
        return held | given | set(self._named)


def _is_free_to_go(view: BotView) -> bool:
    """Whether a bot is flat, wants to trade, and has arrived where it was sent."""
    bot, observed = view.bot, view.observed
    report, config = observed.current, observed.config
    return (
        isinstance(bot, TradingBot)
        and view.is_sound
        and bot.spec.state is BotState.RUNNING
        and bot.metadata.deletion_timestamp is None
        and report is not None
        and config is not None
        and report.symbol == config.symbol
        and report.flat
        and report.caught_up
        and not observed.silent
    )


def _fits(allocation: Allocation, symbol: str) -> bool:
    if quote_of(symbol) != allocation.spec.quote_currency:
        return False
    try:
        rules_for(allocation.spec.exchange.name, symbol)
    except SpecError:
        return False
    return True
