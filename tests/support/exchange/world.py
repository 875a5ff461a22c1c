"""The state of one exchange: books, prices, keys, limits, faults, and what it was asked."""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tests.support.exchange.config import ExchangeConfig, PocketConfig
from tests.support.exchange.engine import Engine
from tests.support.exchange.faults import Faults
from tests.support.exchange.feed import Feed, MarketClock
from tests.support.exchange.jwt import Gate
from tests.support.exchange.limits import Limits
from tests.support.exchange.orders import Order
from tests.support.exchange.pockets import Pocket
from tests.support.exchange.wire import account_row, kst, order_row, plain, trade_rows

__all__ = ["Refused", "World"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A call that got no 2xx."""

    pocket: str | None
    method: str
    path: str
    status: int
    name: str
    identifier: str | None


@dataclass(frozen=True, slots=True)
class _Stale:
    """What reads of an order or of accounts show until a time of the monotonic clock."""

    until: float
    shown: Any
    lists_only: bool = False


class World:
    """One exchange; nothing of it outlives the process."""

    def __init__(self, config: ExchangeConfig) -> None:
        self.engine = Engine(config.rules)
        self.clock = MarketClock(config.clock)
        self.feed = Feed(self.engine, self.clock)
        self.gate = Gate()
        self.limits = Limits(config.limits)
        self.faults = Faults()
        self.refused: list[Refused] = []
        self.calls: Counter[str] = Counter()
        """How many calls came in, by method and path."""
        self.crashes: list[str] = []
        """Traces of faults of this program, which are none of the venue."""
        self._stale: dict[str, _Stale] = {}
        self.feed.open_markets(config.markets)
        for pocket in config.pockets:
            self.add_pocket(pocket)

    def add_pocket(self, config: PocketConfig) -> None:
        """Open a pocket with its keys."""
        self.engine.pockets[config.name] = Pocket.with_balances(config.name, config.balances)
        for key in config.keys:
            self.gate.add(config.name, key)

    def limit_seconds(self, now: datetime) -> float:
        """Return the clock that rate limits count by."""
        if self.limits.config.seconds_of == "market":
            return now.timestamp()
        return time.time()

    def hide(self, name: str, seconds: float, shown: Any, *, lists_only: bool = False) -> None:
        """Let reads of an order (its uuid) or of accounts (a pocket's name) lag behind."""
        self._stale[name] = _Stale(time.monotonic() + seconds, shown, lists_only)

    def catch_up(self) -> None:
        """Let all reads show the truth from now on."""
        self._stale.clear()

    def lagging(self) -> list[str]:
        """Return the names whose reads may lag."""
        return list(self._stale)

    def stale(self, name: str) -> _Stale | None:
        """Return what a read shows in place of the truth, if it lags."""
        if not self._stale:
            return None
        view = self._stale.get(name)
        if view is not None and time.monotonic() >= view.until:
            del self._stale[name]
            return None
        return view

    def row(self, order: Order, *, with_trades: bool = False) -> dict[str, object] | None:
        """Return an order as a read shows it; None while the read does not know it yet."""
        view = self.stale(order.uuid)
        if view is not None and not (with_trades and view.lists_only):
            if view.shown is None or with_trades:
                return view.shown  # type: ignore[no-any-return]  # a row, written by `hide`
            return {name: value for name, value in view.shown.items() if name != "trades"}
        row = order_row(order)
        return row | {"trades": trade_rows(order)} if with_trades else row

    def accounts(self, pocket: Pocket) -> list[dict[str, object]]:
        """Return the accounts as a read shows them; empty ones are left out."""
        view = self.stale(pocket.name)
        if view is not None:
            return view.shown  # type: ignore[no-any-return]  # rows, written by `hide`
        return [
            account_row(currency, balance)
            for currency, balance in pocket.balances.items()
            if balance.total
        ]

    def truth(self, name: str) -> dict[str, object]:
        """Return everything that is known about a pocket, whatever reads show."""
        pocket = self.engine.pockets[name]
        return {
            "accounts": {
                currency: {"free": plain(balance.free), "locked": plain(balance.locked)}
                for currency, balance in pocket.balances.items()
            },
            "deposits": {c: plain(amount) for c, amount in pocket.deposits.items()},
            "orders": [_true_order(order) for order in pocket.by_uuid.values()],
            "posts": pocket.posts,
            "burned": sorted(pocket.burned),
            "refused": [asdict(row) for row in self.refused if row.pocket == name],
        }


def _true_order(order: Order) -> dict[str, object]:
    trades = [
        {
            "uuid": trade.uuid,
            "number": trade.number,
            "price": plain(trade.price),
            "volume": plain(trade.volume),
            "funds": plain(trade.funds),
            "fee": plain(trade.fee),
            "is_taker": trade.is_taker,
            "created_at": kst(trade.created_at),
        }
        for trade in order.trades
    ]
    return order_row(order) | {"number": order.number, "trades": trades}
