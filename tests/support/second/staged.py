"""The staged bot, written a second time from its definition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

from tests.support.second.figures import between, ceil_tick, floor_tick, floor_to, tick_up
from tests.support.second.market import FEE, LEAST_VALUE, Dealt, Market

__all__ = ["Cycle", "SecondStaged", "Support"]


@dataclass(frozen=True, kw_only=True)
class Support:
    """A support level and the market time that it was found at; no price: it is not known."""

    time: datetime
    price: Decimal | None
    is_broken: bool = False


@dataclass(kw_only=True)
class Cycle:
    """One cycle's plan, and what became of it."""

    number: int
    entry: Decimal
    prices: list[Decimal]
    volumes: list[Decimal]
    stop: Decimal | None
    bought: int = 0
    net: Fraction = Fraction(0)


class SecondStaged:
    """A staged bot; parameters as in the definition, percentages in percent."""

    def __init__(
        self,
        *,
        budget: str,
        supports: Sequence[Support],
        stages: int = 5,
        geometric: bool = False,
        sizing: str = "equal",
        ratio: str = "1.5",
        gain: str = "1.5",
        stop: str | None = None,
        jitter: str = "0",
        uid: str,
    ) -> None:
        self.budget = Decimal(budget)
        self.supports = supports
        self.stages = stages
        self.geometric = geometric
        self.sizing, self.ratio = sizing, Fraction(ratio)
        self.gain = Fraction(gain) / 100
        self.stop_part = None if stop is None else Fraction(stop) / 100
        self.jitter = Fraction(jitter) / 100
        self.uid = uid
        self.cycle: Cycle | None = None
        self.closed: list[Cycle] = []
        self.stops: list[datetime] = []
        self.started = 0
        self.pause_until: datetime | None = None
        self.useless: Support | None = None
        self.held = Decimal(0)
        self.cost = Decimal(0)
        self.realized = Fraction(0)

    def on_open(self, market: Market) -> None:
        """Start a cycle, if nothing is in the way."""
        if self.cycle is not None or self._needs_person():
            return
        if self.pause_until is not None and market.time < self.pause_until:
            return
        cycle = self._plan(market)
        if cycle is not None:
            self.started += 1
            self.cycle = cycle
            market.send("s0", "buy", cycle.entry, cycle.volumes[0])

    def on_fill(self, market: Market, dealt: Dealt) -> None:
        """Take a fill."""
        cycle = self.cycle
        assert cycle is not None
        if dealt.side == "buy":
            cycle.bought += 1
            self.held += dealt.volume
            self.cost += dealt.funds + dealt.fee
            cycle.net -= Fraction(dealt.funds + dealt.fee)
            self._offer(market, cycle)
            if dealt.tag == "s0":
                for number in range(1, self.stages):
                    market.send(f"s{number}", "buy", cycle.prices[number], cycle.volumes[number])
            return
        assert dealt.volume == self.held
        self.realized += Fraction(dealt.funds - dealt.fee - self.cost)
        cycle.net += Fraction(dealt.funds - dealt.fee)
        self.held = self.cost = Decimal(0)
        market.cancel_all()
        minutes = 60 if dealt.tag == "sl" else 5
        self.pause_until = dealt.time + timedelta(minutes=minutes)
        self.closed.append(cycle)
        self.cycle = None

    def on_trigger(self, market: Market, name: str) -> None:
        """Sell everything at the stop loss."""
        assert name == "stop"
        assert self.cycle is not None
        self.cycle.stop = None
        self.stops.append(market.time)
        market.cancel_all()
        market.send("sl", "sell", None, self.held)

    def triggers(self) -> list[tuple[str, str, Decimal]]:
        """Return the stop loss, from the first fill on."""
        cycle = self.cycle
        if cycle is None or cycle.stop is None or not cycle.bought:
            return []
        return [("stop", "below", cycle.stop)]

    def _offer(self, market: Market, cycle: Cycle) -> None:
        market.cancel("tp")
        average = Fraction(self.cost) / Fraction(self.held)
        price = ceil_tick(average * (1 + self.gain) / (1 - Fraction(FEE)))
        market.send("tp", "sell", price, self.held)

    def _needs_person(self) -> bool:
        return any(later - sooner <= timedelta(hours=24) for sooner, later in pairwise(self.stops))

    def _plan(self, market: Market) -> Cycle | None:
        reference = floor_tick(market.last)
        prices = [Fraction(reference)]
        if self.stages > 1:
            known = [support for support in self.supports if support.time <= market.time]
            if not known or known[-1] is self.useless:
                return None
            support = known[-1]
            if support.price is None or support.is_broken or reference <= support.price:
                # Waits for the next analysis.
                self.useless = support
                return None
            prices = [
                between(
                    reference,
                    support.price,
                    part=number,
                    parts=self.stages - 1,
                    geometric=self.geometric,
                )
                for number in range(self.stages)
            ]
        rounded = [floor_tick(price) for price in self._shift(prices)]
        entry = ceil_tick(market.last)
        for number in range(market.slippage):
            entry = tick_up(entry if number else market.last)
        weights = self._weights()
        budget = Fraction(min(self.budget, market.quote)) / (1 + Fraction(FEE))
        amounts = [floor_to(0, budget * weight / sum(weights)) for weight in weights]
        limits = [entry, *rounded[1:]]
        volumes = [
            floor_to(8, Fraction(amount) / Fraction(limit))
            for amount, limit in zip(amounts, limits, strict=True)
        ]
        stop = None
        if self.stop_part is not None:
            stop = floor_tick(Fraction(rounded[-1]) * (1 - self.stop_part))
        values = [limit * volume for limit, volume in zip(limits, volumes, strict=True)]
        if stop is not None:
            values.append(volumes[0] * stop * (1 - FEE))
        falls = all(lower < upper for upper, lower in pairwise(rounded))
        if not falls or min(values) < LEAST_VALUE:
            return None
        return Cycle(
            number=self.started + 1, entry=entry, prices=rounded, volumes=volumes, stop=stop
        )

    def _shift(self, prices: list[Fraction]) -> list[Fraction]:
        draws = Random(f"{self.uid}:{self.started + 1}")
        shifted = []
        for number, price in enumerate(prices):
            drawn = 2 * Fraction(Decimal(repr(draws.random()))) - 1
            is_inner = 0 < number < len(prices) - 1
            span = price - prices[number + 1] if is_inner else Fraction(0)
            shifted.append(price + drawn * self.jitter * span)
        return shifted

    def _weights(self) -> list[Fraction]:
        match self.sizing:
            case "linear":
                return [Fraction(number + 1) for number in range(self.stages)]
            case "geometric":
                return [self.ratio**number for number in range(self.stages)]
            case _:
                return [Fraction(1)] * self.stages
