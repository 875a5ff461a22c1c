"""Ticks, floors and roots by whole numbers and fractions, from the definitions."""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from math import floor

__all__ = [
    "NO_ROUNDING",
    "between",
    "ceil_tick",
    "floor_tick",
    "floor_to",
    "is_on_tick",
    "nearest_tick",
    "tick_down",
    "tick_up",
]

NO_ROUNDING = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Arithmetic in which every result that would have to be rounded is an error."""

_BANDS = (
    (1_000_000, "1000"),
    (500_000, "500"),
    (100_000, "100"),
    (50_000, "50"),
    (10_000, "10"),
    (5_000, "5"),
    (100, "1"),
    (10, "0.1"),
    (1, "0.01"),
)
"""Upbit's KRW markets since 2025-07-31, down to 1 KRW: (lowest price of the band, tick)."""

_ROOT_DIGITS = 40


def _tick(price: Fraction) -> Fraction:
    for lowest, tick in _BANDS:
        if price >= lowest:
            return Fraction(tick)
    raise ValueError(f"no tick is written down here for {float(price)}")


def _decimal(value: Fraction) -> Decimal:
    places = Decimal(value.numerator)
    return NO_ROUNDING.divide(places, Decimal(value.denominator))


def floor_tick(price: Fraction | Decimal) -> Decimal:
    """Return the largest multiple of the band's tick that is not above a price."""
    exact = Fraction(price)
    return _decimal(floor(exact / _tick(exact)) * _tick(exact))


def ceil_tick(price: Fraction | Decimal) -> Decimal:
    """Return the smallest multiple of the band's tick that is not below a price."""
    exact = Fraction(price)
    return _decimal(-floor(-exact / _tick(exact)) * _tick(exact))


def nearest_tick(price: Fraction | Decimal) -> Decimal:
    """Return the nearest multiple of the band's tick, half up."""
    exact = Fraction(price)
    return _decimal(floor(exact / _tick(exact) + Fraction(1, 2)) * _tick(exact))


def is_on_tick(price: Decimal) -> bool:
    """Return whether a price is a multiple of its own band's tick."""
    return (Fraction(price) / _tick(Fraction(price))).denominator == 1


def tick_up(price: Decimal) -> Decimal:
    """Return the smallest tick price above a price."""
    ceiling = ceil_tick(price)
    return ceiling if ceiling > price else _decimal(Fraction(price) + _tick(Fraction(price)))


def tick_down(price: Decimal) -> Decimal:
    """Return the largest tick price below a price; under a band's edge the lower tick counts."""
    below = floor_tick(price)
    if below < price:
        return below
    just_below = Fraction(price) - Fraction(1, 10**12)
    return floor_tick(just_below)


def floor_to(places: int, value: Fraction | Decimal) -> Decimal:
    """Return a number cut to so many decimals."""
    return Decimal(floor(Fraction(value) * 10**places)).scaleb(-places, context=NO_ROUNDING)


def between(low: Decimal, high: Decimal, *, part: int, parts: int, geometric: bool) -> Fraction:
    """Return the price `part` / `parts` of the way from one price to another, also beyond them.

    A geometric one is cut to 40 decimals, which changes no rounding to ticks.
    """
    first, last = Fraction(low), Fraction(high)
    if not geometric:
        return first + part * (last - first) / parts
    power = first ** (parts - part) * last**part
    scaled = power * 10 ** (_ROOT_DIGITS * parts)
    return Fraction(_whole_root(floor(scaled), parts), 10**_ROOT_DIGITS)


def _whole_root(number: int, degree: int) -> int:
    """Return the largest whole number whose power of `degree` is not above `number`."""
    root = 1 << -(-number.bit_length() // degree)
    while True:
        smaller = ((degree - 1) * root + number // root ** (degree - 1)) // degree
        if smaller >= root:
            return root
        root = smaller
