"""Reads central's indicators, or says which are missing. A missing one is never zero."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dantaro_crds.values import utc_text
from dantaro_crds.wire.bundle import Analysis, Indicators
from dantaro_crds.wire.indicator_names import IndicatorName
from dantaro_runtime.core.strategies.position.verdict import Gate
from dantaro_runtime.core.strategies.protocol import Context

__all__ = ["Candle", "missing_data", "no_analysis", "read_candle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """The newest closed candle with its indicators.

    Attributes:
        time: Its open.
        closed: Its close.
        values: Every indicator that was asked for.
        gate: That they are there and of the newest candle.
    """

    time: datetime
    closed: datetime
    values: Mapping[IndicatorName, Decimal]
    gate: Gate


def missing_data(message: str) -> Gate:
    """Return the data gate, failed."""
    return Gate(name="data", passed=False, message=message)


def no_analysis() -> Gate:
    """Return the gate that fails without a fresh analysis."""
    return missing_data("waits for an analysis that is fresh enough")


def read_candle(context: Context, names: Iterable[IndicatorName]) -> Candle | Gate:
    """Return the indicators of the newest closed candle, or the data gate that failed.

    The analysis of a context is fresh. Here it is looked at whether the indicators are of the
    newest candle that had closed when it was made.
    """
    analysis = context.analysis
    if analysis is None:
        return no_analysis()
    indicators = analysis.indicators
    if indicators is None:
        return missing_data("waits for indicators: central delivers none for this market")
    if indicators.time is None or indicators.interval is None:
        return missing_data("waits for indicators: central does not say which candle they are of")
    closed = indicators.time + indicators.interval.span
    if not _is_newest(analysis, indicators, closed=closed):
        return missing_data(
            f"waits for indicators: those of the candle {utc_text(indicators.time)} are not of the "
            f"newest that closed until {utc_text(analysis.data_until)}"
        )
    wanted = tuple(names)
    missing = [name for name in wanted if name not in indicators.values]
    if missing:
        return missing_data(f"waits for indicators: {', '.join(missing)} missing")
    values = {name: indicators.values[name] for name in wanted}
    return Candle(
        time=indicators.time,
        closed=closed,
        values=values,
        gate=Gate(
            name="data",
            passed=True,
            message=f"candle {utc_text(indicators.time)}",
            figures=tuple((name.value, value) for name, value in values.items()),
        ),
    )


def _is_newest(analysis: Analysis, indicators: Indicators, *, closed: datetime) -> bool:
    assert indicators.interval is not None
    return closed <= analysis.data_until < closed + indicators.interval.span
