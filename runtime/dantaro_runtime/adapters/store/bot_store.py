"""The bot's records: state, orders, fills, notes, snapshots."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from dantaro_crds.values import decimal_text, parse_utc, quote_of, utc_text
from dantaro_runtime.adapters.store import tables
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.adapters.store.records import (
    fill_row,
    maybe_text,
    order_row,
    to_order,
)
from dantaro_runtime.core.departure import Departure
from dantaro_runtime.core.desk_state import Changes, DeskState
from dantaro_runtime.core.orders import Order, OrderState
from dantaro_runtime.core.snapshots import BalanceSnapshot, DayFigures
from dantaro_runtime.core.strategies.protocol import Level, Note, Signal
from dantaro_runtime.errors import StoreError
from dantaro_runtime.ports import Recalled, Stored

__all__ = ["SIGNALS_KEPT", "BotStore", "holds_paper", "ordered_market"]

S = TypeVar("S")

SIGNALS_KEPT = 10_000
"""Newest signals that a store keeps, some 10 MB: five weeks of one each five minutes."""

_DESK: TypeAdapter[DeskState] = TypeAdapter(DeskState)
_LIVE = [state.value for state in OrderState if state.is_live]
_ENDED_EARLY = [OrderState.CANCELLED.value, OrderState.REJECTED.value]


class BotStore(Generic[S]):
    """Records of one bot; `S` is the state of its strategy.

    Args:
        database: Opened store.
        state_type: Type of the strategy's state.
    """

    def __init__(self, database: Database, *, state_type: type[S]) -> None:
        self._database = database
        self._strategy: TypeAdapter[S] = TypeAdapter(state_type)
        self._known: set[str] = set()

    def load(self) -> Stored[S]:
        """Return everything that a restart needs.

        Raises:
            StoreError: The store cannot be read, or holds a state that this version cannot read.
        """
        with self._database.read() as link:
            state = link.execute(sa.select(tables.bot_state)).one_or_none()
            live = tuple(
                to_order(row)
                for row in link.execute(
                    sa.select(tables.orders)
                    .where(tables.orders.c.state.in_(_LIVE))
                    .order_by(tables.orders.c.id)
                )
            )
            attempts = {
                (row.cycle, row.slot): row.attempt
                for row in link.execute(
                    sa.select(
                        tables.orders.c.cycle,
                        tables.orders.c.slot,
                        sa.func.max(tables.orders.c.attempt).label("attempt"),
                    ).group_by(tables.orders.c.cycle, tables.orders.c.slot)
                )
            }
            newest = link.execute(sa.select(sa.func.max(tables.orders.c.ts))).scalar()
            placed: tuple[Any, ...] = ()
            if newest is not None:
                since = utc_text(parse_utc(newest) - timedelta(minutes=1))
                placed = tuple(
                    parse_utc(ts)
                    for ts in link.execute(
                        sa.select(tables.orders.c.ts)
                        .where(tables.orders.c.ts > since)
                        .order_by(tables.orders.c.ts)
                    ).scalars()
                )
            trades: dict[str, frozenset[str]] = {}
            if live:
                ids = sa.select(tables.fills.c.client_id, tables.fills.c.trade_id).where(
                    tables.fills.c.client_id.in_([order.client_id for order in live])
                )
                for client_id, trade_id in link.execute(ids):
                    trades[client_id] = trades.get(client_id, frozenset()) | {trade_id}
        self._known = {order.client_id for order in live}
        strategy, desk = self._parse(state)
        return Stored(
            strategy=strategy,
            desk=desk,
            live=live,
            attempts=attempts,
            placed=placed,
            trades=trades,
        )

    def recall(self, client_id: str) -> Recalled | None:
        """Return an order of the records, whatever became of it; None without one."""
        orders, fills = tables.orders.c, tables.fills.c
        with self._database.read() as link:
            row = link.execute(
                sa.select(tables.orders).where(orders.client_id == client_id)
            ).one_or_none()
            ids = link.execute(sa.select(fills.trade_id).where(fills.client_id == client_id))
            trades = frozenset(ids.scalars())
        if row is None:
            return None
        self._known.add(client_id)
        return Recalled(order=to_order(row), trades=trades)

    def ended_since(self, time: datetime, *, market: str) -> tuple[str, ...]:
        """Return the ids of a market's orders that ended unfilled, or in part, after a time."""
        orders = tables.orders.c
        found = sa.select(orders.client_id).where(
            orders.state.in_(_ENDED_EARLY),
            orders.updated > utc_text(time),
            orders.market == market,
        )
        with self._database.read() as link:
            return tuple(link.execute(found).scalars())

    def commit(self, changes: Changes, *, strategy: S, desk: DeskState) -> None:
        """Store changes and the state that they led to, in one transaction."""
        with self._database.write() as link:
            self._put_state(link, strategy, desk)
            for order in changes.orders.values():
                self._put_order(link, order, desk)
            if changes.fills:
                quote = quote_of(desk.market)
                link.execute(
                    sa.insert(tables.fills),
                    [fill_row(fill, fee_currency=quote) for fill in changes.fills],
                )
            _put_signals(link, changes.signals, market=desk.market)
            self._put_notes(link, changes.notes, desk)
        for order in changes.orders.values():
            self._remember(order)

    def depart(self, departure: Departure[S]) -> None:
        """Store that another market is traded from now on, in one transaction.

        The paper account is the paper exchange's own, but a kill between the two would leave one
        market's price, or its coin, beside another's orders.
        """
        with self._database.write() as link:
            self._put_state(link, departure.strategy, departure.desk)
            if departure.time is not None:
                self._put_notes(link, [(departure.time, departure.note)], departure.desk)
            link.execute(
                sa.update(tables.paper_account).values(
                    base="0", last=None, time=None, candle=None, move=0
                )
            )

    def add_snapshot(self, snapshot: BalanceSnapshot, day: DayFigures | None) -> None:
        """Store the account as it is, and the figures of its trading day."""
        with self._database.write() as link:
            account = {
                "quote": decimal_text(snapshot.quote),
                "base": decimal_text(snapshot.base),
                "quote_locked": decimal_text(snapshot.quote_locked),
                "base_locked": decimal_text(snapshot.base_locked),
                "average_price": maybe_text(snapshot.average_price),
                "equity": decimal_text(snapshot.equity),
            }
            _upsert(link, tables.balance_snapshots, {"ts": utc_text(snapshot.time)}, account)
            if day is not None:
                figures = {
                    "realized": decimal_text(day.realized),
                    "change": decimal_text(day.change),
                    "equity": decimal_text(day.equity),
                }
                _upsert(link, tables.pnl_daily, {"date": day.day.isoformat()}, figures)

    def _parse(self, row: Any) -> tuple[S | None, DeskState]:
        if row is None:
            return None, DeskState()
        try:
            return self._strategy.validate_json(row.strategy), _DESK.validate_json(row.desk)
        except ValidationError as error:
            raise StoreError(
                "the stored state is not one of this strategy and version: "
                f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}: go on with the version "
                "that wrote it",
                code="StoreSchema",
            ) from error

    def _put_state(self, link: sa.Connection, strategy: S, desk: DeskState) -> None:
        values = {
            "strategy": self._strategy.dump_json(strategy).decode(),
            "desk": _DESK.dump_json(desk).decode(),
        }
        _upsert(link, tables.bot_state, {"id": 1}, values)

    def _put_order(self, link: sa.Connection, order: Order, desk: DeskState) -> None:
        times = (order.created, desk.last_trade, desk.opened)
        updated = max(time for time in times if time is not None)
        row = order_row(order, market=desk.market, updated=updated)
        if order.client_id in self._known:
            link.execute(
                sa.update(tables.orders)
                .where(tables.orders.c.client_id == order.client_id)
                .values(row)
            )
        else:
            link.execute(sa.insert(tables.orders).values(row))

    def _remember(self, order: Order) -> None:
        if order.state.is_live:
            self._known.add(order.client_id)
        else:
            self._known.discard(order.client_id)

    def _put_notes(
        self, link: sa.Connection, notes: Sequence[tuple[datetime, Note]], desk: DeskState
    ) -> None:
        decisions = [
            {
                "ts": utc_text(time),
                "market": desk.market,
                "decision": note.reason,
                "confidence": maybe_text(note.confidence),
                "reason": note.message,
                "inputs": json.dumps(dict(note.inputs)) if note.inputs else None,
                "acted": note.acted,
            }
            for time, note in notes
            if note.level is Level.INFO
        ]
        events = [
            {
                "ts": utc_text(time),
                "level": note.level.value,
                "state": desk.engine.value,
                "reason": note.reason,
                "message": note.message,
            }
            for time, note in notes
            if note.level is not Level.INFO
        ]
        if decisions:
            link.execute(sa.insert(tables.decisions), decisions)
        if events:
            link.execute(sa.insert(tables.engine_events), events)


def holds_paper(database: Database) -> bool:
    """Return whether a paper account was kept in a store."""
    with database.read() as link:
        return link.execute(sa.select(tables.paper_account.c.id)).first() is not None


def ordered_market(database: Database) -> str | None:
    """Return the symbol of the newest stored order; None when there is none."""
    newest = sa.select(tables.orders.c.market).order_by(tables.orders.c.id.desc()).limit(1)
    with database.read() as link:
        return link.execute(newest).scalar()


def _put_signals(
    link: sa.Connection, signals: Sequence[tuple[datetime, Signal]], *, market: str
) -> None:
    if not signals:
        return
    rows = [
        {
            "ts": utc_text(time),
            "market": market,
            "signal": signal.action.name,
            "score": maybe_text(signal.score),
            "meta": json.dumps(dict(signal.meta)),
        }
        for time, signal in signals
    ]
    link.execute(sa.insert(tables.signals), rows)
    newest = sa.select(sa.func.max(tables.signals.c.id)).scalar_subquery()
    link.execute(sa.delete(tables.signals).where(tables.signals.c.id <= newest - SIGNALS_KEPT))


def _upsert(
    link: sa.Connection, table: sa.Table, key: dict[str, Any], values: dict[str, Any]
) -> None:
    where = [table.c[name] == value for name, value in key.items()]
    if link.execute(sa.update(table).where(*where).values(values)).rowcount == 0:
        link.execute(sa.insert(table).values({**key, **values}))
