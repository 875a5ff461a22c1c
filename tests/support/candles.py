"""Builders of candles, and of folders that hold them as a recording does."""

import gzip
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from dantaro_central.core.candles import Candle
from dantaro_central.core.simulation import SimulatedMarket
from dantaro_crds.values import Interval, decimal_text, utc_text

__all__ = [
    "START",
    "candle_lines",
    "make_candle",
    "simulated_hours",
    "simulated_minutes",
    "write_candles",
    "write_recording",
]

START = datetime(2025, 9, 1, tzinfo=UTC)
"""A day's first minute."""


def make_candle(
    time: datetime = START,
    close: str | int = 100,
    *,
    open_: str | int | None = None,
    high: str | int | None = None,
    low: str | int | None = None,
    volume: str | int = 1,
) -> Candle:
    """Return a candle; prices that are not given are those of the close."""
    last = Decimal(close)
    prices = [last if price is None else Decimal(price) for price in (open_, high, low)]
    return Candle(
        time=time,
        open=prices[0],
        high=max(prices[1], last, prices[0]),
        low=min(prices[2], last, prices[0]),
        close=last,
        volume=Decimal(volume),
    )


def simulated_minutes(symbol: str, count: int, *, start: datetime = START) -> list[Candle]:
    """Return made-up 1-minute candles from `start` on."""
    until = start + timedelta(minutes=count)
    return list(SimulatedMarket(symbol, seed=7).minutes(start, until))


def simulated_hours(symbol: str, count: int, *, until: datetime = START) -> list[Candle]:
    """Return made-up 60-minute candles that end at `until`."""
    return list(
        SimulatedMarket(symbol, seed=7).drawn(Interval.M60, until - timedelta(hours=count), until)
    )


def candle_lines(candles: Iterable[Candle]) -> list[str]:
    """Return the lines of a recording, header first."""
    return ["time,open,high,low,close,volume"] + [
        ",".join(
            (
                utc_text(candle.time),
                *(
                    decimal_text(value)
                    for value in (
                        candle.open,
                        candle.high,
                        candle.low,
                        candle.close,
                        candle.volume,
                    )
                ),
            )
        )
        for candle in candles
    ]


def write_candles(folder: Path, symbol: str, interval: Interval, candles: Sequence[Candle]) -> Path:
    """Write `FOLDER/SYMBOL/INTERVAL.csv.gz` and return its path."""
    path = folder / symbol / f"{interval}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in candle_lines(candles))
    return path


def write_recording(folder: Path, symbols: Sequence[str], *, minutes: int, hours: int = 0) -> Path:
    """Write made-up candles of some markets and return the folder."""
    for symbol in symbols:
        write_candles(folder, symbol, Interval.M1, simulated_minutes(symbol, minutes))
        if hours:
            write_candles(folder, symbol, Interval.M60, simulated_hours(symbol, hours))
    return folder
