"""Facts of the venues that planning needs: price ticks, smallest orders, fees.

Pure and without I/O. At run time a venue's own answer (order chance, instruments) wins over these
figures.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import cached_property

from dantaro_crds.errors import SpecError
from dantaro_crds.values import quote_of

__all__ = [
    "KRW_TICKS",
    "TickTable",
    "VenueRules",
    "rules_for",
]

_WIDE = Context(prec=60, rounding=ROUND_DOWN)
"""Digits enough that a quotient of a price and a tick is never rounded up to the next tick."""


def _cut(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), context=_WIDE)


@dataclass(frozen=True, kw_only=True)
class TickTable:
    """Price steps by price band.

    Attributes:
        bands: (lowest price of the band, tick), by falling price; a band holds
            `lower <= price < upper`. Every band edge is a multiple of both ticks beside it.
    """

    bands: tuple[tuple[Decimal, Decimal], ...]

    @cached_property
    def _edges(self) -> tuple[list[Decimal], list[Decimal]]:
        rising = sorted(self.bands)
        return [edge for edge, _ in rising], [tick for _, tick in rising]

    def tick(self, price: Decimal) -> Decimal:
        """Return the tick of the band that holds `price` (> 0)."""
        edges, ticks = self._edges
        return ticks[max(bisect_right(edges, price) - 1, 0)]

    def is_on_tick(self, price: Decimal) -> bool:
        """Return whether `price` (> 0) is a multiple of the tick of its own band."""
        return price % self.tick(price) == 0

    def floor(self, price: Decimal) -> Decimal:
        """Return the largest tick price <= `price`; 0 when there is none."""
        return self._round(price, ROUND_FLOOR)

    def ceil(self, price: Decimal) -> Decimal:
        """Return the smallest tick price >= `price`."""
        return self._round(price, ROUND_CEILING)

    def nearest(self, price: Decimal) -> Decimal:
        """Return the nearest tick price, half up, with the tick of the band of the raw price."""
        return self._round(price, ROUND_HALF_UP)

    def above(self, price: Decimal, steps: int = 1) -> Decimal:
        """Return the price `steps` ticks up: each step is the smallest tick price > the last."""
        for _ in range(steps):
            price = self.floor(price) + self.tick(price)
        return price

    def below(self, price: Decimal, steps: int = 1) -> Decimal:
        """Return the price `steps` ticks down: each step is the largest tick price < the last.

        Below a band's edge the lower band's tick counts: 1,000,000 down is 999,500. Below the
        lowest tick there is 0.
        """
        for _ in range(steps):
            floor = self.floor(price)
            price = floor if floor < price else self._previous(price)
        return price

    def _previous(self, price: Decimal) -> Decimal:
        edges, ticks = self._edges
        band = max(bisect_right(edges, price) - 1, 0)
        if price == edges[band] and band > 0:
            band -= 1
        return max(price - ticks[band], Decimal(0))

    def _round(self, price: Decimal, rounding: str) -> Decimal:
        tick = self.tick(price)
        return _WIDE.divide(price, tick).to_integral_value(rounding=rounding) * tick


KRW_TICKS = TickTable(
    bands=tuple(
        (Decimal(edge), Decimal(tick))
        for edge, tick in (
            ("1000000", "1000"),
            ("500000", "500"),
            ("100000", "100"),
            ("50000", "50"),
            ("10000", "10"),
            ("5000", "5"),
            ("100", "1"),
            ("10", "0.1"),
            ("1", "0.01"),
            ("0.1", "0.001"),
            ("0.01", "0.0001"),
            ("0.001", "0.00001"),
            ("0.0001", "0.000001"),
            ("0.00001", "0.0000001"),
            ("0", "0.00000001"),
        )
    )
)
"""Upbit's KRW markets. Source: Upbit's KRW order price units, in force since 2025-07-31."""

_USDT_TICKS = TickTable(
    bands=tuple(
        (Decimal(edge), Decimal(tick))
        for edge, tick in (
            ("10", "0.01"),
            ("1", "0.001"),
            ("0.1", "0.0001"),
            ("0.01", "0.00001"),
            ("0.001", "0.000001"),
            ("0.0001", "0.0000001"),
            ("0", "0.00000001"),
        )
    )
)

_BTC_TICKS = TickTable(bands=((Decimal(0), Decimal("0.00000001")),))


@dataclass(frozen=True, kw_only=True)
class VenueRules:
    """What a venue asks of an order on one market.

    Attributes:
        ticks: Price steps.
        min_total: Smallest value of an order, quote currency; equal is enough.
        fee_rate: Fee of one side, fraction of the notional, taken in quote currency.
        volume_places: Decimals of a volume.
        quote_places: Decimals of an amount of quote currency that a person would plan with.
        max_open_orders: Most open orders of an account on the market; None where the venue
            documents no cap (Upbit does not; Binance's MAX_NUM_ORDERS filter is one).
    """

    ticks: TickTable
    min_total: Decimal
    fee_rate: Decimal
    volume_places: int = 8
    quote_places: int = 0
    max_open_orders: int | None = None

    def floor_volume(self, volume: Decimal) -> Decimal:
        """Return `volume` cut to the venue's decimals."""
        return _cut(volume, self.volume_places)

    def floor_quote(self, amount: Decimal) -> Decimal:
        """Return an amount of quote currency cut to the planning step (1 KRW; else 8 decimals)."""
        return _cut(amount, self.quote_places)

    def is_volume(self, volume: Decimal) -> bool:
        """Return whether `volume` is > 0 and has no more decimals than the venue takes."""
        return volume > 0 and self.floor_volume(volume) == volume


_UPBIT: dict[str, Callable[[], VenueRules]] = {
    "KRW": lambda: VenueRules(ticks=KRW_TICKS, min_total=Decimal(5000), fee_rate=Decimal("0.0005")),
    "BTC": lambda: VenueRules(
        ticks=_BTC_TICKS,
        min_total=Decimal("0.00005"),
        fee_rate=Decimal("0.0025"),
        quote_places=8,
    ),
    "USDT": lambda: VenueRules(
        ticks=_USDT_TICKS, min_total=Decimal("0.5"), fee_rate=Decimal("0.0025"), quote_places=8
    ),
}


def rules_for(exchange: str, symbol: str) -> VenueRules:
    """Return the rules of a market.

    Args:
        exchange: `paper` (Upbit's rules) or `upbit`.
        symbol: A market whose quote is first, such as `KRW-BTC`.

    Raises:
        SpecError: The rules of this exchange or quote currency are not known here.

    Source:
        Upbit API 1.6.4: order price units, minimum totals; fees as published by Upbit.
    """
    quote = quote_of(symbol) if "-" in symbol else ""
    if exchange not in {"paper", "upbit"} or quote not in _UPBIT:
        raise SpecError(
            f"expected a market of paper or upbit such as KRW-BTC, was {symbol} on {exchange}",
            field="spec.symbol",
        )
    return _UPBIT[quote]()
