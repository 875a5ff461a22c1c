"""Builds the JSON of bundles and candle pages of stored text.

Rows come as they are stored: prices and times are exact text already, so a page is put together
without parsing them, which a replay at full speed notices. Tests hold the result against
`wire.bundle.Bundle`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["AnalysisRow", "CandleRow", "analysis_json", "candles_json", "decision_json"]

CandleRow = Sequence[str]
"""Open time (RFC 3339), open, high, low, close, volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRow:
    """A stored analysis of one market.

    Attributes:
        data_until: Market time, RFC 3339.
        support_levels: JSON of `SupportLevels`.
        market_status: JSON of `MarketStatus` or `null`.
        indicators: JSON of `Indicators` or `null`.
        decision: JSON of `Decision` or `null`.
    """

    data_until: str
    support_levels: str
    market_status: str
    indicators: str = "null"
    decision: str = "null"


def candles_json(rows: Iterable[CandleRow]) -> str:
    """Return a JSON list of `wire.bundle.Candle`."""
    return f"[{','.join(map(_candle_json, rows))}]"


def _candle_json(row: CandleRow) -> str:
    time, open_, high, low, close, volume = row
    return (
        f'{{"time":"{time}","open":"{open_}","high":"{high}","low":"{low}",'
        f'"close":"{close}","volume":"{volume}"}}'
    )


def analysis_json(row: AnalysisRow) -> str:
    """Return the JSON of a `wire.bundle.Analysis`."""
    return (
        f'{{"dataUntil":"{row.data_until}","indicators":{row.indicators},'
        f'"supportLevels":{row.support_levels},'
        f'"marketStatus":{row.market_status},"decision":{row.decision}}}'
    )


def decision_json(
    *, action: str, confidence: str, reason: str, model: str, time: str, valid_until: str
) -> str:
    """Return the JSON of a `wire.bundle.Decision`; text of a language model is escaped."""
    return (
        f'{{"action":"{action}","confidence":"{confidence}","reason":{json.dumps(reason)},'
        f'"model":{json.dumps(model)},"time":"{time}","validUntil":"{valid_until}"}}'
    )
