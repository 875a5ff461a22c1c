"""How exchanges are asked through ccxt: its unified methods, and raw ones where those cannot."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from dantaro_crds.errors import TransientError
from dantaro_crds.venues import rules_for
from dantaro_runtime.adapters.exchanges.ccxt.library import Exchange
from dantaro_runtime.adapters.exchanges.ccxt.messages import our_symbol, their_symbol, to_rules
from dantaro_runtime.adapters.exchanges.ccxt.profiles import Profile
from dantaro_runtime.core.venue import VenueMarket

__all__ = ["Quirks", "quirks_of"]

_PAGE = 100
"""Rows that are asked for at once."""

_MOST_PAGES = 50
"""Pages of executions that one order is read through."""


class Quirks(Protocol):
    """The questions that exchanges differ in."""

    async def fetch_market(
        self, exchange: Exchange, symbol: str, *, last: Decimal, profile: Profile
    ) -> VenueMarket:
        """Return what a listed market asks of orders."""
        ...

    async def find(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        """Return an order by our id, as ccxt writes it."""
        ...

    async def cancel(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        """Ask for the cancel of an order by our id."""
        ...

    async def list_open(self, exchange: Exchange, pair: str) -> list[Any]:
        """Return every resting order of a market, as ccxt writes them."""
        ...

    async def list_trades(self, exchange: Exchange, pair: str, row: Any) -> list[Any]:
        """Return the executions of an order, as ccxt writes them."""
        ...


class _Unified:
    """What ccxt's unified methods can do."""

    async def fetch_market(
        self, exchange: Exchange, symbol: str, *, last: Decimal, profile: Profile
    ) -> VenueMarket:
        pair = their_symbol(symbol)
        market = exchange.market(pair)
        fees = market
        if exchange.has.get("fetchTradingFee") is True:
            fees = await exchange.fetch_trading_fee(pair)
        is_open = market.get("active") is not False
        closed = "" if is_open else f"{profile.title} takes no orders on {symbol} now"
        return VenueMarket(
            rules=to_rules(market, fee_rate=_fee(fees), mode=exchange.precisionMode, last=last),
            is_open=is_open,
            warning=closed or profile.caveat,
        )

    async def find(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        return await exchange.fetch_order_with_client_order_id(client_id, pair)

    async def cancel(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        return await exchange.cancel_order_with_client_order_id(client_id, pair)

    async def list_open(self, exchange: Exchange, pair: str) -> list[Any]:
        rows: list[Any] = await exchange.fetch_open_orders(pair)
        return sorted(rows, key=lambda row: int(row.get("timestamp") or 0))

    async def list_trades(self, exchange: Exchange, pair: str, row: Any) -> list[Any]:
        if not Decimal(row["filled"]):
            return []
        told: list[Any] = row.get("trades") or []
        if told:
            return told
        if exchange.has.get("fetchOrderTrades") is True:
            told = await exchange.fetch_order_trades(row["id"], pair)
        else:
            told = await self._search_trades(exchange, pair, row)
        return told

    async def _search_trades(self, exchange: Exchange, pair: str, row: Any) -> list[Any]:
        found: dict[str, Any] = {}
        since = int(row["timestamp"]) - 1000
        for _ in range(_MOST_PAGES):
            page = await exchange.fetch_my_trades(pair, since, _PAGE)
            found |= {trade["id"]: trade for trade in page if trade.get("order") == row["id"]}
            last = max((int(trade["timestamp"]) for trade in page), default=since)
            told = sum((Decimal(trade["amount"]) for trade in found.values()), Decimal(0))
            if told >= Decimal(row["filled"]) or last <= since:
                break
            since = last
        return list(found.values())


class _Upbit(_Unified):
    """Upbit: ccxt's class looks orders up by uuid only, and knows neither steps nor minimum."""

    async def fetch_market(
        self, exchange: Exchange, symbol: str, *, last: Decimal, profile: Profile
    ) -> VenueMarket:
        market = await exchange.fetch_market(their_symbol(symbol))
        state = market["limits"]["info"]["market"]["state"]
        return VenueMarket(
            rules=replace(
                rules_for("upbit", symbol),
                fee_rate=_fee(market),
                min_total=Decimal(market["limits"]["cost"]["min"]),
            ),
            is_open=state == "active",
            warning=""
            if state == "active"
            else f"{profile.title} takes no orders on {symbol} now: its state is {state}",
        )

    async def find(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        return exchange.parse_order(await exchange.privateGetOrder({"identifier": client_id}))

    async def cancel(self, exchange: Exchange, pair: str, client_id: str) -> Any:
        return exchange.parse_order(await exchange.privateDeleteOrder({"identifier": client_id}))

    async def list_trades(self, exchange: Exchange, pair: str, row: Any) -> list[Any]:
        # ccxt sorts executions of one moment by their ids: Upbit's own order is the true one.
        market = exchange.market(pair)
        return [exchange.parse_trade(trade, market) for trade in row["info"]["trades"]]

    async def list_open(self, exchange: Exchange, pair: str) -> list[Any]:
        found: list[Any] = []
        number, count = 1, _PAGE
        while count == _PAGE:
            page = {"page": number, "order_by": "asc"}
            rows = await exchange.fetch_open_orders(pair, None, _PAGE, page)
            found += rows
            number, count = number + 1, len(rows)
        return found


def quirks_of(exchange_id: str) -> Quirks:
    """Return how an exchange is asked."""
    return _Upbit() if exchange_id == "upbit" else _Unified()


def _fee(row: Any) -> Decimal:
    """Return the higher fee: a wrong guess of maker or taker must not cost more than planned."""
    told = [Decimal(row[name]) for name in ("maker", "taker") if row.get(name) is not None]
    if not told:
        raise TransientError(f"expected a fee of {our_symbol(row.get('symbol'))}, found none")
    return max(told)
