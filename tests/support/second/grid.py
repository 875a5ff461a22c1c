"""The grid, written a second time from its definition. All lines are worked out at each step."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tests.support.second.figures import between, ceil_tick, floor_to, nearest_tick, tick_up
from tests.support.second.market import FEE, LEAST_VALUE, Dealt, Market

__all__ = ["SecondGrid"]


@dataclass
class Square:
    """A cell: whether it waits to sell, what its coin cost, whether that was the first purchase."""

    sells: bool
    cost: Fraction = Fraction(0)
    first: bool = False


class SecondGrid:
    """One grid; parameters as in the definition, budget in quote currency."""

    def __init__(
        self,
        *,
        lower: str,
        upper: str,
        cells: int,
        budget: str,
        geometric: bool = False,
        stop: str | None = None,
        keep: bool = False,
        profit: str | None = None,
        trails: bool = False,
        limit: str | None = None,
    ) -> None:
        self.lower, self.upper, self.count = Decimal(lower), Decimal(upper), cells
        self.budget = Decimal(budget)
        self.geometric = geometric
        self.stop = None if stop is None else Decimal(stop)
        self.keep = keep
        self.profit = None if profit is None else Decimal(profit)
        self.trails = trails
        self.limit = None if limit is None else Decimal(limit)
        self.squares: list[Square] = []
        self.volume = Decimal(0)
        self.place = 0
        self.is_stopped = False
        self.grid_profit = Fraction(0)
        self.first_gain = Fraction(0)
        self.exit_result = Fraction(0)
        self.shifts = 0
        self._rungs: dict[int, Decimal] = {}

    def ladder(self, place: int) -> Decimal:
        """Return rung `place` of the ladder."""
        if place not in self._rungs:
            raw = between(
                self.lower, self.upper, part=place, parts=self.count, geometric=self.geometric
            )
            self._rungs[place] = nearest_tick(raw)
        return self._rungs[place]

    def lines(self, place: int) -> list[Decimal]:
        """Return the lines of a grid whose lowest is rung `place`."""
        return [self.ladder(place + number) for number in range(self.count + 1)]

    def on_open(self, market: Market) -> None:
        """Start, once the checks pass."""
        if self.squares or self.is_stopped:
            return
        price = market.last
        if self.stop is not None and price <= self.stop:
            return
        if self.profit is not None and price >= self.profit:
            return
        lines = self.lines(0)
        if not _is_sound(lines):
            return
        empty = max([k for k, line in enumerate(lines) if line <= price], default=0)
        entry = ceil_tick(price)
        for number in range(market.slippage):
            entry = tick_up(entry if number else price)
        need = (self.count - empty) * entry + sum(lines[:empty])
        volume = floor_to(8, Fraction(self.budget) / (Fraction(need) * (1 + Fraction(FEE))))
        if volume * lines[0] < Decimal("1.05") * LEAST_VALUE:
            return
        self.volume = volume
        self.squares = [Square(sells=k >= empty) for k in range(self.count)]
        if empty < self.count:
            market.send("i", "buy", entry, (self.count - empty) * volume)
        else:
            self._place_all(market)

    def on_fill(self, market: Market, dealt: Dealt) -> None:
        """Turn a cell round, or place all after the purchase; after the exit there is nothing."""
        if dealt.tag == "i":
            stocked = [square for square in self.squares if square.sells]
            for square in stocked:
                square.cost = Fraction(dealt.funds + dealt.fee) / len(stocked)
                square.first = True
            self._place_all(market)
            return
        if dealt.tag == "x":
            costs = sum((square.cost for square in self.squares), Fraction(0))
            self.exit_result += Fraction(dealt.funds - dealt.fee) - costs
            self.squares = []
            return
        number = int(dealt.tag)
        square = self.squares[number]
        if dealt.side == "buy":
            square.cost = Fraction(dealt.funds + dealt.fee)
        else:
            gain = Fraction(dealt.funds - dealt.fee) - square.cost
            if square.first:
                self.first_gain += gain
            else:
                self.grid_profit += gain
            square.cost, square.first = Fraction(0), False
        square.sells = not square.sells
        if not self.is_stopped:
            self._place(market, number)

    def on_trigger(self, market: Market, name: str) -> None:
        """Stop, take the profit, or move up."""
        if name == "trail":
            self._shift(market)
            return
        self.is_stopped = True
        market.cancel_all()
        if name == "stop" and self.keep:
            return
        if market.base * market.last >= LEAST_VALUE:
            market.send("x", "sell", None, market.base)

    def triggers(self) -> list[tuple[str, str, Decimal]]:
        """Return what is armed: stop, take profit, trailing."""
        if self.is_stopped or not self.squares:
            return []
        armed: list[tuple[str, str, Decimal]] = []
        if self.stop is not None:
            armed.append(("stop", "below", self.stop))
        if self.profit is not None:
            armed.append(("profit", "above", self.profit))
        if self.trails and not any(square.sells for square in self.squares):
            top = self.ladder(self.place + self.count + 1)
            if self.limit is None or top <= self.limit:
                armed.append(("trail", "above", top))
        return armed

    def held_cost(self) -> Fraction:
        """Return what the coin held cost."""
        return sum((square.cost for square in self.squares), Fraction(0))

    def _shift(self, market: Market) -> None:
        steps = 0
        while True:
            top = self.ladder(self.place + self.count + steps + 1)
            if top > market.last or (self.limit is not None and top > self.limit):
                break
            steps += 1
        lines = self.lines(self.place + steps)
        bound = Fraction(market.quote) / ((1 + Fraction(FEE)) * Fraction(sum(lines[:-1])))
        volume = min(self.volume, floor_to(8, bound))
        if not _is_sound(lines) or volume * lines[0] < Decimal("1.05") * LEAST_VALUE:
            self.trails = False
            return
        self.shifts += steps
        self.place += steps
        self.volume = volume
        market.cancel_all()
        self._place_all(market)

    def _place_all(self, market: Market) -> None:
        for number in range(self.count):
            self._place(market, number)

    def _place(self, market: Market, number: int) -> None:
        lines = self.lines(self.place)
        sells = self.squares[number].sells
        price = lines[number + 1] if sells else lines[number]
        market.send(str(number), "sell" if sells else "buy", price, self.volume)


def _is_sound(lines: list[Decimal]) -> bool:
    """Return whether the lines rise and each cell earns more than its two fees."""
    return all(
        high > low and (high - low) - FEE * (low + high) > 0 for low, high in pairwise(lines)
    )
