"""A made-up market with trends, ranges and shocks.

The price of a minute is a pure function of (seed, symbol, minute): a sum of smooth noises of
different lengths (trends over days, ranges over hours, flicker over minutes) and of jumps that
fade away. So the market is the same however it is stepped and wherever it is started, and no price
depends on the one before. Only integer hashes and the four operations are used: every machine
computes the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zlib import crc32

from dantaro_central.core.candles import MINUTE, Candle
from dantaro_crds.values import Interval
from dantaro_crds.venues import KRW_TICKS

__all__ = ["SIMULATED_MARKETS", "SimulatedMarket"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MASK = (1 << 64) - 1

_OCTAVES = (
    # (length in minutes, standard deviation as a fraction of the price)
    (14 * 1440, 0.10),
    (3 * 1440, 0.035),
    (720, 0.015),
    (180, 0.009),
    (45, 0.006),
    (12, 0.003),
    (3, 0.0012),
    (1, 0.0004),
)
_SHOCK_BLOCK = 360
_SHOCK_CHANCE = 0.12
_SHOCK_SIZE = 0.03
_SHOCK_FADE = 150
_SHOCK_BLOCKS = 4
_EMPTY_EVERY = 40
_WICK = 0.0005
_DRAWN = {Interval.M5: (5, 2), Interval.M60: (30, 6), Interval.D1: (180, 12)}
"""Minutes between the samples of a candle that is drawn, and how much longer its wicks are."""

_VOLUME_PLACES = Decimal("0.00000001")

_SHOCK, _EMPTY, _HIGH, _LOW, _VOLUME = range(100, 105)
"""Streams of numbers beside those of the octaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    """What one market is like: middle price, quote currency; usual volume of a minute, base
    currency; how much it moves against the others.
    """

    price: float
    volume: float
    swing: float


SIMULATED_MARKETS: Mapping[str, _Traits] = {
    "KRW-ADA": _Traits(price=1_210, volume=45_000, swing=1.1),
    "KRW-BTC": _Traits(price=152_000_000, volume=1.2, swing=0.9),
    "KRW-DOGE": _Traits(price=342, volume=210_000, swing=1.2),
    "KRW-ETH": _Traits(price=5_900_000, volume=22, swing=0.9),
    "KRW-SOL": _Traits(price=302_000, volume=160, swing=1.1),
    "KRW-XRP": _Traits(price=4_150, volume=60_000, swing=1.0),
}
"""The markets that there are, with prices near those of late 2025."""


def _mix(key: int, index: int) -> int:
    """Return 64 well-mixed bits of two numbers (the finisher of splitmix64)."""
    bits = (key + index * 0x9E3779B97F4A7C15) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


def _unit(bits: int) -> float:
    """Return a fraction 0..1 of 64 bits."""
    return (bits >> 11) / (1 << 53)


def _normal(bits: int) -> float:
    """Return about a standard normal of 64 bits: the sum of four uniforms, scaled."""
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (total / 65536 - 2) * 1.7320508


class _Noise:
    """Smooth noise with one free value every `length` minutes."""

    def __init__(self, key: int, length: int) -> None:
        self._key = key
        self._length = length
        self._at: int | None = None
        self._left = self._right = 0.0

    def value(self, minute: int) -> float:
        """Return the noise at a minute, about standard normal."""
        index, inside = divmod(minute, self._length)
        if index != self._at:
            # Remembering the two neighbours changes no value: minutes are mostly asked for in
            # order.
            self._left = self._right if index - 1 == self._at else _normal(_mix(self._key, index))
            self._right = _normal(_mix(self._key, index + 1))
            self._at = index
        part = inside / self._length
        return self._left + (self._right - self._left) * part * part * (3 - 2 * part)


class SimulatedMarket:
    """One made-up market."""

    def __init__(self, symbol: str, *, seed: int) -> None:
        """Choose a market.

        Args:
            symbol: One of `SIMULATED_MARKETS`.
            seed: Another seed is another history.
        """
        self._traits = SIMULATED_MARKETS[symbol]
        self._key = _mix(seed & _MASK, crc32(symbol.encode()))
        self._octaves = [
            (_Noise(_mix(self._key, number), length), size * self._traits.swing)
            for number, (length, size) in enumerate(_OCTAVES)
        ]

    def minutes(self, after: datetime, until: datetime) -> Iterator[Candle]:
        """Yield the 1-minute candles that closed in (after, until], both whole minutes."""
        for minute in range(_minute(after), _minute(until)):
            yield self._candle(minute)

    def drawn(self, interval: Interval, after: datetime, until: datetime) -> Iterator[Candle]:
        """Yield candles of 5m, 60m or 1d that closed in (after, until], drawn with fewer samples.

        They stand for the time before the market is collected by the minute; their opens and
        closes lie on the same path.
        """
        span = interval.span // MINUTE
        step, wick = _DRAWN[interval]
        for number in range(-(-_minute(after) // span), _minute(until) // span):
            first = number * span
            path = [self._price(first + offset) for offset in range(0, span + 1, step)]
            yield self._drawn(first, path, span=span, wick=_WICK * wick)

    def _candle(self, minute: int) -> Candle:
        if self._is_empty(minute):
            last = minute - 1
            while self._is_empty(last):
                last -= 1
            price = _on_tick(self._price(last + 1))
            return _candle(minute, price, price, price, price, Decimal(0))
        path = [self._price(minute), self._price(minute + 1)]
        return self._drawn(minute, path, span=1, wick=_WICK)

    def _drawn(self, minute: int, path: list[float], *, span: int, wick: float) -> Candle:
        high = max(path) * (1 + wick * self._draw(_HIGH, minute))
        low = min(path) * (1 - wick * self._draw(_LOW, minute))
        open_, close = _on_tick(path[0]), _on_tick(path[-1])
        move = abs(path[-1] / path[0] - 1) * 200
        amount = self._traits.volume * span * (0.05 + self._draw(_VOLUME, minute) + move)
        volume = Decimal(str(amount)).quantize(_VOLUME_PLACES)
        return _candle(minute, open_, _on_tick(high), _on_tick(low), close, volume)

    def _price(self, minute: int) -> float:
        move = self._shocks(minute) * self._traits.swing
        for noise, size in self._octaves:
            move += noise.value(minute) * size
        # 1 + x + x²/2 follows the exponential closely and stays above 0 for any x.
        return self._traits.price * (1 + move + move * move / 2)

    def _shocks(self, minute: int) -> float:
        """Return the sum of the jumps that still last, as a fraction."""
        total = 0.0
        block = minute // _SHOCK_BLOCK
        for number in range(block - _SHOCK_BLOCKS, block + 1):
            bits = _mix(self._key + _SHOCK, number)
            if _unit(bits) >= _SHOCK_CHANCE:
                continue
            bits = _mix(bits, 1)
            age = minute - number * _SHOCK_BLOCK - bits % _SHOCK_BLOCK
            if age >= 0:
                fade = 1 + age / _SHOCK_FADE
                total += _SHOCK_SIZE * _normal(_mix(bits, 2)) / (fade * fade)
        return total

    def _is_empty(self, minute: int) -> bool:
        return _mix(self._key + _EMPTY, minute) % _EMPTY_EVERY == 0

    def _draw(self, stream: int, minute: int) -> float:
        return _unit(_mix(self._key + stream, minute))


def _minute(time: datetime) -> int:
    return (time - _EPOCH) // MINUTE


def _on_tick(price: float) -> Decimal:
    return KRW_TICKS.nearest(Decimal(str(price)))


def _candle(
    minute: int, open_: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal
) -> Candle:
    return Candle(
        time=_EPOCH + timedelta(minutes=minute),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )
