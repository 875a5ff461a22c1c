"""What an analyst is told of a market: figures of closed candles, nothing of anybody's money."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dantaro_central.core.candles import Candle
from dantaro_crds.values import Interval, decimal_text, utc_text
from dantaro_crds.wire.bundle import MarketStatus, SupportLevels

__all__ = ["CANDLES_TOLD", "Inputs", "inputs_json"]

CANDLES_TOLD = 24
"""How many of the last candles a language model is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """One market at the close of a candle.

    Attributes:
        symbol: The market.
        interval: Length of the candle.
        candle: Open of the candle; the decision is on this one.
        data_until: Market time of the analysis: no figure is of a later candle.
        indicators: By `IndicatorName`; what cannot be computed is left out.
        levels: Support levels.
        status: State of all markets; None if not known.
        candles: Candles of the interval up to `candle`, oldest first; none for the rules.
    """

    symbol: str
    interval: Interval
    candle: datetime
    data_until: datetime
    indicators: Mapping[str, Decimal]
    levels: SupportLevels
    status: MarketStatus | None
    candles: Sequence[Candle] = ()

    @property
    def closed(self) -> datetime:
        """When the candle closed."""
        return self.candle + self.interval.span


def inputs_json(inputs: Inputs) -> str:
    """Return what an analyst is told, and what is stored of it: compact JSON."""
    levels = inputs.levels
    return json.dumps(
        {
            "symbol": inputs.symbol,
            "interval": inputs.interval.value,
            "candle": utc_text(inputs.candle),
            "dataUntil": utc_text(inputs.data_until),
            "indicators": {name: _text(value) for name, value in inputs.indicators.items()},
            "supportLevels": {
                name: {"price": _text(level.price), "broken": level.broken}
                for name, level in (
                    ("aggressive", levels.aggressive),
                    ("moderate", levels.moderate),
                    ("conservative", levels.conservative),
                )
                if level.price is not None
            },
            "marketStatus": inputs.status.model_dump(mode="json", by_alias=True)
            if inputs.status
            else None,
            "candles": [_row(candle) for candle in inputs.candles[-CANDLES_TOLD:]],
        },
        separators=(",", ":"),
    )


def _row(candle: Candle) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [utc_text(candle.time), *map(decimal_text, prices)]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
