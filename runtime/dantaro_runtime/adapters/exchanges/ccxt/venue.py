"""An exchange of ccxt as a `Venue`: one account on one market."""

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import httpx

from dantaro_crds.errors import (
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    TransientError,
    VenueRefusedError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import decimal_text
from dantaro_runtime.adapters.exchanges.calls import TIMEOUT
from dantaro_runtime.adapters.exchanges.ccxt.client import CcxtClient
from dantaro_runtime.adapters.exchanges.ccxt.library import Exchange, known_ids
from dantaro_runtime.adapters.exchanges.ccxt.messages import (
    order_fee,
    their_symbol,
    to_account,
    to_book,
    to_order,
    to_price,
    to_trades,
)
from dantaro_runtime.adapters.exchanges.ccxt.profiles import PROFILES, TRADABLE, Profile
from dantaro_runtime.adapters.exchanges.ccxt.quirks import Quirks, quirks_of
from dantaro_runtime.adapters.exchanges.limits import Group, Limits, Priority
from dantaro_runtime.adapters.transport import LeanTransport
from dantaro_runtime.core.orders import Order, Side
from dantaro_runtime.core.venue import (
    VenueAccount,
    VenueBook,
    VenueMarket,
    VenueOrder,
    VenuePrice,
)
from dantaro_runtime.errors import ConfigError
from dantaro_runtime.ports import MARKET_GONE, PRICE_REFUSED, REFUSAL_UNKNOWN

__all__ = ["CcxtVenue", "find_profile", "open_ccxt"]


def find_profile(exchange_id: str) -> Profile:
    """Return the profile of an exchange that a bot may trade on.

    Raises:
        ConfigError: ccxt is not installed, does not know it, or its orders cannot be looked up.
    """
    if exchange_id in TRADABLE:
        known_ids()
        return PROFILES[exchange_id]
    ids = known_ids()
    names = f"upbit, {', '.join(TRADABLE)}"
    if exchange_id not in ids:
        near = get_close_matches(exchange_id, ["upbit", *ids], n=3)
        advice = f"did you mean {' or '.join(near)}?" if near else f"this version trades {names}"
        raise ConfigError(
            f"expected the id of an exchange, was {exchange_id}, which ccxt does not know: "
            f"{advice}",
            code="VenueUnsupported",
        )
    raise ConfigError(
        f"expected an exchange that finds orders by the bot's own ids and takes fees in the quote "
        f"currency ({names}), was {exchange_id}: an order whose answer is lost could not be told "
        "from one that never was",
        code="VenueUnsupported",
    )


class CcxtVenue:
    """An exchange's answers to the questions of the `Venue` port.

    Args:
        client: The account's.
        symbol: The market, such as `KRW-BTC`.
        quirks: How this exchange is asked.
    """

    def __init__(self, client: CcxtClient, *, symbol: str, quirks: Quirks) -> None:
        self._client = client
        self._symbol = symbol
        self._pair = their_symbol(symbol)
        self._quirks = quirks

    def on(self, symbol: str) -> "CcxtVenue":
        """Return another market of the same account, under the same limits."""
        return CcxtVenue(self._client, symbol=symbol, quirks=self._quirks)

    def narrow_orders(self, orders_per_second: Decimal | None) -> None:
        """Set this bot's part of the account's order rate; None is all of it."""
        self._client.limits.narrow(orders_per_second)

    async def fetch_market(self) -> VenueMarket:
        """Return fee, smallest order and state."""

        async def ask(exchange: Exchange) -> VenueMarket:
            exchange.set_markets(await exchange.fetch_markets())
            self._check_listed(exchange)
            last = to_price(await exchange.fetch_ticker(self._pair))
            return await self._quirks.fetch_market(
                exchange, self._symbol, last=last, profile=self._client.profile
            )

        return await self._client.read(ask)

    async def fetch_price(self) -> VenuePrice:
        """Return the last price."""

        async def ask(exchange: Exchange) -> Decimal:
            self._check_listed(exchange)
            return to_price(await exchange.fetch_ticker(self._pair))

        await self._ready()
        return VenuePrice(last=await self._client.read(ask), read=self._client.clock.now())

    async def fetch_book(self) -> VenueBook:
        """Return the best prices of the order book."""

        async def ask(exchange: Exchange) -> VenueBook:
            return to_book(await exchange.fetch_order_book(self._pair))

        await self._ready()
        return await self._client.read(ask)

    async def fetch_account(self) -> VenueAccount:
        """Return what the account holds of the market's two currencies."""

        async def ask(exchange: Exchange) -> VenueAccount:
            return to_account(await exchange.fetch_balance(), self._symbol)

        await self._ready()
        return await self._client.read(ask)

    async def fetch_open_orders(self) -> tuple[VenueOrder, ...]:
        """Return the resting orders, oldest first, each once."""

        async def ask(exchange: Exchange) -> tuple[VenueOrder, ...]:
            rows = await self._quirks.list_open(exchange, self._pair)
            found = (to_order(row, self._symbol, trades=None) for row in rows)
            return tuple({order.venue_id: order for order in found}.values())

        await self._ready()
        return await self._client.read(ask)

    async def fetch_order(self, client_id: str) -> VenueOrder | None:
        """Return an order with its executions; None when there is none of that id."""

        async def ask(exchange: Exchange) -> VenueOrder:
            row = await self._quirks.find(exchange, self._pair, client_id)
            return await self._to_own(exchange, row, client_id=client_id)

        await self._ready()
        try:
            return await self._client.read(ask)
        except NotFoundError:
            return None

    async def test_order(self, price: Decimal) -> None:
        """Ask for the account: few exchanges have test orders."""
        _ = price
        await self.fetch_account()

    async def place(self, order: Order) -> VenueOrder:
        """Send a limit order or a market sell, once.

        Raises:
            VenueRefusedError: It was refused and does not exist; or it is a market buy, which
                exchanges take by total, or off the exchange's steps.
            OutcomeUnknownError: It may exist.
        """
        if order.price is None and order.side is Side.BUY:
            raise VenueRefusedError(
                "exchanges take a market buy by its total, not by its volume: use a limit",
                code="MarketBuyByVolume",
            )
        await self._ready()
        self._check_steps(order)
        self._check_first(order)

        async def ask(exchange: Exchange) -> VenueOrder:
            row = await exchange.create_order(
                self._pair,
                "market" if order.price is None else "limit",
                order.side.value.lower(),
                decimal_text(order.volume),
                None if order.price is None else decimal_text(order.price),
                {"clientOrderId": order.client_id},
            )
            return self._to_placed(row, order)

        priority = Priority.ENTRY if order.entry else Priority.EXIT
        try:
            return await self._client.write(ask, priority=priority, group=Group.ORDER)
        except RateLimitedError:
            raise
        except TransientError:
            self._client.sent.discard(order.client_id)  # it was not taken
            raise
        except NotFoundError as error:
            raise OutcomeUnknownError(error.message) from error

    async def cancel(self, client_id: str) -> None:
        """Ask for a cancel; it may be carried out later, or find the order filled.

        Raises:
            OutcomeUnknownError: The request may have arrived.
        """

        async def ask(exchange: Exchange) -> Any:
            return await self._quirks.cancel(exchange, self._pair, client_id)

        await self._ready()
        try:
            await self._client.write(ask, priority=Priority.CANCEL)
        except NotFoundError:
            return
        except VenueRefusedError as error:
            raise OutcomeUnknownError(error.message) from error

    # Inside

    async def _ready(self) -> None:
        """Have the exchange's markets, which ccxt needs for every call."""

        async def ask(exchange: Exchange) -> None:
            exchange.set_markets(await exchange.fetch_markets())

        if self._client.exchange.markets is None:
            await self._client.read(ask)

    def _check_listed(self, exchange: Exchange) -> None:
        if self._pair not in exchange.markets:
            raise TransientError(
                f"{self._client.profile.title} lists no market {self._symbol} (any more)",
                code=MARKET_GONE,
            )

    def _check_steps(self, order: Order) -> None:
        """Refuse what ccxt would round: it would send another order than the books have."""
        exchange = self._client.exchange
        self._check_listed(exchange)
        volume, price = decimal_text(order.volume), order.price
        try:
            is_kept = Decimal(exchange.amount_to_precision(self._pair, volume)) == order.volume
            if price is not None:
                told = exchange.price_to_precision(self._pair, decimal_text(price))
                is_kept = is_kept and Decimal(told) == price
        except Exception:  # noqa: BLE001  # ccxt refuses what is below a step with its own errors
            is_kept = False
        if not is_kept:
            raise VenueRefusedError(
                f"expected an order on the steps of {self._symbol}, found {volume} at "
                f"{'market' if price is None else decimal_text(price)}: nothing was sent",
                code=PRICE_REFUSED,
            )

    def _check_first(self, order: Order) -> None:
        """Keep an id that is not refused for ever from a second order under it."""
        client = self._client
        may_be_sent = order.client_id in client.sent or order.created < client.began
        if may_be_sent and not client.profile.takes_ids_once:
            raise OutcomeUnknownError(
                f"order {order.client_id} may have been sent before, and {client.profile.title} "
                "does not promise to refuse its id: it is looked up, not sent again",
                code=REFUSAL_UNKNOWN,
            )
        if not client.profile.takes_ids_once:
            client.sent.add(order.client_id)

    def _to_placed(self, row: Any, order: Order) -> VenueOrder:
        """Return the order as it was answered; what the answer does not tell is as it was sent."""
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
            raise TransientError(f"{self._client.profile.title} answered without an order's id")
        created = row.get("timestamp") or int(self._client.clock.now().timestamp() * 1000)
        sent: dict[str, Any] = {
            "symbol": self._pair,
            "type": "market" if order.price is None else "limit",
            "side": order.side.value.lower(),
            "amount": order.volume,
            "price": order.price,
            "filled": Decimal(0),
            "status": "open",
            "timestamp": created,
        }
        whole = sent | {name: value for name, value in row.items() if value is not None}
        placed = to_order(whole, self._symbol, trades=None)
        return replace(placed, client_id=order.client_id, trades=None)

    async def _to_own(self, exchange: Exchange, row: Any, *, client_id: str) -> VenueOrder:
        listed = to_order(row, self._symbol, trades=None)
        if listed.client_id not in {"", client_id}:
            raise TransientError(f"expected order {client_id}, found {listed.client_id}")
        rows = await self._quirks.list_trades(exchange, self._pair, row)
        return replace(
            listed,
            client_id=client_id,
            trades=to_trades(rows),
            fee=order_fee(row, rows, self._symbol),
        )


@contextlib.asynccontextmanager
async def open_ccxt(
    exchange_id: str,
    symbol: str,
    *,
    key_folder: Path,
    clock: Clock,
    rng: random.Random,
    base_url: str | None = None,
    orders_per_second: Decimal | None = None,
    banned_until: datetime | None = None,
) -> AsyncIterator[CcxtVenue]:
    """Have a market of an exchange for the length of a block; nothing is sent by opening.

    Args:
        exchange_id: ccxt's id, of `PROFILES`.
        symbol: The market, such as `KRW-BTC`.
        key_folder: Holds the files `access-key`, `secret-key` and, where needed, `passphrase`.
        clock: Wall time and waiting.
        rng: Source of the pauses' jitter.
        base_url: Stands for the exchange's own addresses; None is those.
        orders_per_second: This bot's part of the account's order rate; None is all of it.
        banned_until: End of a ban that an earlier process was told of.

    Raises:
        ConfigError: ccxt is not installed.
    """
    profile = PROFILES[exchange_id]
    limits = Limits(
        clock=clock,
        rng=rng,
        orders_per_second=orders_per_second,
        banned_until=banned_until,
        venue=profile.title,
    )
    async with httpx.AsyncClient(
        timeout=TIMEOUT, transport=LeanTransport(), trust_env=False
    ) as client:
        door = CcxtClient(
            client,
            exchange_id=exchange_id,
            profile=profile,
            base_url=base_url,
            key_folder=key_folder,
            limits=limits,
            clock=clock,
            rng=rng,
        )
        yield CcxtVenue(door, symbol=symbol, quirks=quirks_of(exchange_id))
