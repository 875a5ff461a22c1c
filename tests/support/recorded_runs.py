"""Each strategy on each recorded market: the runs behind the table of results and the pictures.

Parameters are chosen before the run, by a rule that is the same for all markets, and never by what
the recording did later.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from dantaro_central.adapters.sources.candle_files import find_candles
from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle as CentralCandle
from dantaro_central.core.findings import Batch
from dantaro_central.core.market_state import MarketState
from dantaro_central.core.support_levels import LONGEST_WINDOW
from dantaro_crds.v1alpha1.strategies import (
    AiStrategy,
    BreakoutStrategy,
    GridParameters,
    SignalStrategy,
    Spacing,
    StagedStrategy,
)
from dantaro_crds.values import Interval
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle, Decision, SupportLevels
from tests.support.chart import Rest
from tests.support.indicators import analyses
from tests.support.recorded import recorded_candles
from tests.support.replay import Replay

__all__ = [
    "BUDGET",
    "MARKETS",
    "STRATEGIES",
    "Strategy",
    "WatchedReplay",
    "plain_replay",
    "walk_recording",
    "watched_replay",
]

R = TypeVar("R", bound=Replay)

BUDGET = Decimal(1_000_000)
"""Money of each bot, KRW."""

MARKETS = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL")
"""Markets with recorded 1-minute candles: September 2025."""

_MINUTE = timedelta(minutes=1)

_RULE_HOURS = 24
_RULE_DISTANCE = Decimal("0.005")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a strategy is shown.

    Attributes:
        title: Name for people.
        parameters: The rule by which its parameters are chosen, for people.
        config: Parameters for a market and its first price.
        analyses: What central would say of a market's candles.
    """

    title: str
    parameters: str
    config: Callable[[str, Decimal], StrategyConfig]
    analyses: Callable[[str, Sequence[Candle]], Iterator[Analysis]] | None


class WatchedReplay(Replay):
    """A replay that remembers which orders rested and which prices were watched."""

    def __init__(self, config: StrategyConfig, budget: Decimal, *, symbol: str) -> None:
        super().__init__(config, budget, symbol=symbol)
        self._rests: list[Rest] = []
        self._since: dict[tuple[str, str, Decimal], datetime] = {}

    def consume(self, candle: Candle, analysis: Analysis | None = None) -> None:
        """Go through one candle and look what stands at its close."""
        super().consume(candle, analysis)
        present = dict.fromkeys(self._standing())
        for key in [key for key in self._since if key not in present]:
            self._rests.append(Rest(*key, self._since.pop(key), candle.time))
        for key in present:
            self._since.setdefault(key, candle.time)

    def rests(self) -> list[Rest]:
        """Return what stood so far; what still stands ends at the last close."""
        end = self.curve[-1].time
        return self._rests + [Rest(*key, start, end) for key, start in self._since.items()]

    def _standing(self) -> Iterator[tuple[str, str, Decimal]]:
        for order in self.desk.orders:
            if order.price is not None:
                yield order.slot, order.side.value.lower(), order.price
        for trigger in self.desk.triggers():
            yield trigger.name, "watched", trigger.price


def walk_recording(
    name: str,
    symbol: str,
    candles: Sequence[Candle],
    *,
    make: Callable[[StrategyConfig, Decimal, str], R],
) -> R:
    """Return a bot that went through recorded candles.

    Args:
        name: A key of `STRATEGIES`.
        symbol: A market of `MARKETS`.
        candles: Of that market.
        make: Makes the bot of configuration, budget and symbol.
    """
    strategy = STRATEGIES[name]
    bot = make(strategy.config(symbol, candles[0].open), BUDGET, symbol)
    bot.walk(candles, strategy.analyses and strategy.analyses(symbol, candles))
    return bot


def plain_replay(config: StrategyConfig, budget: Decimal, symbol: str) -> Replay:
    """Return a bot that only trades."""
    return Replay(config, budget, symbol=symbol)


def watched_replay(config: StrategyConfig, budget: Decimal, symbol: str) -> WatchedReplay:
    """Return a bot whose orders are remembered."""
    return WatchedReplay(config, budget, symbol=symbol)


def _grid(symbol: str, first: Decimal) -> StrategyConfig:
    ticks = rules_for("paper", symbol).ticks
    return StrategyConfig(
        grid=GridParameters(
            lower_price=ticks.floor(first * Decimal("0.9")) or first,
            upper_price=ticks.ceil(first * Decimal("1.1")),
            grids=20,
            spacing=Spacing.GEOMETRIC,
        )
    )


def _staged(_: str, __: Decimal) -> StrategyConfig:
    return StrategyConfig(staged=StagedStrategy())


def _support_levels(symbol: str, candles: Sequence[Candle]) -> Iterator[Analysis]:
    """Yield what central makes of recorded hours and minutes, every 5 minutes."""
    start, end = candles[0].time, candles[-1].time + _MINUTE
    recording = find_candles(recorded_candles() / "upbit" / symbol, Interval.M60)
    assert recording is not None, f"expected 60m candles of {symbol} beside those of a minute"
    state = MarketState(symbol, since=start)
    hours = [hour for hour in recording.candles(start - LONGEST_WINDOW) if hour.time < start]
    state.restore({Interval.M60: hours}, until=start)
    analyst = Analyst([state])
    minutes = [_central(candle) for candle in candles]
    first = analyst.analyse(start)
    rest = analyst.digest(Batch(minutes={symbol: minutes}), after=start, until=end)
    known: dict[str, SupportLevels] = {}
    for _, until, text in (*first.levels, *rest.levels):
        if text not in known:
            known = {text: SupportLevels.model_validate_json(text)}
        yield Analysis(data_until=until, support_levels=known[text])


def _signal(_: str, __: Decimal) -> StrategyConfig:
    return StrategyConfig(signal=SignalStrategy(stop_loss_percent=Decimal(5)))


def _breakout(_: str, __: Decimal) -> StrategyConfig:
    return StrategyConfig(
        breakout=BreakoutStrategy(squeeze_gate=False, stop_loss_percent=Decimal(3))
    )


def _squeezed_breakout(_: str, __: Decimal) -> StrategyConfig:
    return StrategyConfig(breakout=BreakoutStrategy(stop_loss_percent=Decimal(3)))


def _ai(_: str, __: Decimal) -> StrategyConfig:
    return StrategyConfig(ai=AiStrategy(stop_loss_percent=Decimal(5)))


def _indicators(interval: Interval) -> Callable[[str, Sequence[Candle]], Iterator[Analysis]]:
    return lambda _, candles: analyses(_filled(candles), interval)


def _decisions(_: str, candles: Sequence[Candle]) -> Iterator[Analysis]:
    """Yield decisions by a rule in place of an analyst: hourly closes against their mean."""
    closes: deque[Decimal] = deque(maxlen=_RULE_HOURS)
    decision = None
    for candle in _filled(candles):
        closed = candle.time + _MINUTE
        if not closed.minute:
            closes.append(candle.close)
            decision = _decide(closes, closed) if len(closes) == _RULE_HOURS else None
        if not closed.minute % 5:
            yield Analysis(data_until=closed, decision=decision)


def _decide(closes: Sequence[Decimal], time: datetime) -> Decision:
    distance = closes[-1] * len(closes) / sum(closes) - 1
    is_clear = abs(distance) >= _RULE_DISTANCE
    action = ("Buy" if distance > 0 else "Sell") if is_clear else "Hold"
    reason = f"the close is {distance:+.2%} from the mean of {len(closes)} hours"
    return Decision(action=action, confidence=Decimal("0.8"), reason=reason, time=time)


def _filled(candles: Sequence[Candle]) -> Iterator[Candle]:
    """Yield candles with one without volume, at the last close, for each minute that is missing."""
    before = candles[0]
    for candle in candles:
        while before.time + _MINUTE < candle.time:
            last = before.close
            before = Candle(
                time=before.time + _MINUTE,
                open=last,
                high=last,
                low=last,
                close=last,
                volume=Decimal(0),
            )
            yield before
        yield candle
        before = candle


def _central(candle: Candle) -> CentralCandle:
    return CentralCandle(
        time=candle.time,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
    )


STRATEGIES: Mapping[str, Strategy] = {
    "grid": Strategy(
        title="Grid",
        parameters="10 % below to 10 % above the first price, 20 geometric cells",
        config=_grid,
        analyses=None,
    ),
    "staged": Strategy(
        title="Stages",
        parameters="all defaults: 5 equal stages down to the 30-day level, profit 1.5 %, no stop",
        config=_staged,
        analyses=_support_levels,
    ),
    "signal": Strategy(
        title="Signal",
        parameters="60m candles, all defaults, stop loss 5 %",
        config=_signal,
        analyses=_indicators(Interval.M60),
    ),
    "breakout": Strategy(
        title="Breakout",
        parameters="15m candles, k 0.5, volume gate, no squeeze gate, stop loss 3 %",
        config=_breakout,
        analyses=_indicators(Interval.M15),
    ),
    "breakout-squeeze": Strategy(
        title="Breakout after a squeeze",
        parameters="15m candles, all defaults (k 0.5, both gates), stop loss 3 %",
        config=_squeezed_breakout,
        analyses=_indicators(Interval.M15),
    ),
    "ai": Strategy(
        title="AI",
        parameters="stop loss 5 %; hourly decisions by a fixed rule in place of an analyst: Buy "
        "0.5 % above the mean of 24 closes, Sell 0.5 % below",
        config=_ai,
        analyses=_decisions,
    ),
}
