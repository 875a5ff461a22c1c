"""The paper exchange: the matching of `core.paper` with its books in the bot's store.

It is a venue of its own: it knows nothing of the bot's orders table, so that reconciling with it is
the same work as with a real one (ADR 0001). Position and books are stored in one transaction.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from dantaro_crds.errors import SafetyError
from dantaro_crds.values import utc_text
from dantaro_crds.venues import VenueRules
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.adapters.exchanges.paper_records import (
    fill_row,
    order_values,
    to_fill,
    to_order,
    to_report,
)
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.adapters.store.records import maybe_decimal, maybe_text, maybe_time
from dantaro_runtime.adapters.store.tables import paper_account, paper_fills, paper_orders
from dantaro_runtime.core.orders import Fill, Order, OrderReport, Trigger
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    PaperFill,
    PaperMarket,
    PaperOrder,
    PaperState,
    WalkEvent,
    absorb,
    filled,
)
from dantaro_runtime.ports import MarkedFill

__all__ = ["PaperExchange"]


class PaperExchange:
    """One paper account on one market.

    Args:
        database: The bot's store.
        rules: Venue's rules for the market.
        slippage_ticks: Ticks that a taker pays.
    """

    def __init__(self, database: Database, *, rules: VenueRules, slippage_ticks: int) -> None:
        self._database = database
        self._changed: dict[str, PaperOrder] = {}
        self._new_fills: list[PaperFill] = []
        self._recent: deque[PaperFill] = deque(maxlen=256)
        self._saved: tuple[object, ...] | None = None
        self._walk: CandleWalk | None = None
        with database.read() as link:
            row = link.execute(sa.select(paper_account)).one_or_none()
            resting = [
                to_order(r)
                for r in link.execute(sa.select(paper_orders).where(paper_orders.c.state == "Open"))
            ]
        self._resting = {order.client_id: order for order in resting}
        self._contributed = Decimal(row.contributed) if row else Decimal(0)
        self._cursor = maybe_time(row.cursor) if row else None
        self._candle = maybe_time(row.candle) if row else None
        self._move = row.move if row else 0
        self._market = PaperMarket(
            rules=rules,
            slippage_ticks=slippage_ticks,
            quote=Decimal(row.quote) if row else Decimal(0),
            base=Decimal(row.base) if row else Decimal(0),
            last=maybe_decimal(row.last) if row else None,
            time=maybe_time(row.time) if row else None,
            orders=resting,
            next_seq=row.next_seq if row else 1,
            next_accepted=row.next_accepted if row else 1,
        )

    # The market

    @property
    def cursor(self) -> datetime | None:
        """Return the open of the last candle that was consumed whole; None before the first."""
        return self._cursor

    @property
    def last(self) -> Decimal | None:
        """Return the last price; None before the first."""
        return self._market.last

    @property
    def time(self) -> datetime | None:
        """Return the market time; None before the first price."""
        return self._market.time

    @property
    def is_between_candles(self) -> bool:
        """Return whether no candle is consumed in part."""
        return self._candle is None

    def start_at(self, cursor: datetime) -> None:
        """Set the cursor of an account that has not seen a candle."""
        if self._cursor is None:
            self._cursor = cursor

    def contribute(self, amount: Decimal) -> Decimal:
        """Put in or take out money so that `amount` is put in; return what it is afterwards."""
        change = amount - self._contributed
        if change > 0:
            self._market.deposit(change)
            self._contributed = amount
        elif change < 0:
            self._contributed -= self._market.withdraw(-change)
        self.save()
        return self._contributed

    def begin(self, candle: Candle, *, opened: datetime | None) -> bool:
        """Start to walk a candle, or go on in the middle of it where a stored walk stopped."""
        within = self._candle == candle.time
        self._walk = CandleWalk(
            self._market,
            candle,
            from_move=self._move if within else 0,
            tell_open=opened is None or opened < candle.time,
        )
        self._candle, self._move = candle.time, self._walk.move
        return within

    def next_event(self, triggers: Sequence[Trigger]) -> WalkEvent | None:
        """Move to the next event; None at the candle's end, which moves the cursor."""
        assert self._walk is not None
        self._market.arm(triggers)
        event = self._walk.next_event()
        self._move = self._walk.move
        if isinstance(event, Fills):
            self._take(event.fills)
        elif event is None:
            self._end_candle()
        return event

    def absorb(self, candle: Candle) -> None:
        """Walk a candle that was missed: resting orders fill, nothing else happens."""
        within = self._candle == candle.time
        self._candle = candle.time
        self._take(absorb(self._market, candle, from_move=self._move if within else 0))
        self._end_candle()

    def arrive(self, time: datetime) -> None:
        """Be at a later market time, at the same price: the bot is back."""
        if self._market.last is not None:
            self._market.jump(self._market.last, time)

    def due_trigger(self, triggers: Sequence[Trigger]) -> Trigger | None:
        """Return the first trigger that is true at the last price; it is then no longer armed."""
        self._market.arm(triggers)
        return self._market.due_trigger()

    def save(self) -> None:
        """Store the position and what changed with it, in one transaction."""
        state = self._account()
        if (key := tuple(state.values())) == self._saved and not self._changed:
            return
        with self._database.write() as link:
            if link.execute(sa.update(paper_account).values(state)).rowcount == 0:
                link.execute(sa.insert(paper_account).values(id=1, **state))
            for order in self._changed.values():
                self._put(link, order)
            if self._new_fills:
                link.execute(sa.insert(paper_fills), [fill_row(f) for f in self._new_fills])
        self._saved = key
        self._changed.clear()
        self._new_fills.clear()

    # The venue

    async def submit(self, order: Order) -> OrderReport:
        """Take an order once; the answer and its effect are stored together."""
        known = self._find(order.client_id)
        if known is not None:
            return to_report(known)
        sent = PaperOrder(
            client_id=order.client_id, side=order.side, price=order.price, volume=order.volume
        )
        receipt = self._market.submit(sent, known=False)
        self._changed[order.client_id] = receipt.order
        if receipt.order.state is PaperState.OPEN:
            self._resting[order.client_id] = receipt.order
        self._remember(receipt.fills)
        self.save()
        return to_report(receipt.order)

    async def cancel(self, client_id: str) -> OrderReport | None:
        """Cancel a resting order; one that ended before answers with its end."""
        order = self._market.cancel(client_id)
        if order is None:
            return await self.find(client_id)
        self._resting.pop(client_id, None)
        self._changed[client_id] = order
        self.save()
        return to_report(order)

    async def find(self, client_id: str) -> OrderReport | None:
        """Return an order by its client id; None when it never arrived."""
        order = self._find(client_id)
        return None if order is None else to_report(order)

    async def fetch_fill(self, after: str) -> MarkedFill | None:
        """Return the first fill after a mark."""
        seen = int(after or 0)
        if seen + 1 >= self._market.next_seq:
            return None
        fill = next((f for f in self._recent if f.seq == seen + 1), None)
        if fill is None:
            with self._database.read() as link:
                row = link.execute(
                    sa.select(paper_fills).where(paper_fills.c.seq == seen + 1)
                ).one_or_none()
            if row is None:
                raise SafetyError(f"fill {seen + 1} is missing in the paper exchange's books")
            fill = to_fill(row)
        return MarkedFill(
            mark=str(fill.seq),
            fill=Fill(
                trade_id=str(fill.seq),
                client_id=fill.client_id,
                time=fill.time,
                side=fill.side,
                price=fill.price,
                volume=fill.volume,
                fee=fill.fee,
                maker=fill.maker,
            ),
        )

    # Inside

    def _find(self, client_id: str) -> PaperOrder | None:
        if client_id in self._resting:
            return self._resting[client_id]
        if client_id in self._changed:
            return self._changed[client_id]
        with self._database.read() as link:
            row = link.execute(
                sa.select(paper_orders).where(paper_orders.c.client_id == client_id)
            ).one_or_none()
        return None if row is None else to_order(row)

    def _take(self, fills: Sequence[PaperFill]) -> None:
        for fill in fills:
            self._changed[fill.client_id] = filled(self._resting.pop(fill.client_id), fill)
        self._remember(fills)

    def _remember(self, fills: Sequence[PaperFill]) -> None:
        self._new_fills += fills
        self._recent += fills

    def _end_candle(self) -> None:
        self._cursor, self._candle, self._move = self._candle, None, 0
        self._walk = None

    def _account(self) -> dict[str, Any]:
        market = self._market
        return {
            "quote": maybe_text(market.quote),
            "base": maybe_text(market.base),
            "contributed": maybe_text(self._contributed),
            "last": maybe_text(market.last),
            "time": None if market.time is None else utc_text(market.time),
            "cursor": None if self._cursor is None else utc_text(self._cursor),
            "candle": None if self._candle is None else utc_text(self._candle),
            "move": self._move,
            "next_seq": market.next_seq,
            "next_accepted": market.next_accepted,
        }

    def _put(self, link: sa.Connection, order: PaperOrder) -> None:
        values = order_values(order)
        update = sa.update(paper_orders).where(paper_orders.c.client_id == order.client_id)
        if link.execute(update.values(values)).rowcount == 0:
            link.execute(sa.insert(paper_orders).values(client_id=order.client_id, **values))
