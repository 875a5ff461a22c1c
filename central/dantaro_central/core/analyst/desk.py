"""Lets the rules decide on what an analysis found; the same findings lead to the same decisions."""

from collections.abc import Collection
from datetime import datetime

from dantaro_central.core.analyst.decisions import MadeDecision, decide
from dantaro_central.core.analyst.inputs import Inputs
from dantaro_central.core.analyst.rules import RULES_MODEL, RULES_VERSION, advise_by_rules
from dantaro_central.core.findings import Findings
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Indicators, MarketStatus, SupportLevels

__all__ = ["decisions_of", "read_inputs"]


def decisions_of(
    findings: Findings, *, interval: Interval, symbols: Collection[str], is_whole: bool = True
) -> list[MadeDecision]:
    """Return a decision for each market and analysis with a newly closed candle.

    Args:
        findings: Of one batch; its own decisions are not looked at.
        interval: Length of the candles that are decided on.
        symbols: Markets that are decided on.
        is_whole: Whether the market status is of all markets; else it is left out.
    """
    levels = {(symbol, until): text for symbol, until, text in findings.levels}
    statuses = dict(findings.statuses) if is_whole else {}
    made = []
    for symbol, of, until, text in findings.indicators:
        if of is not interval or symbol not in symbols:
            continue
        inputs = read_inputs(
            symbol,
            until=until,
            indicators=text,
            levels=levels[symbol, until],
            status=statuses.get(until, "null"),
        )
        if inputs is not None:
            advice = advise_by_rules(inputs)
            made.append(
                decide(inputs, advice, available=until, model=RULES_MODEL, prompt=RULES_VERSION)
            )
    return made


def read_inputs(
    symbol: str, *, until: datetime, indicators: str, levels: str, status: str
) -> Inputs | None:
    """Return what an analyst is told, without candles; None while no candle has closed.

    Args:
        symbol: The market.
        until: Market time of the analysis.
        indicators: JSON of `Indicators`.
        levels: JSON of `SupportLevels`.
        status: JSON of `MarketStatus` or `null`.
    """
    found = Indicators.model_validate_json(indicators)
    if found.time is None or found.interval is None:
        return None
    return Inputs(
        symbol=symbol,
        interval=found.interval,
        candle=found.time,
        data_until=until,
        indicators=found.values,
        levels=SupportLevels.model_validate_json(levels),
        status=None if status == "null" else MarketStatus.model_validate_json(status),
    )
