"""Decisions of the analyst, and what it is told when it is asked beside the analysis."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dantaro_central.adapters.database.tables import (
    analyses,
    decisions,
    indicators,
    market_status,
)
from dantaro_central.core.analyst.decisions import MadeDecision
from dantaro_central.core.analyst.desk import read_inputs
from dantaro_central.core.analyst.inputs import Inputs
from dantaro_central.core.analyst.rules import RULES_MODEL
from dantaro_crds.values import Interval, decimal_text, parse_utc, utc_text

__all__ = ["SqlDecisionStore", "add_decisions"]


def add_decisions(connection: Connection, made: Iterable[MadeDecision]) -> None:
    """Store decisions; of a candle that is decided on already, the first one stays."""
    rows = [_row(decision) for decision in made]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(decisions).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(decisions).on_conflict_do_nothing(), rows)


class SqlDecisionStore:
    """Decisions in a database; each method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_undecided(self, symbols: Sequence[str], interval: Interval) -> list[Inputs]:
        """Return what is known of the markets whose newest closed candle has no decision yet."""
        with self._engine.begin() as connection:
            status = connection.execute(_NEWEST_STATUS).scalar() or "null"
            found = (_inputs(connection, symbol, interval, status) for symbol in symbols)
            return [inputs for inputs in found if inputs is not None]

    def load_spent(self, *, since: datetime) -> list[tuple[datetime, Decimal]]:
        """Return time and cost (US dollars) of what models decided after `since`."""
        query = (
            select(decisions.c.created, decisions.c.cost)
            .where(decisions.c.created > utc_text(since), decisions.c.model != RULES_MODEL)
            .order_by(decisions.c.created)
        )
        with self._engine.begin() as connection:
            return [(parse_utc(time), Decimal(cost)) for time, cost in connection.execute(query)]

    def save_decision(self, decision: MadeDecision) -> None:
        """Store a decision; twice changes nothing."""
        with self._engine.begin() as connection:
            add_decisions(connection, [decision])


def _row(decision: MadeDecision) -> dict[str, Any]:
    return {
        "symbol": decision.symbol,
        "data_until": utc_text(decision.data_until),
        "action": decision.advice.action.value,
        "confidence": decimal_text(decision.advice.confidence),
        "reason": decision.advice.reason,
        "valid_until": utc_text(decision.valid_until),
        "model": decision.model,
        "prompt": decision.prompt,
        "inputs": decision.inputs,
        "latency_ms": decision.advice.latency_ms,
        "cost": decimal_text(decision.advice.cost),
        "created": utc_text(decision.available),
    }


_NEWEST_STATUS = select(market_status.c.body).order_by(market_status.c.data_until.desc()).limit(1)


def _inputs(connection: Connection, symbol: str, interval: Interval, status: str) -> Inputs | None:
    figures = connection.execute(
        select(indicators.c.body)
        .where(indicators.c.symbol == symbol, indicators.c.interval == interval.value)
        .order_by(indicators.c.data_until.desc())
        .limit(1)
    ).scalar()
    levels = connection.execute(
        select(analyses.c.data_until, analyses.c.support_levels)
        .where(analyses.c.symbol == symbol)
        .order_by(analyses.c.data_until.desc())
        .limit(1)
    ).one_or_none()
    if figures is None or levels is None:
        return None
    inputs = read_inputs(
        symbol,
        until=parse_utc(levels.data_until),
        indicators=figures,
        levels=levels.support_levels,
        status=status,
    )
    if inputs is None:
        return None
    decided = connection.execute(
        select(func.count()).where(
            decisions.c.symbol == symbol, decisions.c.data_until == utc_text(inputs.closed)
        )
    ).scalar()
    return None if decided else inputs
